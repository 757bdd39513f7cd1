import type { Change } from '../../core/change.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { BackfillState } from '../../snapshot/changelog.ts';
import { ChangeSet } from '../change-set.ts';
import { type ChunkProgress, unmoved } from '../chunk.ts';
import type { LedgerRecord, LedgerSummary } from '../chunk-records.ts';
import { noCounts } from '../comparison/counts.ts';
import { type GuardVerdict, judge, stopIfExceeded } from '../guards.ts';
import { asRun, type Job } from '../job.ts';
import { summaryOf } from '../outcome.ts';
import { chunksOf, publishOne } from '../publish-changes.ts';
import { writerParts } from '../writer-parts.ts';
import { inBackfill, type OpenBackfill } from './open-backfill.ts';
import { type BackfillOrder, digestOfOrder, leftOf, NO_COUNTS, orderText, publishedOf, startOf, type ToldBackfill, told } from './order.ts';
import { added, compareSlice, selectRows } from './read-slice.ts';
import { nextSlice, placeAfter, type Selection } from './slices.ts';

export interface SliceOrder {
  readonly order: BackfillOrder;
  /** Rows of a slice, at most. */
  readonly rows: number;
  readonly by: NonNullable<LedgerRecord['repair']>;
  /** Id of the plan that was approved. */
  readonly approval: string | null;
}

export interface SliceResult {
  /** Of the backfill, after the slice. */
  readonly state: ToldBackfill;
  /** That this slice read. */
  readonly rows: number;
  /** Facts and deletions that it committed. */
  readonly published: number;
}

/**
 * One slice, each like a run, as the mapping's one writer: rows are read after everything that was ever committed is known, so that a slice compares what the warehouse says now
 * with what consumers have now. Its last chunk moves the place in the control record, and nothing else of it. Ended anywhere, the same order goes on at that place:
 * what was committed since is found to be as published. Throws NeedsFullComparison where a fact moved to another row.
 */
export function runSlice(job: Job, slice: SliceOrder): Promise<SliceResult> {
  const cameTo = ({ rows, published }: SliceResult) => ({ kind: 'backfill', rows, published });
  return asRun(job, () => executeSlice(job, slice), cameTo);
}

async function executeSlice(job: Job, slice: SliceOrder): Promise<SliceResult> {
  return inBackfill(job, async (open) => {
    const { view, writer, contract } = open;
    const { order } = slice;
    const selection = selectRows(job, contract, order);
    const start = startOf(job.mapping.name, open.control.backfill, order, digestOfOrder(order, job.model));
    if (start.go === 'nowhere') return { state: told(start.state), rows: 0, published: 0 };
    const state = start.go === 'on' ? start.state : await firstState(job, open, slice, selection);
    await writer.use(partsOf(job, open, state, slice.by));
    // Promise 2: before any fact, so that whoever goes on knows which facts were published since.
    if (start.go === 'begin') await publishOne(job, writer, [], { ...unmoved(view), backfill: state });
    const next = nextSlice(selection, state.place, slice.rows);
    const found = next && (await compareSlice(job, open, next, state));
    const read = { rows: found?.counts.rows ?? 0, last: found?.last ?? null };
    const { place, isLast } = next === undefined ? { place: state.place, isLast: true } : placeAfter(selection, state.place, next, read);
    const counts = added(state.counts, found?.counts ?? NO_COUNTS);
    const after: BackfillState = { ...state, place, slices: state.slices + 1, counts, ...(isLast ? { end: 'done' as const } : {}) };
    const changes = found?.reading.changes ?? new ChangeSet(job.folder);
    try {
      const guards = judgeSoFar(job, after, found?.reading.comparison.confirmableBefore ?? 0);
      stopIfExceeded(job.mapping.name, guards, (names) => guardAdvice(job, names));
      await publishSlice(job, open, changes, {
        ...unmoved(view),
        last: true,
        late: found?.counts.late ?? 0,
        backfill: after,
        summary: sliceSummary(after, guards),
      });
    } finally {
      changes.close();
    }
    return { state: told(after), rows: read.rows, published: writer.published };
  });
}

