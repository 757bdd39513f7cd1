import type { FactCodec } from '../contract/codec.ts';
import { formatVersion } from '../contract/contract.ts';
import type { Change } from '../core/change.ts';
import { dataSchemaOf } from '../publish/envelope.ts';
import { eventId } from '../publish/event-id.ts';
import { checkTopics } from './check-topics.ts';
import type { Counts } from './comparison/counts.ts';
import { compileContract } from './contract.ts';
import { type ReadingCost, readingCost } from './cost.ts';
import { inDryView } from './dry-view.ts';
import { lookUpEncodings } from './encoding.ts';
import type { GuardVerdict } from './guards.ts';
import type { Job } from './job.ts';
import { establishOrigin } from './origin.ts';
import { judgeReading } from './outcome.ts';
import { digestOfJob, hasOtherTopics } from './publication.ts';
import { publishedContract } from './published-contract.ts';
import { readModel } from './read-model.ts';
import { refuseRolledBack } from './rollback.ts';
import { driftOf, judgeDrift } from './schema-drift.ts';
import { decideScope, type Scope } from './scope.ts';

/** What a run would publish now. */
export interface PlanResult {
  readonly mapping: string;
  readonly scope: Scope['kind'];
  readonly reason: string;
  readonly counts: Counts;
  /** Per field, in how many updates it changes. */
  readonly changedFields: Readonly<Record<string, number>>;
  readonly guards: readonly GuardVerdict[];
  /** Facts that consumers hold now. */
  readonly live: number;
  readonly watermark: string | null;
  /** Null where the warehouse does not bill by what it reads. */
  readonly cost: ReadingCost | null;
  readonly samples: readonly Sample[];
  /** How many facts and deletions each topic gets, the mapping's own first. */
  readonly topics: readonly TopicPlan[];
  /** Digest of all changes: `run --approve` releases just these. */
  readonly changeSet: string;
}

export interface TopicPlan {
  readonly topic: string;
  readonly version: string;
  readonly facts: number;
}

export interface Sample {
  readonly kind: Change['kind'];
  /** The Kafka key: hashed, unless keys were asked for. */
  readonly key: string;
  readonly version: number;
  readonly reason: string | null;
  /** Of an update, and of what is created or deleted: the fields with their values; keys' values are hashed as the key is. Undefined where the topic no longer has the earlier fact. */
  readonly before: Readonly<Record<string, unknown>> | undefined;
  readonly after: Readonly<Record<string, unknown>> | undefined;
}

const SAMPLES_PER_KIND = 3;

/**
 * The same flow as a run, up to the guards, on a throw-away copy of the local copy. Promise 7: it publishes nothing, fences nobody, moves nothing, and leaves the
 * local copy as it is; a run that is under way does not notice it.
 */
export async function plan(job: Job): Promise<PlanResult> {
  const [main, facts, encodings] = await Promise.all([compileContract(job), checkTopics(job), lookUpEncodings(job)]);
  const codec = encodings.own.values;
  return inDryView(job, async (view, dry) => {
    const origin = await establishOrigin(dry, view);
    const { control } = view.state;
    refuseRolledBack(job, control);
    const contract = publishedContract(job, control, main, encodings, facts);
    const drift = driftOf(control?.columns ?? null, contract.columns, contract.mapper.columns);
    const schema = judgeDrift(drift, contract.mapper.columns.length, job.options.allow);
    const why = { askedFor: job.options.full, isRetyped: schema.exceeded, hasOtherTopics: hasOtherTopics(job, control) };
    const scope = decideScope(job.model, digestOfJob(job), control, why, job.clock());
    const reading = await readModel(dry, view, scope, {
      contract,
      encode: contract.encode,
      fingerprints: origin.fingerprints,
      facts,
      versionFloor: origin.record.versionFloor,
      withDigest: true,
    });
    const { comparison } = reading;
    return {
      mapping: job.mapping.name,
      scope: reading.scope.kind,
      reason: reading.scope.reason,
      counts: comparison.counts,
      changedFields: Object.fromEntries(comparison.changedFields),
      guards: scope.kind === 'initial load' ? [] : [schema, ...judgeReading(job, reading)],
      live: comparison.confirmableBefore,
      watermark: view.state.control?.watermark ?? null,
      changeSet: reading.changes.digest ?? '',
      cost: await readingCost(job, contract, reading, view.state.control),
      ...(await lookAtChanges(job, codec, reading.changes.drain(), (key) =>
        Buffer.from(origin.fingerprints.identity(key)).toString('hex').slice(0, 12),
      )),
    };
  });
}

