import type { SnapshotView } from '../snapshot/view.ts';
import type { Job } from './job.ts';
import { catchUp, newestReserved, snapshotEnd } from './recovery.ts';

/**
 * Promise 7: a view that stands at the end of the snapshot topic, of which nothing is left afterwards: a copy of the local copy in the folder, caught up there. The tables in
 * the warehouse are read as they are, if nothing was published since; otherwise the whole topic is read into the folder.
 */
export async function openDryView(job: Job, folder: string): Promise<SnapshotView> {
  const remote = await openCurrentTables(job);
  if (remote !== undefined) return remote;
  if (job.openRemoteView === undefined) await job.copyView(job.folder, folder);
  const view = await job.openView(folder, job.topics.snapshot);
  try {
    const { end } = await snapshotEnd(job, view);
    await catchUp({ ...job, folder }, view, end);
    return view;
  } catch (error) {
    await view.close();
    throw error;
  }
}

async function openCurrentTables(job: Job): Promise<SnapshotView | undefined> {
  const view = await job.openRemoteView?.(true);
  if (view === undefined) return undefined;
  try {
    if (view.state.offset > 0) {
      const { end } = await snapshotEnd(job, view);
      const { control } = await newestReserved(job, view.state.offset, end);
      // A control record is the last one of every transaction with entries.
      if (view.state.offset <= end && control === undefined) return view;
    }
  } catch (error) {
    await view.close();
    throw error;
  }
  await view.close();
  return undefined;
}
