import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HeadraceError } from '../core/errors.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { Job } from './job.ts';
import { processExists } from './owner.ts';
import { describeView } from './recovery.ts';
import { orOwned } from './taken-over.ts';

/** Who works on a local copy. */
export interface LockHolder {
  readonly host: string;
  readonly pid: number;
  readonly run: string;
  readonly since: string;
}

/** The view of a mapping, and the folder in which a run works, held by this process alone until they are disposed of. */
export interface LocalCopy extends AsyncDisposable {
  readonly view: SnapshotView;
}

/** Step 1: LMDB has no owner lock, so a file that names host and process says who works here. Throws OWNED_ELSEWHERE, LOCAL_COPY_FAILED. */
export async function openLocalCopy(job: Job): Promise<LocalCopy> {
  const unlock = lock(job);
  try {
    const view = await (job.openRemoteView?.(false) ?? job.openView(job.folder, job.topics.snapshot));
    if (view.wasDiscarded)
      job.progress.warn(
        `${job.mapping.name}: the ${describeView(job, view)} was damaged, or is another mapping's; it is rebuilt from ${job.topics.snapshot}`,
      );
    return {
      view,
      [Symbol.asyncDispose]: async () => {
        try {
          await view.close();
        } finally {
          unlock();
        }
      },
    };
  } catch (error) {
    unlock();
    throw await orOwned(job, error);
  }
}

function lock(job: Job): () => void {
  const file = lockFileOf(job.folder);
  const mine: LockHolder = { host: job.host, pid: job.pid, run: job.runId, since: new Date(job.clock()).toISOString() };
  const draft = `${file}.${job.pid}.${job.runId}`;
  try {
    mkdirSync(job.folder, { recursive: true, mode: 0o700 });
    // A link appears whole or not at all: nobody ever reads half a lock.
    writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
    try {
      for (let attempt = 0; !tryLink(draft, file); attempt++) {
        const holder = readHolder(file);
        if (holder !== undefined && (attempt > 10 || isHeld(holder, job))) throw heldBy(holder, job);
        rmSync(file, { force: true });
      }
    } finally {
      unlinkSync(draft);
    }
  } catch (cause) {
    if (cause instanceof HeadraceError) throw cause;
    throw new HeadraceError('LOCAL_COPY_FAILED', `The folder ${job.folder} cannot be written: ${(cause as Error).message}`, {
      suggestion: 'Check `snapshot.path` in headrace.yml, the permissions and the free space. The folder is only a cache of Kafka.',
      cause,
    });
  }
  return () => rmSync(file, { force: true });
}

function lockFileOf(folder: string): string {
  return path.join(folder, 'lock');
}

/** Who holds the lock of the local copy, alive or not; undefined if nobody does. */
export function lockHolderOf(folder: string): LockHolder | undefined {
  return readHolder(lockFileOf(folder));
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(file: string): LockHolder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LockHolder;
  } catch (error) {
    // Gone meanwhile, or cut short by a full disk: either way nobody holds it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** On another host (a shared volume) it cannot be seen whether the process still lives: the lease decides there, and --take-over. */
function isHeld(holder: LockHolder, job: Job): boolean {
  if (holder.host !== job.host) return !job.options.takeOver;
  return holder.pid !== job.pid && processExists(holder.pid);
}

function heldBy(holder: LockHolder, job: Job): HeadraceError {
  return new HeadraceError(
    'OWNED_ELSEWHERE',
    `${job.mapping.name}: process ${holder.pid} on ${holder.host} works on the local copy in ${job.folder} since ${holder.since}.`,
    {
      suggestion: 'Nothing was changed. Wait for it to end. If that host is gone for good, run again with --take-over.',
    },
  );
}