async function lookAtChanges(
  job: Job,
  codec: FactCodec,
  changes: Iterable<Change>,
  hash: (text: string) => string,
): Promise<Pick<PlanResult, 'samples' | 'topics'>> {
  const chosen: Change[] = [];
  const topics = [job.mapping, ...job.also.map((each) => each.mapping)].map(({ topic, version }) => ({
    topic,
    version: formatVersion(version),
    facts: 0,
  }));
  const taken = new Map<string, number>();
  for (const change of changes) {
    if (change.kind === 'expired') continue;
    for (const [i, topic] of topics.entries()) if (isSentUnder(change, i)) topic.facts++;
    const count = taken.get(change.kind) ?? 0;
    if (count >= SAMPLES_PER_KIND) continue;
    taken.set(change.kind, count + 1);
    chosen.push(change);
  }
  const samples: Sample[] = [];
  for (const change of chosen) {
    const before = await publishedFact(job, codec, change);
    const after = change.value === null || change.kind === 'deleted' ? undefined : readFact(job, codec, change.value);
    const hide = (fact: Readonly<Record<string, unknown>> | undefined) =>
      fact === undefined || job.options.showKeys ? fact : hideKeys(job, fact, hash);
    samples.push({
      kind: change.kind,
      key: change.key === null ? '(no key)' : job.options.showKeys ? change.key : `#${hash(change.key)}`,
      version: change.entry?.version ?? 0,
      reason: change.reason ?? (change.rejection === null ? null : `${change.rejection.field}: ${change.rejection.message}`),
      before: hide(before),
      after: hide(after),
    });
  }
  return { samples, topics };
}

function isSentUnder({ kind, under }: Change, index: number): boolean {
  if (kind === 'filled') return under?.includes(index) === true;
  return kind === 'created' || kind === 'updated' || kind === 'deleted';
}

/**
 * The fact that consumers have now, read where its entry says; a topic with retention may no longer hold it. Undefined, too, for one of another schema that only its
 * own reader could decode.
 */
async function publishedFact(job: Job, codec: FactCodec, change: Change): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { before, identity } = change;
  if (before === null || before.offset < 0) return undefined;
  const { partition, offset } = before;
  const range = (await job.admin.offsets(job.topics.facts)).find((p) => p.partition === partition);
  if (range === undefined || offset < range.start || offset >= range.end) return undefined;
  let fact: Readonly<Record<string, unknown>> | undefined;
  await job.reader.read(
    { topic: job.topics.facts, partition, from: offset, until: offset + 1 },
    (record) => {
      // Where the topics of the mapping changed, something else may stand in this place.
      const isIts = identity !== null && record.headers.ce_id === eventId(job.project.name, job.mapping.name, identity, before.version);
      const isOfThisContract =
        job.mapping.encoding === 'json' || record.headers.ce_dataschema === dataSchemaOf(job.project.name, job.mapping);
      if (record.offset === offset && record.value !== null && isIts && isOfThisContract) fact = readFact(job, codec, record.value);
    },
    job.signal,
  );
  return fact;
}

function readFact(job: Job, codec: FactCodec, value: string | Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const texts = codec.decode(typeof value === 'string' ? Buffer.from(value) : value);
  if (texts === undefined) return undefined;
  return Object.fromEntries(job.mapping.fields.map(({ name }, i) => [name, JSON.parse(texts[i] as string) as unknown]));
}

function hideKeys(job: Job, fact: Readonly<Record<string, unknown>>, hash: (text: string) => string): Record<string, unknown> {
  const { key, identity, dataSubject } = job.mapping;
  const hidden = new Set([...key, ...identity, ...(dataSubject === undefined ? [] : [dataSubject])]);
  return Object.fromEntries(Object.entries(fact).map(([name, value]) => [name, hidden.has(name) ? `#${hash(String(value))}` : value]));
}
