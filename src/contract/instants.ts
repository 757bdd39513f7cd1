/**
 * Dates and times as whole numbers, for binary encodings, and back: exact from year 1 to 9999. The texts are those of core/fact.ts, without quotes.
 */

const DAY_MS = 86_400_000;

/** `2026-01-31` → days since 1970-01-01. */
export function daysOfDate(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / DAY_MS;
}

export function dateOfDays(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

/** `23:59:59.999999` → microseconds since midnight. */
export function microsOfTime(time: string): number {
  const seconds = Number(time.slice(0, 2)) * 3600 + Number(time.slice(3, 5)) * 60 + Number(time.slice(6, 8));
  return seconds * 1_000_000 + Number(time.slice(9));
}

export function timeOfMicros(micros: number): string {
  return `${new Date(Math.floor(micros / 1000)).toISOString().slice(11, 23)}${String(micros % 1000).padStart(3, '0')}`;
}

/** A point in time: whole seconds since 1970, and microseconds from 0 to 999999 on top, also before 1970. */
export interface Instant {
  readonly seconds: number;
  readonly micros: number;
}

/** `2026-01-31T23:59:59.123456Z`. */
export function instantOf(timestamp: string): Instant {
  return { seconds: Date.parse(`${timestamp.slice(0, 19)}Z`) / 1000, micros: Number(timestamp.slice(20, 26)) };
}

export function timestampOf({ seconds, micros }: Instant): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
}