/** Ends a backfill that is under way where it stands. What it published stays. Throws CONFIG_INVALID where there is none. */
export async function cancelBackfill(job: Job, by: SliceOrder['by']): Promise<ToldBackfill> {
  return inBackfill(job, async (open) => {
    const state = requireUnfinished(job, open.control.backfill);
    await open.writer.use(partsOf(job, open, state, by));
    const after = { ...state, end: 'cancelled' as const };
    await publishOne(job, open.writer, [], { ...unmoved(open.view), last: true, backfill: after, summary: sliceSummary(after, []) });
    return told(after);
  });
}

export class NothingToCancel extends HeadraceError {}

function requireUnfinished({ mapping }: Pick<Job, 'mapping'>, state: BackfillState | undefined): BackfillState {
  if (state !== undefined && state.end === undefined) return state;
  throw new NothingToCancel('CONFIG_INVALID', `${mapping.name}: no backfill is under way.`, {
    suggestion: state === undefined ? 'There was none yet.' : `The last one, ${state.what}, is ${state.end}.`,
  });
}

/** The facts that a forced one repeats are those before the present ends of the fact topic. */
async function firstState(
  job: Job,
  { control }: OpenBackfill,
  { order, approval }: SliceOrder,
  selection: Selection,
): Promise<BackfillState> {
  const { model, mapping } = job;
  const purpose = { project: job.project.name, mapping: mapping.name, model: model.name, run: job.runId };
  const total = selection.keys?.length ?? (await job.warehouse.count({ relation: model.relation, slice: selection, purpose }, job.signal));
  return {
    id: job.runId,
    name: order.name,
    digest: digestOfOrder(order, model),
    what: orderText(order, model),
    force: order.force,
    place: null,
    slices: 0,
    total,
    counts: NO_COUNTS,
    begunAt: control.nextOffsets,
    approval,
  };
}

function partsOf(
  job: Job,
  { control, encodings, facts, origin }: OpenBackfill,
  { id, what, approval }: BackfillState,
  by: SliceOrder['by'],
) {
  const backfill = { id, by, approval: approval ?? undefined };
  return writerParts(job, control, { encodings, facts, origin, scope: { kind: 'backfill', reason: what }, backfill });
}

/** Of all that was found so far: a slice alone would hide a change that is one of many. */
export function judgeSoFar({ mapping, options }: Job, { counts }: Pick<BackfillState, 'counts'>, live: number): readonly GuardVerdict[] {
  const { rows, updated, deleted, rejected } = counts;
  return judge(mapping.guards, { counts: { ...noCounts(), rows, updated, deleted, rejected }, live, readEverything: false }, options.allow);
}

function guardAdvice({ mapping }: Job, names: string): string {
  return `What was published before this slice is complete. If the changes are right, give the order again with --allow ${names}: it goes on here. Or end it: headrace backfill cancel ${mapping.name}.`;
}

/** `end` moves the place; whoever dies before it reads the slice again, and finds what was committed to be as published. */
async function publishSlice(job: Job, { view, writer }: OpenBackfill, changes: ChangeSet, end: ChunkProgress): Promise<void> {
  let chunk: Change[] = [];
  for (const next of chunksOf(inOrder(job, changes), job)) {
    if (chunk.length > 0) await publishOne(job, writer, chunk, unmoved(view));
    chunk = next;
  }
  await publishOne(job, writer, chunk, end);
  await view.remote?.persist();
  await job.reach('done');
}

/** Rows came in the order of their key; immutable events are published in that of their time. */
function inOrder({ mapping, folder }: Job, changes: ChangeSet): ChangeSet {
  if (mapping.class !== 'behavior') return changes;
  const placeOf = ({ occurredAt, identity }: Change) => `${occurredAt}\0${identity ?? ''}`;
  const sorted = [...changes.drain()].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  const ordered = new ChangeSet(folder);
  for (const change of sorted) ordered.add(change);
  return ordered;
}

function sliceSummary({ counts, slices, total, end }: BackfillState, guards: readonly GuardVerdict[]): LedgerSummary {
  const { rows, repeated } = counts;
  return {
    ...summaryOf(counts, guards),
    backfill: { slices, rows, total, published: publishedOf(counts), repeated, left: leftOf(counts), end: end ?? null },
  };
}
