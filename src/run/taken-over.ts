import { HeadraceError } from '../core/errors.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { Job } from './job.ts';
import { isAlive, ownedElsewhere } from './owner.ts';
import { newestOwner, snapshotEnd } from './recovery.ts';

/**
 * Instances share a view in the warehouse: one that has taken the mapping over meanwhile moves it under the older one, to which the tables then look written to by a stranger, or the
 * topic too short. The owner record tells, as for an error of Kafka's: OWNED_ELSEWHERE in place of such an error; any other one as it is.
 */
export async function orTakenOver(job: Job, view: SnapshotView, error: unknown): Promise<unknown> {
  if (view.remote === undefined || !(error instanceof HeadraceError)) return error;
  if (error.code !== 'LOCAL_COPY_FAILED' && error.code !== 'SNAPSHOT_FOREIGN') return error;
  try {
    const { end } = await snapshotEnd(job, view);
    const owner = await newestOwner(job, view, end);
    return owner === null || owner.run === job.runId ? error : ownedElsewhere(owner, job.mapping.name, job.clock());
  } catch {
    // It cannot be asked: what went wrong first is what there is to say.
    return error;
  }
}

/** Of a view in the warehouse that cannot even be opened: a run that compares in a DuckDB file keeps every other process from it. OWNED_ELSEWHERE while a lease lasts, as a local copy would tell. */
export async function orOwned(job: Job, error: unknown): Promise<unknown> {
  if (job.openRemoteView === undefined || !(error instanceof HeadraceError) || error.code !== 'WAREHOUSE_UNREACHABLE') return error;
  try {
    const [{ end } = { end: 0 }] = await job.admin.offsets(job.topics.snapshot);
    const owner = await newestOwner(job, { state: { offset: 0, owner: null } }, end);
    return owner !== null && isAlive(owner, job) ? ownedElsewhere(owner, job.mapping.name, job.clock()) : error;
  } catch {
    return error;
  }
}
