import { HeadraceError } from '../../core/errors.ts';
import type { BackfillCounts, BackfillState } from '../../snapshot/changelog.ts';
import type { ScanSlice } from '../../warehouse/warehouse.ts';
import { checkTopics } from '../check-topics.ts';
import { NeedsFullComparison } from '../comparison/take-overs.ts';
import { compileContract } from '../contract.ts';
import { inDryView } from '../dry-view.ts';
import { lookUpEncodings } from '../encoding.ts';
import type { GuardVerdict } from '../guards.ts';
import type { Job } from '../job.ts';
import { establishOrigin } from '../origin.ts';
import { publishedContract } from '../published-contract.ts';
import { refuseDrift, requireCompared } from './open-backfill.ts';
import { type BackfillOrder, digestOfOrder, NO_COUNTS, orderText, publishedOf, startOf, type ToldBackfill, told } from './order.ts';
import { added, compareSlice, selectRows } from './read-slice.ts';
import { judgeSoFar } from './run-slice.ts';
import { nextSlice, placeAfter, type Selection } from './slices.ts';

/** What a backfill would do now. */
export interface BackfillPlan {
  readonly mapping: string;
  readonly what: string;
  readonly digest: string;
  /** The same order is under way: what is left of it. */
  readonly resumes: ToldBackfill | null;
  readonly counts: BackfillCounts;
  /** Facts and deletions that would be published. */
  readonly published: number;
  readonly guards: readonly GuardVerdict[];
  /** Facts that consumers hold now. */
  readonly live: number;
}

/** Reads the rows of the order and compares them. Promise 7: publishes nothing, fences nobody, moves nothing. Throws BACKFILL_UNFINISHED, CONFIG_INVALID. */
export async function planBackfill(job: Job, order: BackfillOrder): Promise<BackfillPlan> {
  const [main, facts, encodings] = await Promise.all([compileContract(job), checkTopics(job), lookUpEncodings(job)]);
  return inDryView(job, async (view, dry) => {
    const origin = await establishOrigin(dry, view);
    const control = requireCompared(job, view.state.control);
    const contract = publishedContract(job, control, main, encodings, facts);
    refuseDrift(job, control, contract);
    const selection = selectRows(job, contract, order);
    const digest = digestOfOrder(order, job.model);
    const start = startOf(job.mapping.name, control.backfill, order, digest);
    const resumes = start.go === 'begin' ? null : start.state;
    let [counts, live] = [resumes?.counts ?? NO_COUNTS, 0];
    const before = counts;
    const state = { force: order.force, begunAt: resumes?.begunAt ?? control.nextOffsets };
    for (const slice of start.go === 'nowhere' ? [] : wholeSlices(selection, resumes?.place ?? null)) {
      const found = await compareSlice(dry, { view, origin, contract, facts }, slice, state).catch((error: unknown) => {
        throw error instanceof NeedsFullComparison ? movedRow(job) : error;
      });
      found.reading.changes.close();
      counts = added(counts, found.counts);
      live = found.reading.comparison.confirmableBefore;
    }
    return {
      mapping: job.mapping.name,
      what: orderText(order, job.model),
      digest,
      resumes: resumes && told(resumes),
      counts,
      published: publishedOf(counts) - publishedOf(before),
      guards: judgeSoFar(job, { counts }, live),
      live,
    };
  });
}

/** All that is left, in one query; of keys, in as many as it takes. */
function* wholeSlices(selection: Selection, place: BackfillState['place']): Iterable<ScanSlice> {
  for (let at = place; ; ) {
    const slice = nextSlice(selection, at, Number.MAX_SAFE_INTEGER);
    if (slice === undefined) return;
    const { limit: _, ...whole } = slice;
    yield whole;
    const next = placeAfter(selection, at, slice, { rows: 0, last: null });
    if (next.isLast) return;
    at = next.place;
  }
}

function movedRow({ mapping }: Job): HeadraceError {
  return new HeadraceError(
    'CONFIG_INVALID',
    `${mapping.name}: a fact moved to another row, and only a full comparison tells whether the old row is gone.`,
    {
      suggestion: `Run it first: headrace run ${mapping.name} --full. Nothing was changed.`,
    },
  );
}
