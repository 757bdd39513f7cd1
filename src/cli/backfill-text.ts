import { leftOf, publishedOf, type ToldBackfill } from '../run/backfill/order.ts';
import type { BackfillPlan } from '../run/backfill/plan-backfill.ts';
import type { SliceResult } from '../run/backfill/run-slice.ts';
import type { LedgerRecord } from '../run/chunk-records.ts';
import type { BackfillCounts } from '../snapshot/changelog.ts';
import { formatCount, formatDuration } from './numbers.ts';
import type { Output } from './output.ts';
import { guardMark } from './plan-text.ts';
import { formatTable } from './table.ts';

/** `all rows: 1,000,000 of 1,000,000 rows in 50 slices · 12 published` */
export function backfillText({ what, counts, total, slices }: ToldBackfill): string {
  const left = leftOf(counts);
  return [
    `${what}: ${rowsText({ rows: counts.rows, total, slices })}`,
    `${formatCount(publishedOf(counts))} published`,
    ...(counts.repeated > 0 ? [`${formatCount(counts.repeated)} of them unchanged`] : []),
    ...(counts.rejected > 0 ? [`${formatCount(counts.rejected)} rejected`] : []),
    ...(counts.late > 0 ? [`${formatCount(counts.late)} below the horizon`] : []),
    ...(left > 0 ? [leftText(left)] : []),
  ].join(' · ');
}

/** As the ledger has it. */
export function recordedText({ rows, total, slices, repeated, left }: NonNullable<LedgerRecord['backfill']>): string {
  return [
    rowsText({ rows, total, slices }),
    ...(repeated > 0 ? [`${formatCount(repeated)} unchanged facts published again`] : []),
    ...(left > 0 ? [leftText(left)] : []),
  ].join(' · ');
}

function rowsText({ rows, total, slices }: Pick<NonNullable<LedgerRecord['backfill']>, 'rows' | 'total' | 'slices'>): string {
  return `${formatCount(rows)} of ${formatCount(total)} rows in ${formatCount(slices)} slices`;
}

function leftText(left: number): string {
  return `${formatCount(left)} left as they are (deleted, held or erased)`;
}

/** One line on the way. */
export function sliceText(mapping: string, { state, published }: SliceResult, { rowsPerSecond, leftMs }: Estimate): string {
  const { slices, counts, total } = state;
  return [
    `${mapping}: slice ${formatCount(slices)}`,
    `${formatCount(counts.rows)} of ${formatCount(total)} rows`,
    `${formatCount(published)} published, ${formatCount(publishedOf(counts))} in all`,
    `${formatCount(Math.round(rowsPerSecond))} rows/s`,
    ...(leftMs === null ? [] : [`${formatDuration(leftMs)} left`]),
  ].join(' · ');
}

export interface Estimate {
  readonly rowsPerSecond: number;
  /** Milliseconds; null where nothing is left, or nothing tells. */
  readonly leftMs: number | null;
}

/** Reckons with what this process has done, rests and live runs included. */
export class TimeLeft {
  readonly #startedAtMs: number;
  #rows = 0;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  after({ rows, state: { total, counts } }: Pick<SliceResult, 'rows' | 'state'>, nowMs: number): Estimate {
    this.#rows += rows;
    const rowsPerSecond = (1000 * this.#rows) / Math.max(1, nowMs - this.#startedAtMs);
    const left = total - counts.rows;
    return { rowsPerSecond, leftMs: left <= 0 || rowsPerSecond === 0 ? null : (1000 * left) / rowsPerSecond };
  }
}

export function planText({ mapping, what, counts, published, guards, live, resumes }: BackfillPlan, colors: Output['colors']): string {
  const rows: (readonly [string, string])[] = [
    ['what', `${what}${resumes === null ? '' : ` (goes on after ${formatCount(resumes.counts.rows)} rows)`}`],
    ['rows', countsText(counts)],
    ['would publish', `${formatCount(published)} facts and deletions; ${formatCount(live)} are live`],
    ...guards.map((verdict) => [`guard ${verdict.guard}`, `${guardMark(verdict, colors)} ${verdict.message}`] as const),
  ];
  return formatTable(
    [
      { title: colors.bold(mapping), value: ([name]) => colors.dim(name) },
      { title: '', value: ([, value]) => value },
    ],
    rows,
  );
}

function countsText({ left: _, ...counts }: BackfillCounts): string {
  return Object.entries(counts)
    .filter(([name, count]) => count > 0 || name === 'rows')
    .map(([name, count]) => `${name} ${formatCount(count)}`)
    .join(' · ');
}
