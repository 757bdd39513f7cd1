/**
 * Dates and times as whole numbers, for binary encodings, and back: exact from year 1 to 9999. The texts are those of core/fact.ts, without quotes.
 */

const DAY_MS = 86_400_000;

/** `2026-01-31` → days since 1970-01-01. */
export function daysOfDate(date: string): number {
  const month = digits(date, 5, 7);
  // Howard Hinnant, "chrono-compatible low-level date algorithms": years that begin in March have their leap day at the end. Several times as fast as Date.parse.
  const year = digits(date, 0, 4) - (month <= 2 ? 1 : 0);
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + digits(date, 8, 10) - 1;
  return year * 365 + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400) + dayOfYear - 719_468;
}

export function dateOfDays(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

/** `23:59:59.999999` → microseconds since midnight. */
export function microsOfTime(time: string): number {
  return secondsOfDay(time, 0) * 1_000_000 + digits(time, 9, 15);
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
  return { seconds: daysOfDate(timestamp) * 86_400 + secondsOfDay(timestamp, 11), micros: digits(timestamp, 20, 26) };
}

export function timestampOf({ seconds, micros }: Instant): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
}

/** `HH:MM:SS` at a place of the text. */
function secondsOfDay(text: string, at: number): number {
  return digits(text, at, at + 2) * 3600 + digits(text, at + 3, at + 5) * 60 + digits(text, at + 6, at + 8);
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + text.charCodeAt(i) - 48;
  return value;
}
