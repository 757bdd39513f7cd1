import { HeadraceError } from '../core/errors.ts';
import type { OwnerRecord } from '../snapshot/changelog.ts';
import type { Job } from './job.ts';

/** The lease that this run writes; `leaseMs` 0 releases it. */
export function ownerOf(job: Job, leaseMs: number): OwnerRecord {
  const leaseEnd = leaseMs === 0 ? 0 : job.clock() + leaseMs;
  return { format: 1, run: job.runId, host: job.host, pid: job.pid, purpose: job.rollback === undefined ? 'run' : 'rollback', leaseEnd };
}

/** Whether the lease of another run still lasts. One whose process is gone from this host ends at once. */
export function isAlive(owner: OwnerRecord, job: Pick<Job, 'runId' | 'host' | 'pid' | 'clock'>): boolean {
  if (owner.run === job.runId || owner.leaseEnd <= job.clock()) return false;
  if (owner.host !== job.host) return true;
  // The same number on the same host is a former life of this process, as after the restart of a container.
  return owner.pid !== job.pid && processExists(owner.pid);
}

export function ownedElsewhere(owner: OwnerRecord, mapping: string, now: number): HeadraceError {
  const left = Math.max(0, Math.ceil((owner.leaseEnd - now) / 1000));
  const state = left > 0 ? `its lease ends in ${left} s` : 'it has taken over';
  return new HeadraceError(
    'OWNED_ELSEWHERE',
    `${mapping}: run ${owner.run} on ${owner.host} (process ${owner.pid}) owns this mapping; ${state}.`,
    {
      suggestion: 'Nothing was changed. Wait for it to end, or, if you know that it is dead, run again with --take-over.',
    },
  );
}

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
