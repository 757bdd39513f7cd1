import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Job } from '../run/job.ts';
import { newestReserved } from '../run/recovery.ts';
import type { ControlRecord, OwnerRecord } from '../snapshot/changelog.ts';
import type { SnapshotView } from '../snapshot/view.ts';

/** What the snapshot topic says now, beside the local copy as it is. */
export interface Look {
  /** A throw-away copy of the local copy, valid during the call; empty where there is none. */
  readonly view: SnapshotView;
  readonly topic: { readonly start: number; readonly end: number };
  readonly control: ControlRecord | null;
  readonly owner: OwnerRecord | null;
}

/** Looks at a mapping's state without touching it: reads a copy of the local copy, and the topic's tail behind it. */
export async function lookAt<T>(job: Job, act: (look: Look) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'headrace-look-'));
  try {
    const [topic] = await Promise.all([snapshotRange(job), job.copyView(job.folder, folder)]);
    const view = await job.openView(folder, job.topics.snapshot);
    try {
      return await act({ view, topic, ...(await newestOf(job, view, topic)) });
    } finally {
      await view.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
