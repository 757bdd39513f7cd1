import { suggestName } from '../core/nearest.ts';
import type { Problem } from '../core/problem.ts';
import { classSettings } from './class-settings.ts';
import { compileFields } from './compile-fields.ts';
import { compileGuards } from './compile-guards.ts';
import { reportRepeated, withTimeZone } from './compile-model.ts';
import type { ProjectFile } from './compile-project.ts';
import { compileOccurredAt, contractRules } from './contract-rules.ts';
import { describedBy } from './dbt/described-by.ts';
import { mappingDigest } from './digest.ts';
import type { SourceDocument } from './document.ts';
import { checkEncoding } from './encoding-rules.ts';
import { checkMappingRules } from './mapping-rules.ts';
import { mappingSchemaWritten, type WrittenMapping } from './mapping-schema.ts';
import type { Field, Mapping, Model } from './project.ts';
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
  const model = known.models.get(written.model ?? '');
  const compiled = written.fields === undefined ? [] : compileFields(written.fields, ['fields'], document, report);
  const fields = model?.declared === undefined ? compiled : describedBy(model.declared, compiled);
  if (written.fields !== undefined && Object.keys(document.value.fields ?? {}).length === 0)
    report(document.problem(['fields'], 'The fact has no fields.'));
  const occurredAt = compileOccurredAt(written, document, report);
  checkNames(written, fields, document, known, report);
  checkEncoding(written.encoding ?? 'json', fields, document, report);
  const topicSpec = compileTopic(written.class ?? 'profile', written, project.topics, document, report);
  const settings = classSettings(written);
  if (written.class !== undefined)
    checkMappingRules({ ...written, ...settings, class: written.class, topicSpec, model, occurredAt }, document, report);

  const rules = contractRules(written, { ...settings, fields, occurredAt });
  if (rules === undefined || model === undefined) return { document, written, mapping: undefined };
  const undigested: Omit<Mapping, 'digest'> = {
    ...rules,
    location: document.locate(''),
    initialLoad: settings.initialLoad,
    guards: compileGuards(written.guards, project.guards),
    topicSpec,
    schedule: written.schedule === 'none' ? 'none' : withTimeZone(written.schedule, written.timezone ?? model.timeZone ?? 'UTC'),
    tags: written.tags === undefined ? undefined : [...new Set(written.tags)],
    also: compileAlso(written, document),
    locate: (path) => document.locate(path),
  };
  return { document, written, mapping: { ...undigested, digest: mappingDigest(undigested, model) } };
}

function compileAlso({ also }: Partial<WrittenMapping>, document: SourceDocument): Mapping['also'] {
  if (also === undefined) return undefined;
  if (!Array.isArray(also)) return [{ ...also, location: document.locate('also') }];
  return also.map((each, index) => ({ ...each, location: document.locate(`also.${index}`) }));
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
