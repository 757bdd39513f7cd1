import type { CompiledEncoding, FactCodec } from '../contract/codec.ts';
import { compileEncoding } from '../contract/compile-encoding.ts';
import { type FactShape, factShapeOf, keyShapeOf } from '../contract/fact-shape.ts';
import { encodedKeys, type KeyCodec, PLAIN_KEYS } from '../contract/record-key.ts';
import { subjectOf } from '../contract/subject.ts';
import { framed } from '../contract/wire-format.ts';
import type { Job } from './job.ts';
import { plannedSchemaId, schemaId } from './schema-ids.ts';

/** How this run writes values and keys. */
export interface RunEncoding {
  readonly values: FactCodec;
  readonly keys: KeyCodec;
}

/** Of all contracts that are published. */
export interface RunEncodings {
  readonly own: RunEncoding;
  /** Of further contracts, in their order. */
  readonly also: readonly RunEncoding[];
}

/** The same for every contract that is published. */
export async function openEncodings(job: Job): Promise<RunEncodings> {
  return encodingsBy(job, openEncoding);
}

export async function lookUpEncodings(job: Job): Promise<RunEncodings> {
  return encodingsBy(job, lookUpEncoding);
}

async function encodingsBy(job: Job, open: (job: Job) => Promise<RunEncoding>): Promise<RunEncodings> {
  const own = await open(job);
  const also: RunEncoding[] = [];
  for (const { mapping } of job.also) also.push(await open({ ...job, mapping }));
  return { own, also };
}

/** Before the first fact is encoded, and so before the first send: registers the schemas where there is a registry. Throws what the registry throws. */
export async function openEncoding(job: Job): Promise<RunEncoding> {
  return encodingBy(job, (registry, subject, { schema }) => schemaId(job, registry, subject, schema));
}

/** Promise 7: the same for a plan, which registers nothing. */
export async function lookUpEncoding(job: Job): Promise<RunEncoding> {
  return encodingBy(job, (registry, subject, { schema }) => plannedSchemaId(job, registry, subject, schema));
}

type IdOf = (registry: NonNullable<Job['registry']>, subject: string, compiled: CompiledEncoding) => Promise<number>;

async function encodingBy(job: Job, idOf: IdOf): Promise<RunEncoding> {
  const { registry, mapping, project } = job;
  const compile = async (shape: FactShape, part: 'value' | 'key') => {
    const compiled = await compileEncoding(mapping.encoding, shape);
    if (registry === undefined) return compiled.codec;
    const subject = subjectOf(project.registry?.subjectStrategy ?? 'topic', mapping, shape, part);
    return framed(compiled.codec, compiled.schema, await idOf(registry, subject, compiled));
  };
  const values = await compile(factShapeOf(mapping), 'value');
  if (registry === undefined || project.registry?.keys !== 'encoded') return { values, keys: PLAIN_KEYS };
  const keyShape = keyShapeOf(mapping);
  return { values, keys: encodedKeys(keyShape, await compile(keyShape, 'key')) };
}
