import type { Change } from '../core/change.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Publisher, Transaction } from '../publish/publisher.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import type { SnapshotView, ViewStep } from '../snapshot/view.ts';
import type { WriterParts } from './chunk.ts';
import {
  changesUnder,
  entryUpdates,
  type FactRecords,
  factRecords,
  type LedgerSummary,
  ledgerRecord,
  quarantineRecords,
  snapshotRecords,
} from './chunk-records.ts';
import type { Job } from './job.ts';
import { ownerOf } from './owner.ts';
import { mustBeDecided, type UndecidedFacts } from './undecided.ts';

/** What a chunk is made of. */
export interface ChunkParts {
  readonly changes: readonly Change[];
  /** Its control record, but for the offsets that its facts get. */
  readonly control: ControlRecord;
  /** Rows below the horizon, for the ledger. */
  readonly late: number;
  readonly summary?: LedgerSummary | undefined;
}

/**
 * Promise 6: sends facts, quarantine, ledger, entries, owner and control of a chunk in one transaction. Returns it, to be committed, and the step that the view is to
 * take then. Throws OUTCOME_UNKNOWN or FENCED where the transaction must be given up, SNAPSHOT_FOREIGN where a topic is not the one that was written before.
 */
export async function sendChunk(
  job: Job,
  view: SnapshotView,
  producer: { readonly publisher: Publisher; readonly undecidedFacts: UndecidedFacts },
  { envelope, partitions, ledger, further = [], isRepair }: WriterParts,
  { changes, control: base, late, summary }: ChunkParts,
): Promise<{ readonly transaction: Transaction; readonly step: ViewStep }> {
  const { topics, reach, mapping, partitionOf } = job;
  const { publisher, undecidedFacts } = producer;
  const facts = factRecords(changesUnder(changes, 0, further), envelope, (key) => partitionOf(key, partitions), mapping.onDelete);
  const others = further.map((to, i) => ({
    topic: to.topic,
    records: factRecords(changesUnder(changes, i + 1, further), to.envelope, (key) => partitionOf(key, to.partitions), mapping.onDelete),
  }));
  const quarantined = quarantineRecords(changes, { id: base.run, contractVersion: base.contractVersion, mapping: mapping.name });
  const owner = ownerOf(job, base.last ? 0 : job.options.leaseMs);

  await mustBeDecided(job, view);
  await reach('before_first_send');
  const transaction = await publisher.begin();
  if (facts.byPartition.size > 0) await undecidedFacts.look();
  const baseOffsets = new Map<number, number>();
  const nextOffsets = [...base.nextOffsets];
  for (const [partition, records] of facts.byPartition) {
    const offset = await transaction.send(topics.facts, partition, records);
    checkOffset(topics.facts, partition, offset, nextOffsets[partition] ?? 0);
    undecidedFacts.sent(partition, offset, nextOffsets[partition] ?? 0);
    baseOffsets.set(partition, offset);
    nextOffsets[partition] = offset + records.length;
    await reach('between_sends');
  }
  const also = await sendFurther(job, transaction, others, base.also);
  if (quarantined.length > 0) await transaction.send(topics.quarantine, 0, quarantined);
  const from = view.state.control?.watermark ?? null;
  const entry = ledgerRecord({
    format: 1,
    run: base.run,
    mapping: mapping.name,
    origin: 'live',
    chunk: base.chunk,
    last: base.last,
    at: new Date(job.clock()).toISOString(),
    watermark: { from, to: base.watermark },
    counts: { ...countKinds(changes), ...(late > 0 ? { late } : {}) },
    contractVersion: base.contractVersion,
    host: job.host,
    ...ledger,
    ...summary,
  });
  if (changes.length > 0 || base.last) await transaction.send(topics.runs, 0, [entry]);
  const updates = entryUpdates(changes, facts.places, baseOffsets);
  const control = { ...base, nextOffsets, ...(also === undefined ? {} : { also }) };
  const records = snapshotRecords(updates, control, owner);
  const { offset: expected } = view.state;
  const first = await transaction.send(topics.snapshot, 0, records);
  checkOffset(topics.snapshot, 0, first, expected);
  await reach('after_last_send');
  undecidedFacts.mustBeNone();
  const step: ViewStep = {
    expected,
    // The last record, then the marker of the transaction.
    next: first + records.length + 1,
    appliedAtMs: job.clock(),
    control,
    owner,
    entries: updates,
    marks: changes.map(({ row }) => row).filter((row) => row !== null),
    foreign: isRepair,
    forget: changes.map(({ forgetRow }) => forgetRow).filter((key) => key !== null),
  };
  return { transaction, step };
}

/** Promise 6: the topics of further contracts get the same versions in the same transaction. Returns where they end then. */
async function sendFurther(
  job: Job,
  transaction: Transaction,
  others: readonly { readonly topic: string; readonly records: FactRecords }[],
  before: ControlRecord['also'],
): Promise<ControlRecord['also']> {
  const after = new Map(before?.map(({ topic, nextOffsets }) => [topic, [...nextOffsets]]));
  for (const { topic, records } of others) {
    const next = after.get(topic) ?? [];
    for (const [partition, sent] of records.byPartition) {
      const offset = await transaction.send(topic, partition, sent);
      checkOffset(topic, partition, offset, next[partition] ?? 0);
      next[partition] = offset + sent.length;
      await job.reach('between_sends');
    }
  }
  return before?.map(({ topic }) => ({ topic, nextOffsets: after.get(topic) ?? [] }));
}

/** A partition that gives out an offset twice is not the one that was written before. */
function checkOffset(topic: string, partition: number, offset: number, atLeast: number): void {
  if (offset >= atLeast) return;
  throw new HeadraceError(
    'SNAPSHOT_FOREIGN',
    `${topic} gave offset ${offset} in partition ${partition}, but ${atLeast} was reached before.`,
    {
      suggestion: 'The topic was recreated while the run went on. The transaction was not committed.',
    },
  );
}

function countKinds(changes: readonly Change[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of changes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
