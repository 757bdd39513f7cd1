import type { ControlRecord } from '../snapshot/changelog.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { LedgerSummary } from './chunk-records.ts';
import type { Counts } from './comparison/counts.ts';
import { type GuardVerdict, judge } from './guards.ts';
import type { Job } from './job.ts';
import { digestOfJob } from './publication.ts';
import type { Reading } from './read-model.ts';

/* What follows from a reading: what the guards say, how far the mapping is, and what the ledger keeps. */

export function judgeReading(job: Job, reading: Reading): readonly GuardVerdict[] {
  const { comparison, scope } = reading;
  const input = { counts: comparison.counts, live: comparison.confirmableBefore, readEverything: scope.kind !== 'incremental' };
  return judge(job.mapping.guards, input, job.options.allow);
}

/** Only a complete comparison may speak for the whole mapping: it has read everything. */
export function progressAfter(job: Job, reading: Reading, before: ControlRecord | null) {
  const { scope, reached, horizon, changeFeed, comparison, startedAtMs } = reading;
  const common = { watermark: reached, horizon, changeFeed, backfill: before?.backfill, late: comparison.counts.late };
  if (scope.kind !== 'incremental') {
    return { ...common, digest: digestOfJob(job), fullComparisonAt: startedAtMs };
  }
  return { ...common, digest: before?.digest ?? null, fullComparisonAt: before?.fullComparisonAt ?? null };
}

/** What the ledger keeps of a comparison as a whole. */
export function summaryOf(counts: Pick<Counts, keyof LedgerSummary['read']>, guards: readonly GuardVerdict[]): LedgerSummary {
  const { rows, unchanged, absent, rejected, late } = counts;
  return {
    read: { rows, unchanged, absent, rejected, late },
    guards: guards.map(({ guard, exceeded, allowed, message }) => ({ guard, exceeded, allowed, message })),
  };
}

export interface Standing {
  /** Identities whose fact is published. */
  readonly facts: number;
  /** Rows in quarantine. */
  readonly quarantined: number;
}

export function standingOf({ state: { confirmable, quarantined } }: SnapshotView): Standing {
  return { facts: confirmable - quarantined, quarantined };
}
