import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { SnapshotView } from '../snapshot/view.ts';
import type { Job } from './job.ts';
import { aheadOfKafka, catchUp, newestReserved, snapshotEnd } from './recovery.ts';

/**
 * Promise 7: acts on a view that stands at the end of the snapshot topic, of which nothing is left afterwards: a copy of the local copy in a folder of its own, caught up
 * there. The tables in the warehouse are read as they are, if nothing was published since; otherwise the whole topic is read into the folder, which `dry` works in.
 */
export async function inDryView<T>(job: Job, act: (view: SnapshotView, dry: Job) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'headrace-dry-'));
  const dry: Job = { ...job, folder };
  try {
    const view = (await openCurrentTables(job)) ?? (await openCaughtUp(job, dry));
    try {
      return await act(view, dry);
    } finally {
      await view.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function openCaughtUp(job: Job, dry: Job): Promise<SnapshotView> {
  if (job.openRemoteView === undefined) await job.copyView(job.folder, dry.folder);
  const view = await job.openView(dry.folder, job.topics.snapshot);
  try {
    const { end } = await snapshotEnd(job, view);
    await catchUp(dry, view, end);
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
      // As of a local copy: what a run would publish, it alone can find out.
      if (view.state.offset > end) throw aheadOfKafka(job, view, end);
      const { control } = await newestReserved(job, view.state.offset, end);
      // A control record is the last one of every transaction with entries.
      if (control === undefined) return view;
    }
  } catch (error) {
    await view.close();
    throw error;
  }
  await view.close();
  return undefined;
}
