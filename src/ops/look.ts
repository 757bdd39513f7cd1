import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { HeadraceError } from '../core/errors.ts';
import type { Job } from '../run/job.ts';
import { newestReserved } from '../run/recovery.ts';
import type { ControlRecord, OwnerRecord } from '../snapshot/changelog.ts';
import type { SnapshotView } from '../snapshot/view.ts';

/** What the snapshot topic says now, beside the local copy as it is. */
export interface Look {
  /** A throw-away copy of the local copy, valid during the call; empty where there is none. */
  readonly view: SnapshotView;
  /** Why the view in the warehouse could not be looked at; `view` is empty then. */
  readonly failure: HeadraceError | undefined;
  readonly topic: { readonly start: number; readonly end: number };
  readonly control: ControlRecord | null;
  readonly owner: OwnerRecord | null;
}

/** Looks at a mapping's state without touching it: reads a copy of the local copy, or the tables in the warehouse, and the topic's tail behind them. */
export async function lookAt<T>(job: Job, act: (look: Look) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'headrace-look-'));
  try {
    const [topic, { view, failure }] = await Promise.all([snapshotRange(job), openAsItIs(job, folder)]);
    try {
      return await act({ view, failure, topic, ...(await newestOf(job, view, topic)) });
    } finally {
      await view.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A warehouse that is down must not hide what the topic says. */
async function openAsItIs(job: Job, folder: string): Promise<Pick<Look, 'view' | 'failure'>> {
  let failure: HeadraceError | undefined;
  if (job.openRemoteView !== undefined) {
    try {
      return { view: await job.openRemoteView(true), failure };
    } catch (error) {
      if (!(error instanceof HeadraceError) || !error.code.startsWith('WAREHOUSE_')) throw error;
      failure = error;
    }
  } else await job.copyView(job.folder, folder);
  return { view: await job.openView(folder, job.topics.snapshot), failure };
}

async function snapshotRange(job: Job): Promise<Look['topic']> {
  const [partition] = await job.admin.offsets(job.topics.snapshot);
  return partition ?? { start: 0, end: 0 };
}

/** An owner record is renewed with every chunk, and a control record ends each: the newest ones are near the end. */
const LOOK_BACK_RECORDS = 20_000;

async function newestOf(job: Job, view: SnapshotView, topic: Look['topic']): Promise<Pick<Look, 'control' | 'owner'>> {
  const isBehind = view.state.offset <= topic.end;
  const known = isBehind ? view.state : { offset: 0, control: null, owner: null };
  const first = Math.max(known.offset, topic.start);
  let { control, owner } = known;
  for (let back = LOOK_BACK_RECORDS, until = topic.end; until > first; back *= 10) {
    const from = Math.max(first, topic.end - back);
    const found = await newestReserved(job, from, until);
    control = found.control ?? control;
    owner = found.owner ?? owner;
    if (found.control !== undefined || known.control !== null) break;
    until = from;
  }
  return { control, owner };
}
