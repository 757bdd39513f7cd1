import { canonicalFactOf } from '../contract/canonical-fact.ts';
import { decodeJsonFact } from '../contract/decode-json-fact.ts';
import { isFramed, withoutFrame } from '../contract/wire-format.ts';
import type { Entry, Hash } from '../core/entry.ts';
import { HeadraceError } from '../core/errors.ts';
import { dataSchemaOf } from '../publish/envelope.ts';
import type { IncomingRecord } from '../publish/publisher.ts';
import { encodeEntry } from '../snapshot/changelog.ts';
import type { Fingerprints } from '../snapshot/fingerprints.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import { textOf } from './comparison/text-of.ts';
import { lookUpEncoding, type RunEncoding } from './encoding.ts';
import type { Job } from './job.ts';
import { keepRulesOf } from './make-change.ts';

/** What the fact topic holds, before anything is concluded from it. */
export interface FactSurvey {
  readonly records: number;
  /** Offsets that the topic begins after: what stood there is past its retention. */
  readonly removed: number;
  /** Live facts whose values this mapping cannot read: they will look changed. */
  unreadable: number;
  highestVersion: number;
  /** Per partition, the offset behind its last record. */
  readonly nextOffsets: readonly number[];
}

const BATCH_FACTS = 20_000;
const NONE = new Uint8Array(0);
/** No fact has it: the next comparison finds the fact changed. */
const UNKNOWN_FINGERPRINT: Hash = new Uint8Array(16);

/**
 * Reads the whole fact topic, and puts into the scratch view the entry that the newest version of each identity gives. Memory does not grow with the topic.
 * Throws SNAPSHOT_FOREIGN, naming the offset, for a record that this mapping did not publish.
 */
export async function readPublishedFacts(job: Job, fingerprints: Fingerprints, scratch: SnapshotView): Promise<FactSurvey> {
  const offsets = await job.admin.offsets(job.topics.facts);
  const encoding = await lookUpEncoding(job);
  const entryOf = factReader(job, fingerprints, encoding);
  const removed = offsets.reduce((sum, { start }) => sum + start, 0);
  const survey = { records: 0, removed, unreadable: 0, highestVersion: 0, nextOffsets: offsets.map(({ end }) => end) };
  let newest = new Map<string, { slot: Hash; entry: Entry }>();
  const flush = () => {
    const entries = [...newest.values()].map(({ slot, entry }) => ({ slot, bytes: encodeEntry(entry) }));
    scratch.apply({ expected: scratch.state.offset, next: scratch.state.offset + 1, appliedAtMs: job.clock(), entries });
    newest = new Map();
  };
  const each = (partition: number) => (record: IncomingRecord) => {
    survey.records++;
    const { slot, entry } = entryOf(record, partition);
    survey.highestVersion = Math.max(survey.highestVersion, entry.version);
    const text = textOf(slot);
    const known = newest.get(text)?.entry ?? scratch.findEntry(slot)?.entry;
    if (known !== undefined && known.version > entry.version) return;
    newest.set(text, { slot, entry });
    if (newest.size >= BATCH_FACTS) flush();
  };
  for (const { partition, start, end } of offsets) {
    job.progress.update({ phase: 'recovering', rowsRead: survey.records });
    await job.reader.read({ topic: job.topics.facts, partition, from: start, until: end }, each(partition), job.signal);
  }
  flush();
  for (const { entry } of scratch.entries()) if (entry.fingerprint !== null && isUnknown(entry.fingerprint)) survey.unreadable++;
  return survey;
}

export function isUnknown(fingerprint: Hash): boolean {
  return fingerprint.every((byte) => byte === 0);
}

/** What a published record says of its identity, without the row that it came from: UNKNOWN_FINGERPRINT (`isUnknown`) where this contract cannot read it. */
export function factReader(
  job: Job,
  fingerprints: Fingerprints,
  encoding: RunEncoding,
): (record: IncomingRecord, partition: number) => { slot: Hash; entry: Entry } {
  const { mapping, project, topics } = job;
  const names = mapping.fields.map(({ name }) => name);
  const canonical = canonicalFactOf(names);
  const decode = factDecoder(job, encoding);
  const source = `/headrace/${project.name}/${mapping.name}`;
  const keep = keepRulesOf(mapping);
  return ({ key: keyBytes, value, headers, offset }, partition) => {
    const version = Number(headers.ce_factversion);
    if (keyBytes === null || headers.ce_source !== source || !Number.isSafeInteger(version) || version < 1)
      throw foreignRecord(job, `${topics.facts}, partition ${partition}, offset ${offset}`, headers.ce_source);
    const key = encoding.keys.decode(keyBytes);
    if (key === undefined) throw foreignKey(job, `${topics.facts}, partition ${partition}, offset ${offset}`);
    const identity = headers.ce_subject ?? key;
    const isLive = value !== null && !(headers.ce_type ?? '').endsWith('.deleted');
    const fields = isLive && headers['content-type'] === encoding.values.contentType ? decode(value, headers.ce_dataschema) : undefined;
    const entry: Entry = {
      state: isLive ? 'live' : 'deleted',
      version,
      fingerprint: !isLive ? null : fields === undefined ? UNKNOWN_FINGERPRINT : fingerprints.fact(canonical(fields)),
      rowHash: null,
      fieldDigests: fields === undefined ? NONE : fingerprints.fieldDigests(names, fields),
      identity: isLive && keep.identity ? identity : null,
      key: isLive && keep.identity && key !== identity ? key : null,
      partition,
      offset,
      refused: null,
      cursor: null,
      current: isLive && keep.current ? value : null,
      previous: null,
    };
    return { slot: fingerprints.identity(identity), entry };
  };
}

/**
 * The canonical texts of a published value, or undefined for one of another schema. Avro and Protobuf do not tell in their bytes which that was: the id in front of
 * them does, or the header. JSON does, member by member.
 */
export function factDecoder(
  job: Job,
  { values }: RunEncoding,
): (value: Buffer, dataSchema: string | undefined) => readonly string[] | undefined {
  const { mapping, project, registry } = job;
  if (mapping.encoding === 'json') {
    const names = mapping.fields.map(({ name }) => name);
    return (value) => {
      if (registry === undefined) return decodeJsonFact(value.toString('utf8'), names);
      return isFramed(value) ? decodeJsonFact(withoutFrame(value).toString('utf8'), names) : undefined;
    };
  }
  const ours = dataSchemaOf(project.name, mapping);
  return (value, dataSchema) => (registry !== undefined || dataSchema === ours ? values.decode(value) : undefined);
}

function foreignKey(job: Job, where: string): HeadraceError {
  return new HeadraceError('SNAPSHOT_FOREIGN', `${job.mapping.name}: the key at ${where} is not of the form that the mapping writes.`, {
    suggestion:
      'Was registry.keys another one, or the encoding, or was the registry set up anew with other ids? Set them as they were, or publish to a new topic. Nothing was changed.',
  });
}

function foreignRecord(job: Job, where: string, source: string | undefined): HeadraceError {
  const whose = source === undefined ? 'without the headers of an event' : `of ${source}`;
  return new HeadraceError(
    'SNAPSHOT_FOREIGN',
    `${job.mapping.name}: ${where} holds a record ${whose}, which this mapping did not publish.`,
    {
      suggestion:
        "A fact topic has one writer: its versions could not be trusted otherwise. Publish to a new topic (the mapping's `topic`). Nothing was changed.",
    },
  );
}
