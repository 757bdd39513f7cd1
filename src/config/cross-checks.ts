import type { Problem } from '../core/problem.ts';
import type { MappingFile } from './compile-mapping.ts';
import type { ModelFile } from './compile-model.ts';
import type { Path, SourceDocument } from './document.ts';

/** What is wrong only because of another file: names that stand twice, topics with two writers. */
export function crossCheck(
  projectName: string | undefined,
  models: readonly ModelFile[],
  mappings: readonly MappingFile[],
): readonly Problem[] {
  const named = mappings.filter((file) => file.written.mapping !== undefined);
  return [
    ...repeated(
      models,
      (file) => file.name,
      ['model'],
      (other) => `Another model has this name (${place(other, 'model')}).`,
    ),
    ...repeated(
      named,
      (file) => file.written.mapping,
      ['mapping'],
      (other) => `Another mapping has this name (${place(other, 'mapping')}).`,
    ),
    ...repeated(
      mappings,
      (file) => file.written.topic,
      ['topic'],
      (other) => `Another mapping writes to this topic (${place(other, 'topic')}); a fact topic is written by one mapping alone.`,
    ),
    ...collidingTopics(mappings),
    ...internalTopics(projectName, mappings),
    ...repeated(
      mappings,
      (file) =>
        file.written.fact === undefined || file.written.version === undefined
          ? undefined
          : `${file.written.fact} ${file.written.version.major}`,
      ['fact'],
      (other) =>
        `Another mapping publishes the same fact with the same major version (${place(other, 'fact')}): consumers cannot tell the two apart.`,
      'warning',
    ),
  ];
}

function repeated<T extends { readonly document: SourceDocument }>(
  files: readonly T[],
  textOf: (file: T) => string | undefined,
  path: Path,
  message: (first: SourceDocument) => string,
  severity: Problem['severity'] = 'error',
): readonly Problem[] {
  const first = new Map<string, SourceDocument>();
  const problems: Problem[] = [];
  for (const file of files) {
    const value = textOf(file);
    const other = value === undefined ? undefined : first.get(value);
    if (other !== undefined)
      problems.push(file.document.problem(path, message(other), 'Choose another one, or remove one of the files.', severity));
    else if (value !== undefined) first.set(value, file.document);
  }
  return problems;
}

/** Kafka refuses a topic whose name equals another one once `.` and `_` are the same, as they are in names of metrics. */
function collidingTopics(mappings: readonly MappingFile[]): readonly Problem[] {
  const first = new Map<string, MappingFile>();
  const problems: Problem[] = [];
  for (const file of mappings) {
    const { topic } = file.written;
    if (topic === undefined) continue;
    const other = first.get(topic.replaceAll('.', '_'));
    if (other === undefined) first.set(topic.replaceAll('.', '_'), file);
    else if (other.written.topic !== topic)
      problems.push(
        file.document.problem(
          ['topic'],
          `Kafka takes this name for that of another topic (${place(other.document, 'topic')}): it does not tell \`.\` from \`_\`.`,
          'Choose another name.',
        ),
      );
  }
  return problems;
}

function internalTopics(projectName: string | undefined, mappings: readonly MappingFile[]): readonly Problem[] {
  if (projectName === undefined) return [];
  return mappings
    .filter((file) => file.written.topic?.startsWith(`headrace.${projectName}.`) === true)
    .map((file) =>
      file.document.problem(
        ['topic'],
        'Topics that begin with `headrace.` and the name of the project are internal ones.',
        'Choose another name.',
      ),
    );
}

function place(document: SourceDocument, path: string): string {
  const { file, line } = document.locate(path);
  return `${file}:${line}`;
}
