import { type Entry, isRefused } from '../core/entry.ts';
import { type Job, timeOf } from './job.ts';
import { entryChange, type Repaired, repair } from './repair.ts';

/**
 * retry: the next run compares in full, and tries the row again although it did not change; refused anew, it is reported anew.
 * discard: the row stays refused without a word until it changes.
 */
export type QuarantineAction = 'retry' | 'discard';

export interface QuarantineOrder {
  readonly action: QuarantineAction;
  /** Whether the entry of this row (hash of its model key, in hexadecimal) is meant. */
  readonly isMeant: (row: string) => boolean;
  readonly user: string;
  readonly reason: string | null;
}

/** Changes entries of refused rows, as the mapping's one writer. Those that are as the action leaves them are left alone: done twice, it does nothing more. */
export async function changeQuarantine(job: Job, { action, isMeant, user, reason }: QuarantineOrder): Promise<Repaired> {
  const due = action === 'retry' ? 'retry' : undefined;
  const at = timeOf(job);
  return repair(job, { kind: `quarantine ${action}`, origin: 'quarantine', user, reason, due }, async ({ view }) =>
    (function* () {
      for (const { slot, ...stored } of view.entries()) {
        const { entry } = stored;
        if (!isRefused(entry.state) || entry.rowHash === null || !isMeant(rowText(entry.rowHash))) continue;
        const next = action === 'retry' ? retried(entry) : discarded(entry);
        if (next !== undefined) yield entryChange(slot, stored, next, at);
      }
    })(),
  );
}

/** Without the fingerprint of what was refused, nothing says that the row was reported. */
function retried(entry: Entry): Entry | undefined {
  return isTriedAgain(entry) ? undefined : { ...entry, state: 'quarantined', refused: null };
}

function discarded(entry: Entry): Entry | undefined {
  return entry.state === 'discarded' || entry.refused === null ? undefined : { ...entry, state: 'discarded' };
}

/** Whether the next run tries the row again. */
export function isTriedAgain({ state, refused }: Entry): boolean {
  return state === 'quarantined' && refused === null;
}

/** As the quarantine topic names a row. */
export function rowText(rowHash: Uint8Array): string {
  return Buffer.from(rowHash).toString('hex');
}
