import type { Mapping, Project } from '../../config/project.ts';
import { identityText } from '../../contract/identity.ts';
import { jsonCodec } from '../../contract/json-codec.ts';
import { mediaTypeOf } from '../../contract/media-type.ts';
import { sampleFact } from '../../contract/sample-fact.ts';
import { compileEnvelope } from '../../publish/envelope.ts';

/** An event as a consumer gets it, made of names and types: no row was read for it. */
export interface SampleEvent {
  readonly key: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The fact as JSON, whatever the encoding. */
  readonly value: string;
}

const RUN = '20260131T120000000Z-000000';
const AT = '2026-01-31T12:00:00.000000Z';

/** The first version of a fact, in the envelope that a run would give it. */
export function sampleEvent(project: Project, mapping: Mapping): SampleEvent {
  const names = mapping.fields.map((field) => field.name);
  const texts = sampleFact(mapping);
  const textOf = (fields: readonly string[]) => identityText(fields.map((name) => texts[names.indexOf(name)] ?? '""'));
  const value = jsonCodec(names).encode(texts);
  const contentType = mediaTypeOf(mapping.encoding);
  const { fact } = compileEnvelope(project.name, mapping, { runId: RUN, contentType });
  const change = {
    kind: 'created',
    identity: textOf(mapping.identity),
    key: textOf(mapping.key),
    value,
    occurredAt: AT,
    changed: [],
    reason: null,
  } as const;
  const record = fact(change, 1);
  const variable = record.headers.variable.map((name, index) => [name, record.headerValues[index] ?? ''] as const);
  return { key: change.key, headers: [...record.headers.constant, ...variable], value };
}
