import { isDeepStrictEqual } from 'node:util';
import { HeadraceError } from '../core/errors.ts';
import { SNAPSHOT_DELETE_RETENTION_MS } from '../publish/topics.ts';
import { type ControlRecord, decodeRecord, encodeEntry, type OwnerRecord } from '../snapshot/changelog.ts';
import type { EntryUpdate, SnapshotView, ViewState } from '../snapshot/view.ts';
import { textOf } from './comparison/text-of.ts';
import type { Job } from './job.ts';

/** Records of the snapshot topic that are applied to the view in one step. */
const STEP_RECORDS = 50_000;
/** An owner record is renewed with every chunk and every half minute: the newest one is near the end. */
const LOOK_BACK_RECORDS = 20_000;

/**
 * The committed end of the snapshot topic. The broker writes its markers a moment after a commit, so it is waited for while it lies before the view. Where it
 * stays there, the topic has lost records, or a marker was never written (see undecided.ts): the fence tells which.
 */
export async function snapshotEnd(job: Job, view: SnapshotView): Promise<{ start: number; end: number }> {
  for (let attempt = 0; ; attempt++) {
    const [partition] = await job.admin.offsets(job.topics.snapshot);
    if (partition === undefined) throw new HeadraceError('TOPIC_MISSING', `The topic ${job.topics.snapshot} has no partition.`);
    if (partition.end >= view.state.offset || attempt === 20) return partition;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The newest owner record before `end`, without fencing anybody and without touching the view. */
export async function newestOwner(
  job: Job,
  view: { readonly state: Pick<ViewState, 'offset' | 'owner'> },
  end: number,
): Promise<OwnerRecord | null> {
  let owner = view.state.owner;
  // Behind a view that is ahead of the topic there is nothing to read: then the topic itself says who owns it.
  const first = view.state.offset > end ? 0 : view.state.offset;
  for (let back = LOOK_BACK_RECORDS; ; back *= 10) {
    const from = Math.max(first, end - back);
    let found = false;
    await readSnapshot(job, from, end, (record) => {
      if (record.type !== 'owner') return;
      owner = record.owner;
      found = true;
    });
    if (found || from === first) return owner;
  }
}

/**
 * Promise 1: brings the view up to our own owner record at `barrier`: everything that was ever committed lies before it, and nothing of an older instance can follow.
 * With nothing in between no consumer is needed.
 */
export async function recover(job: Job, view: SnapshotView, barrier: number, owner: OwnerRecord): Promise<void> {
  const { remote } = view;
  for (let attempt = 1; ; attempt++) {
    // An instance that was shut out may still apply what it had committed: from here on it finds the view elsewhere.
    await remote?.refresh();
    try {
      await recoverOnce(job, view, barrier, owner);
      break;
    } catch (error) {
      if (remote === undefined || attempt === 3 || (await remote.isUnmoved())) throw error;
    }
  }
  await job.reach('recovered');
}

async function recoverOnce(job: Job, view: SnapshotView, barrier: number, owner: OwnerRecord): Promise<void> {
  // A view that counts one marker more than the log has: the fence has just decided what it holds (undecided.ts).
  if (view.state.offset !== barrier + 1) await catchUp(job, view, barrier);
  // The owner record, then the marker of its transaction.
  view.apply({ expected: view.state.offset, next: barrier + 2, appliedAtMs: job.clock(), owner });
  await view.remote?.persist();
}

/** Applies what was committed before `end` to the view; begins anew where the view is too old. Afterwards the view stands at `end`. */
export async function catchUp(job: Job, view: SnapshotView, end: number): Promise<void> {
  if (isTooOld(job, view)) view.clear();
  if (view.state.offset > end) throw aheadOfKafka(job, view, end);
  if (view.state.offset === end) return;
  job.progress.update({ phase: 'recovering' });
  await job.reach('in_recovery');
  try {
    await readUpTo(job, view, end);
  } catch (error) {
    if (!(error instanceof OtherSnapshot)) throw error;
    job.progress.warn(
      `${job.mapping.name}: the ${describeView(job, view)} is of another ${job.topics.snapshot}, one before it was created anew or adopted; it is rebuilt`,
    );
    view.clear();
    await readUpTo(job, view, end);
  }
}

/** Forgets what the view says, and reads the whole topic into it. */
export async function rebuildView(job: Job, view: SnapshotView, end: number): Promise<void> {
  view.clear();
  await catchUp(job, view, end);
  await view.remote?.persist();
}

/** What the topic says now cannot follow on what the local copy knows. */
class OtherSnapshot extends Error {}

async function readUpTo(job: Job, view: SnapshotView, end: number): Promise<void> {
  let appliedAtMs = view.state.appliedAtMs;
  let control: ControlRecord | undefined;
  let owner: OwnerRecord | undefined;
  let entries: EntryUpdate[] = [];
  // From the beginning there is nothing that the records could contradict: of an adopted snapshot they tell of two epochs.
  const isFresh = view.state.offset === 0;
  const apply = (next: number) => {
    const foreign = entries.length > 0 || control !== undefined;
    view.apply({ expected: view.state.offset, next, appliedAtMs, entries: newestPerSlot(entries), control, owner, foreign });
    entries = [];
    control = undefined;
  };
  await readSnapshot(job, view.state.offset, end, (record, offset, timestampMs) => {
    if (record.type === 'entry') entries.push({ slot: record.slot, bytes: record.entry === null ? null : encodeEntry(record.entry) });
    else if (record.type === 'control') {
      if (!isFresh) mustFollow(view.state.control, record.control);
      control = record.control;
    } else owner = record.owner;
    appliedAtMs = timestampMs;
    if (entries.length < STEP_RECORDS) return undefined;
    apply(offset + 1);
    return view.remote?.settle();
  });
  apply(end);
}

/** A snapshot keeps its cluster and its key within an epoch, and its facts only grow. */
function mustFollow(before: ControlRecord | null, after: ControlRecord): void {
  if (before === null) return;
  const isShrunk =
    before.topic === after.topic && after.nextOffsets.some((offset, partition) => offset < (before.nextOffsets[partition] ?? 0));
  const isSame =
    before.epoch === after.epoch && before.clusterId === after.clusterId && isDeepStrictEqual(before.fingerprint, after.fingerprint);
  if (isShrunk || !isSame) throw new OtherSnapshot();
}

/** The newest control and owner records between the view and `until`, without changing the view. */
export async function newestReserved(
  job: Job,
  from: number,
  until: number,
): Promise<{ control: ControlRecord | undefined; owner: OwnerRecord | undefined }> {
  let control: ControlRecord | undefined;
  let owner: OwnerRecord | undefined;
  await readSnapshot(job, from, until, (record) => {
    if (record.type === 'control') control = record.control;
    if (record.type === 'owner') owner = record.owner;
  });
  return { control, owner };
}

type SnapshotRecord = ReturnType<typeof decodeRecord>;

async function readSnapshot(
  job: Job,
  from: number,
  until: number,
  each: (record: SnapshotRecord, offset: number, timestampMs: number) => void | Promise<void>,
): Promise<void> {
  if (from >= until) return;
  const topic = job.topics.snapshot;
  const request = { topic, partition: 0, from, until };
  await job.reader.read(
    request,
    (r) => each(decodeRecord(r.key, r.value, `${topic} at offset ${r.offset}`), r.offset, r.timestampMs),
    job.signal,
  );
}

/** A later record of a slot makes the earlier ones of the same step void. */
function newestPerSlot(entries: readonly EntryUpdate[]): EntryUpdate[] {
  const newest = new Map<string, EntryUpdate>();
  for (const entry of entries) newest.set(textOf(entry.slot), entry);
  return [...newest.values()];
}

/** For people: what it is, and where. */
export function describeView(job: Job, { remote }: SnapshotView): string {
  return remote === undefined ? `local copy in ${job.folder}` : `view in ${remote.address}`;
}

/** Removals may have been compacted away since: a copy this old cannot be brought up to date. */
function isTooOld(job: Job, view: SnapshotView): boolean {
  const { offset, appliedAtMs } = view.state;
  return offset > 0 && job.clock() - appliedAtMs > SNAPSHOT_DELETE_RETENTION_MS / 2;
}

/** Promise 8: what the view knows is not in the topic. */
export function aheadOfKafka(job: Job, view: SnapshotView, end: number): HeadraceError {
  const { mapping, topics } = job;
  return new HeadraceError(
    'SNAPSHOT_FOREIGN',
    `${mapping.name}: the ${describeView(job, view)} knows ${topics.snapshot} up to offset ${view.state.offset}, but the topic ends at ${end}.`,
    {
      suggestion:
        'The topic was deleted, recreated, or lost records, or KAFKA_BROKERS names another cluster. Nothing was changed. ' +
        `If a broker has just crashed, nothing may be missing: \`headrace run ${mapping.name}\` finds out. ` +
        `If the cluster is the right one and the topic is really gone: \`headrace state adopt ${mapping.name}\` (docs/operations/lost-state.md).`,
    },
  );
}
