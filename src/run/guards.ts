import type { Guards, ShareGuard } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Counts } from './comparison/counts.ts';
import type { Job } from './job.ts';

export const GUARD_NAMES = ['schema', 'updated', 'deleted', 'quarantined', 'empty_source'] as const;
export type GuardName = (typeof GUARD_NAMES)[number];

export interface GuardVerdict {
  readonly guard: GuardName;
  readonly count: number;
  /** What the count is a share of. */
  readonly of: number;
  readonly exceeded: boolean;
  /** Exceeded, but this run was told to allow it. */
  readonly allowed: boolean;
  /** `312 of 1,000 live facts (31.2 %; limit 30 %)` */
  readonly message: string;
}

export interface GuardInput {
  readonly counts: Counts;
  /** Live facts before the run. */
  readonly live: number;
  readonly readEverything: boolean;
}

/** Judges a whole change set before anything of it is sent. There is nothing to compare an initial load with: it has no guards. */
export function judge(guards: Guards, input: GuardInput, allow: ReadonlySet<string>): readonly GuardVerdict[] {
  const { counts, live, readEverything } = input;
  const verdict = (guard: GuardName, count: number, of: number, exceeded: boolean, message: string): GuardVerdict => ({
    guard,
    count,
    of,
    exceeded,
    allowed: exceeded && allow.has(guard),
    message,
  });
  const share = (guard: GuardName, limit: ShareGuard, count: number, of: number, things: string) => {
    const exceeded = count >= limit.atLeast && count > limit.share * of;
    const percent = of === 0 ? 100 : (100 * count) / of;
    const limits = `limit ${formatPercent(100 * limit.share)}, at least ${limit.atLeast}`;
    return verdict(
      guard,
      count,
      of,
      exceeded,
      `${count.toLocaleString('en')} of ${of.toLocaleString('en')} ${things} (${formatPercent(percent)}; ${limits})`,
    );
  };
  const isEmpty = readEverything && counts.rows === 0 && live > 0;
  return [
    verdict(
      'empty_source',
      counts.rows,
      live,
      isEmpty && guards.emptySource === 'stop',
      `${counts.rows.toLocaleString('en')} rows read, ${live.toLocaleString('en')} facts live`,
    ),
    share('deleted', guards.deleted, counts.deleted, live, 'live facts deleted'),
    share('updated', guards.updated, counts.updated, live, 'live facts updated'),
    share('quarantined', guards.quarantined, counts.rejected, counts.rows, 'rows rejected'),
  ];
}

/** A run that guards stopped, with what they said. */
export class GuardStopped extends HeadraceError {
  readonly verdicts: readonly GuardVerdict[];

  constructor(verdicts: readonly GuardVerdict[], message: string, suggestion: string) {
    super('GUARD_STOPPED', message, { suggestion });
    this.verdicts = verdicts;
  }
}

/** Promise 8: throws GUARD_STOPPED for what is exceeded and not allowed. Nothing was sent by then. */
export function stopIfExceeded(
  mapping: string,
  verdicts: readonly GuardVerdict[],
  advice: (names: string) => string = (names) =>
    `Look at the changes with \`headrace plan ${mapping}\`. If they are right: \`headrace run ${mapping} --allow ${names}\`.`,
): void {
  const stopping = verdicts.filter((v) => v.exceeded && !v.allowed);
  if (stopping.length === 0) return;
  const what = stopping.map((v) => `${v.guard}: ${v.message}`).join('; ');
  const names = stopping.map((v) => v.guard).join(',');
  throw new GuardStopped(verdicts, `${mapping}: stopped before anything was sent. ${what}.`, advice(names));
}

/** A change set was approved, and not whatever the model shows by now. Throws GUARD_STOPPED; nothing was sent by then. */
export function stopIfOther({ mapping, options }: Job, verdicts: readonly GuardVerdict[], digest: string | undefined): void {
  if (options.changeSet === undefined || options.changeSet === digest || !verdicts.some(({ allowed }) => allowed)) return;
  throw new HeadraceError(
    'GUARD_STOPPED',
    `${mapping.name}: stopped before anything was sent. The changes are not those that were approved.`,
    {
      suggestion: `Look at them with \`headrace plan ${mapping.name}\`, and have them approved as they are now.`,
    },
  );
}

function formatPercent(percent: number): string {
  return `${Number(percent.toFixed(1))} %`;
}
