/** A stretch of time in which a zone's clocks run at one offset. All times are milliseconds since 1970. */
export interface Regime {
  /** What is added to an instant to get what the clocks show. */
  readonly offsetMs: number;
  /** When it began, where that was not long ago, and what the clocks showed before. */
  readonly since: { readonly at: number; readonly offsetBeforeMs: number } | undefined;
}

const HOUR_MS = 3_600_000;
/** The largest step that clocks ever made: a day, where the date line was moved (Pacific/Apia, 2011). */
const LARGEST_STEP_MS = 25 * HOUR_MS;
/** Between two steps of a zone's clocks lies at least a week (Africa/Casablanca around Ramadan has four weeks). */
const STRIDE_MS = 24 * HOUR_MS;

/** The offset in force at an instant. */
export function offsetAt(timeZone: string, at: number): number {
  if (timeZone === 'UTC') return 0;
  const fields: Record<string, number> = {};
  for (const { type, value } of formatterOf(timeZone).formatToParts(at)) if (type !== 'literal') fields[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

/** The regime at an instant. */
export function regimeAt(timeZone: string, at: number): Regime {
  const offsetMs = offsetAt(timeZone, at);
  const offsetBeforeMs = offsetAt(timeZone, at - LARGEST_STEP_MS);
  if (offsetBeforeMs === offsetMs) return { offsetMs, since: undefined };
  return { offsetMs, since: { at: stepBetween(timeZone, at - LARGEST_STEP_MS, at), offsetBeforeMs } };
}

/** The first instant after `from`, and not after `until`, at which the clocks make a step; undefined where they make none. */
export function nextStep(timeZone: string, from: number, until: number): number | undefined {
  if (timeZone === 'UTC') return undefined;
  const offset = offsetAt(timeZone, from);
  for (let at = from; at < until; at += STRIDE_MS) {
    const end = Math.min(at + STRIDE_MS, until);
    if (offsetAt(timeZone, end) !== offset) return stepBetween(timeZone, at, end);
  }
  return undefined;
}

/** Where the offset changes between two instants that have different ones, by bisection. */
function stepBetween(timeZone: string, before: number, after: number): number {
  const offset = offsetAt(timeZone, before);
  let [low, high] = [Math.floor(before / 1000), Math.ceil(after / 1000)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(timeZone, middle * 1000) === offset) low = middle;
    else high = middle;
  }
  return high * 1000;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Making one costs a hundred times as much as using it. */
function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    const two = '2-digit';
    const parts = { year: 'numeric', month: two, day: two, hour: two, minute: two, second: two } as const;
    formatter = new Intl.DateTimeFormat('en-u-ca-iso8601', { timeZone, hourCycle: 'h23', ...parts });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}
