import { CronExpressionParser } from 'cron-parser';
import type { CronSchedule, Schedule } from '../../config/project.ts';
import { nextStep, regimeAt } from './local-time.ts';

/**
 * The first instant of a schedule after another one, milliseconds since 1970. Pure.
 *
 * A cron expression speaks of what the clocks of its time zone show. Where they are put forward or back, this holds (docs/scheduling.md):
 *   - an expression that names hours (`30 2 * * *`) is due once for each local time that it names: a time that does not exist is due at the first instant after
 *     the gap (several such times once), and one that occurs twice is due the first time;
 *   - an expression whose hour is `*` is due in every hour that passes, the repeated one too, and makes nothing up for a gap.
 * This is the rule of Debian's and Red Hat's cron (cron(8): jobs with a wildcard in the hour run by the clock, others once).
 */
export function nextInstant(schedule: Schedule, afterMs: number): number {
  if ('everyMs' in schedule) return (Math.floor(afterMs / schedule.everyMs) + 1) * schedule.everyMs;
  const everyHour = isEveryHour(schedule.cron);
  const regime = regimeAt(schedule.timeZone, afterMs);
  let { offsetMs } = regime;
  let from = afterMs;
  // Local times up to here are passed: those that were due, in a repeated hour, before the clocks were put back.
  let passedLocal = afterMs + offsetMs;
  if (!everyHour && regime.since !== undefined) passedLocal = Math.max(passedLocal, regime.since.at + regime.since.offsetBeforeMs - 1);
  for (;;) {
    const candidate = nextLocal(schedule, passedLocal) - offsetMs;
    const step = nextStep(schedule.timeZone, from, candidate);
    if (step === undefined) return candidate;
    const offsetBeforeMs = offsetMs;
    offsetMs = regimeAt(schedule.timeZone, step).offsetMs;
    const isGap = offsetMs > offsetBeforeMs;
    // The last local time before the step; in a gap the next one that the clocks show is further on.
    const lastLocal = step + offsetBeforeMs - 1;
    if (isGap && !everyHour && nextLocal(schedule, lastLocal) < step + offsetMs) return step;
    passedLocal = isGap || everyHour ? step + offsetMs - 1 : lastLocal;
    from = step;
  }
}

/** The next local time of the expression, as if it were one in UTC: cron-parser never sees a clock that is put forward or back. */
function nextLocal({ cron }: CronSchedule, afterLocal: number): number {
  return CronExpressionParser.parse(cron, { currentDate: new Date(afterLocal), tz: 'UTC' })
    .next()
    .getTime();
}

const EVERY_HOUR = 24;
const everyHourOf = new Map<string, boolean>();

/** Whether the expression's hour is every hour, however that is written. */
function isEveryHour(cron: string): boolean {
  let known = everyHourOf.get(cron);
  if (known === undefined) {
    known = CronExpressionParser.parse(cron, { tz: 'UTC' }).fields.hour.values.length === EVERY_HOUR;
    everyHourOf.set(cron, known);
  }
  return known;
}
