import { PLAIN_KEYS } from '../contract/record-key.ts';
import type { Change } from '../core/change.ts';
import type { Entry, Hash } from '../core/entry.ts';
import { HeadraceError } from '../core/errors.ts';
import { compileEnvelope } from '../publish/envelope.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import type { SnapshotView, StoredEntry } from '../snapshot/view.ts';
import { ChangeSet } from './change-set.ts';
import { checkTopics } from './check-topics.ts';
import { unmoved, type WriterParts } from './chunk.ts';
import type { LedgerRecord } from './chunk-records.ts';
import { openEncodings, type RunEncodings } from './encoding.ts';
import { asRun, type Job } from './job.ts';
import { openLocalCopy } from './local-copy.ts';
import { establishOrigin, type Origin } from './origin.ts';
import { topicOfControl } from './publication.ts';
import { chunksOf, publishOne } from './publish-changes.ts';
import { Writer } from './writer.ts';

/** A change of entries that a person has ordered: what the ledger, and the events that it publishes, say of it. */
export interface RepairOrder {
  readonly kind: string;
  readonly origin: LedgerRecord['origin'];
  /** Who started it: the user of the operating system. */
  readonly user: string;
  readonly reason: string | null;
  /** What the next run has to do because of it. */
  readonly due?: ControlRecord['due'];
  /** Id of the plan that was approved. */
  readonly approval?: string | undefined;
}

export interface Repaired {
  readonly run: string;
  readonly entries: number;
  /** Facts that were committed to the fact topic. */
  readonly published: number;
  readonly chunks: number;
}

/** What a repair works with: the view is at the end of the topic, and nobody else can write. */
export interface RepairParts {
  readonly view: SnapshotView;
  readonly origin: Origin;
  readonly control: ControlRecord;
  readonly encodings: RunEncodings;
}

/**
 * Changes entries as the mapping's one writer: lock, look, fence, recover, check, and then chunks like a run's, each one transaction with its ledger record. Progress stays
 * where it is. Ended anywhere, what was committed is complete; the same order, given again, finds the rest.
 * Throws OWNED_ELSEWHERE, SNAPSHOT_FOREIGN, CONFIG_INVALID where the mapping was edited since its last run.
 */
export function repair(job: Job, order: RepairOrder, changesOf: (parts: RepairParts) => Promise<Iterable<Change>>): Promise<Repaired> {
  const told = ({ published, chunks }: Repaired) => ({ kind: order.kind, published, chunks });
  return asRun(job, () => inOrder(job, order, changesOf), told);
}

async function inOrder(job: Job, order: RepairOrder, changesOf: (parts: RepairParts) => Promise<Iterable<Change>>): Promise<Repaired> {
  const facts = await checkTopics(job);
  // In the folder, wherever the view lies: it is looked through whole, and another view finds the changes in the topic.
  await using copy = await openLocalCopy({ ...job, openRemoteView: undefined });
  const { view } = copy;
  await using writer = await Writer.open(job, view);
  return await writer.recordingFailure(async () => {
    const origin = await establishOrigin(job, view);
    const control = requireRun(job, view.state.control);
    const encodings = await openEncodings(job);
    await writer.use(partsOf(job, order, { control, origin, encodings, partitions: facts.partitions, also: facts.also }));
    const changes = new ChangeSet(job.folder);
    try {
      for (const change of await changesOf({ view, origin, control, encodings })) changes.add(change);
      const entries = changes.size;
      let chunk: Change[] = [];
      for (const next of chunksOf(changes, job)) {
        if (chunk.length > 0) await publishOne(job, writer, chunk, unmoved(view));
        chunk = next;
      }
      if (chunk.length > 0) await publishOne(job, writer, chunk, { ...unmoved(view), last: true });
      else await writer.release();
      await job.reach('done');
      return { run: job.runId, entries, published: writer.published, chunks: writer.chunks };
    } finally {
      changes.close();
    }
  });
}

/** Nothing of the control record moves: neither the version that is published nor the topics. */
function partsOf(
  job: Job,
  order: RepairOrder,
  {
    control,
    origin,
    encodings,
    partitions,
    also,
  }: {
    control: ControlRecord;
    origin: Origin;
    encodings: RunEncodings;
    partitions: number;
    also: readonly { readonly partitions: number }[];
  },
): WriterParts {
  const { kind, user, reason, approval, due } = order;
  const envelope = (mapping: Job['mapping'], { values, keys }: RunEncodings['own']) =>
    compileEnvelope(job.project.name, mapping, {
      runId: job.runId,
      contentType: values.contentType,
      encodeKey: keys === PLAIN_KEYS ? undefined : keys.encode,
      ...(order.origin === 'undo' ? { origin: 'undo' as const, namesUndone: true } : {}),
      approval,
      traceparent: job.spans.traceparent(),
    });
  return {
    envelope: envelope(job.mapping, encodings.own),
    origin: { ...origin.record, contractVersion: control.contractVersion, form: control.form },
    partitions,
    further: job.also.map(({ mapping, version }, i) => ({
      topic: mapping.topic,
      version,
      partitions: also[i]?.partitions ?? 0,
      envelope: envelope(mapping, encodings.also[i] ?? encodings.own),
    })),
    published: { during: control.published, after: control.published },
    rollback: { during: control.rollback, after: control.rollback },
    ledger: {
      kind,
      allowed: [],
      origin: order.origin,
      repair: { user, host: job.host, reason },
      ...(approval === undefined ? {} : { approval }),
    },
    isRepair: true,
    due,
  };
}

/** Entries say what was published under the last run's rules: a repair under others would mix them. */
function requireRun(job: Job, control: ControlRecord | null): ControlRecord {
  const { mapping } = job;
  const refuse = (what: string, suggestion: string): never => {
    throw new HeadraceError('CONFIG_INVALID', `${mapping.name}: ${what}`, { suggestion: `${suggestion} Nothing was changed.` });
  };
  if (control === null) return refuse('nothing was published yet.', `Run it first: headrace run ${mapping.name}.`);
  if (topicOfControl(job, control) !== mapping.topic)
    refuse(
      `its facts were published to ${topicOfControl(job, control)}, and the mapping says ${mapping.topic}.`,
      'Run it first, or set the topic back.',
    );
  return control;
}

/** An entry is changed, and nothing is published. */
export function entryChange(slot: Hash, { entry: before, ordinal }: StoredEntry, entry: Entry, at: string): Change {
  return {
    kind: 'recorded',
    slot,
    identity: before.identity,
    key: null,
    entry,
    before: { partition: before.partition, offset: before.offset, version: before.version },
    value: null,
    occurredAt: at,
    changed: [],
    reason: null,
    rejection: null,
    row: null,
    forgetRow: null,
    ordinal,
  };
}
