import { suggestName } from '../core/nearest.ts';
import type { Problem } from '../core/problem.ts';
import { compileFields } from './compile-fields.ts';
import { compileGuards } from './compile-guards.ts';
import { reportRepeated } from './compile-model.ts';
import type { ProjectFile } from './compile-project.ts';
import { mappingDigest } from './digest.ts';
import type { SourceDocument } from './document.ts';
import { type ClassSettings, checkMappingRules } from './mapping-rules.ts';
import { mappingSchemaWritten, type WrittenMapping } from './mapping-schema.ts';
import type { Field, Mapping, MappingClass, Model, ValueSource } from './project.ts';
import { readSection } from './read-section.ts';
import { compileTopic } from './topic-settings.ts';

/** A file of mappings/, as far as it is right. */
export interface MappingFile {
  readonly document: SourceDocument;
  readonly written: Partial<WrittenMapping>;
  readonly mapping: Mapping | undefined;
}

export interface KnownModels {
  /** Every name that a model file gives itself, right or wrong. */
  readonly names: readonly string[];
  /** Those of them that are written without a variable: suggestions may show them. */
  readonly literalNames: readonly string[];
  readonly models: ReadonlyMap<string, Model>;
}

export function compileMapping(
  document: SourceDocument,
  project: Pick<ProjectFile, 'topics' | 'guards'>,
  known: KnownModels,
  report: (problem: Problem) => void,
): MappingFile {
  const written = readSection(mappingSchemaWritten, document, report);
  const fields = written.fields === undefined ? [] : compileFields(written.fields, ['fields'], document, report);
  if (written.fields !== undefined && Object.keys(document.value.fields ?? {}).length === 0)
    report(document.problem(['fields'], 'The fact has no fields.'));
  const occurredAt = compileOccurredAt(written, document, report);
  checkNames(written, fields, document, known, report);
  const topicSpec = compileTopic(written.class ?? 'profile', written, project.topics, document, report);
  const model = known.models.get(written.model ?? '');
  const settings = settingsOf(written);
  if (written.class !== undefined)
    checkMappingRules({ ...written, ...settings, class: written.class, topicSpec, model, occurredAt }, document, report);

  const { mapping: name, fact, version, class: mappingClass, topic, owner, semantics, key } = written;
  if (name === undefined || fact === undefined || version === undefined || mappingClass === undefined || model === undefined)
    return { document, written, mapping: undefined };
  if (topic === undefined || owner === undefined || semantics === undefined || key === undefined || occurredAt === undefined)
    return { document, written, mapping: undefined };
  const undigested: Omit<Mapping, 'digest'> = {
    name,
    location: document.locate(''),
    fact,
    version,
    class: mappingClass,
    model: model.name,
    topic,
    owner,
    semantics: semantics.trim(),
    compatibility: written.compatibility ?? 'backward',
    encoding: 'json',
    key,
    identity: written.identity ?? key,
    dataSubject: written.data_subject,
    occurredAt,
    where: written.where,
    fields,
    ...settings,
    guards: compileGuards(written.guards, project.guards),
    topicSpec,
    locate: (path) => document.locate(path),
  };
  return { document, written, mapping: { ...undigested, digest: mappingDigest(undigested, model) } };
}

/** The defaults of the classes: docs/configuration.md says why. */
function settingsOf(written: Partial<WrittenMapping>): ClassSettings {
  const mappingClass: MappingClass = written.class ?? 'profile';
  return {
    onDelete: written.on_delete ?? (mappingClass === 'behavior' ? 'none' : 'tombstone'),
    initialLoad: written.initial_load ?? (mappingClass === 'command' ? 'baseline' : 'publish'),
    undo: written.undo ?? 'none',
  };
}

function compileOccurredAt(
  written: Partial<WrittenMapping>,
  document: SourceDocument,
  report: (problem: Problem) => void,
): ValueSource | undefined {
  const { occurred_at: source } = written;
  if (source === undefined) return undefined;
  if (source.from !== undefined && source.cel === undefined) return { from: source.from };
  if (source.cel !== undefined && source.from === undefined) return { cel: source.cel };
  report(document.problem(['occurred_at'], '`occurred_at` has exactly one of from and cel.', 'As occurred_at: { from: updated_at }.'));
  return undefined;
}

/** Names that must be names of something: the model, and the fields of key, identity and data_subject. */
function checkNames(
  written: Partial<WrittenMapping>,
  fields: readonly Field[],
  document: SourceDocument,
  known: KnownModels,
  report: (problem: Problem) => void,
): void {
  if (written.model !== undefined && !known.names.includes(written.model))
    report(
      document.problem(['model'], `There is no model \`${document.written(['model'])}\`.`, suggestName(written.model, known.literalNames)),
    );
  const names = Object.keys(document.value.fields ?? {});
  const check = (path: readonly (string | number)[], name: string, needed: boolean) => {
    if (!names.includes(name)) {
      report(document.problem(path, `The mapping has no field \`${document.written(path)}\`.`, suggestName(name, names)));
      return;
    }
    const field = fields.find((each) => each.name === name);
    if (field !== undefined && ['json', 'array', 'object', 'float64'].includes(field.type.kind))
      report(
        document.problem(
          path,
          `A field of type ${field.type.kind} has no single text that could identify a fact.`,
          'Name a field of another type.',
        ),
      );
    if (needed && field?.optional === true)
      report(document.problem(path, 'A field that identifies a fact must not be optional.', `Remove \`optional\` from fields.${name}.`));
  };
  for (const list of ['key', 'identity'] as const) {
    const listed = written[list];
    if (listed?.length === 0) report(document.problem([list], `\`${list}\` names no field.`));
    for (const [index, name] of (listed ?? []).entries()) check([list, index], name, true);
    reportRepeated(document, list, listed, report);
  }
  if (written.data_subject !== undefined) check(['data_subject'], written.data_subject, false);
}
