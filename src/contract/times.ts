import { type Convert, REJECT, type Rejection } from './rejection.ts';

const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d\d:\d\d:\d\d(?:\.\d+)?$/;
/** The canonical texts of core/row.ts: a blank between date and time; `+00` only where the column has a zone. */
const WITHOUT_ZONE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?$/;
const WITH_ZONE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00$/;
/** RFC 3339 section 5.6, with `T` or a blank; the zone is required. */
const RFC_3339 = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d(?::?\d\d)?)$/;

export const toDate: Convert = (text) => (DATE.test(text) && isDay(text) ? `"${text}"` : outOfRange(text, REJECT.not_a_date));

/** Six digits behind the seconds, always. */
export const toTime: Convert = (text) => {
  if (!TIME.test(text) || !isTimeOfDay(text)) return REJECT.not_a_time;
  const time = sixDigits(text, 8);
  return typeof time === 'string' ? `"${time}"` : time;
};

/** A timestamp without zone is read as UTC. */
export const timestampToTimestamp: Convert = (text) => (WITHOUT_ZONE.test(text) ? canonical(text, text.length) : outOfRange(text));

export const timestamptzToTimestamp: Convert = (text) => (WITH_ZONE.test(text) ? canonical(text, text.length - 3) : outOfRange(text));

/** Text of RFC 3339; any offset is turned into UTC. */
export const textToTimestamp: Convert = (text) => {
  const match = RFC_3339.exec(text);
  if (match === null) return outOfRange(text);
  const [, date = '', time = '', zone = ''] = match;
  if (!isDay(date) || !isTimeOfDay(time)) return REJECT.not_a_timestamp;
  const minutes = offsetMinutes(zone);
  if (minutes === undefined) return REJECT.not_a_timestamp;
  if (minutes === 0) return canonical(`${date} ${time}`, date.length + 1 + time.length);
  // Date carries whole seconds here, in UTC only; the fraction goes around it as text.
  const shifted = new Date(Date.parse(`${date}T${time.slice(0, 8)}Z`) - minutes * 60_000).toISOString();
  if (shifted.length !== 24) return shifted.startsWith('-') ? REJECT.before_christ : REJECT.year_above_9999;
  const moved = `${shifted.slice(0, 10)} ${shifted.slice(11, 19)}${time.slice(8)}`;
  return canonical(moved, moved.length);
};

/** `YYYY-MM-DD HH:MM:SS[.f…]` up to `end` → `"YYYY-MM-DDTHH:MM:SS.ffffffZ"`. */
function canonical(text: string, end: number): string | Rejection {
  if (text.startsWith('0000')) return REJECT.before_christ;
  if (end === 26) return `"${text.slice(0, 10)}T${text.slice(11, 26)}Z"`;
  const time = sixDigits(text.slice(11, end), 8);
  return typeof time === 'string' ? `"${text.slice(0, 10)}T${time}Z"` : time;
}

/** Pads the fraction that begins at `dot`; digits beyond the sixth must be zeros. */
function sixDigits(time: string, dot: number): string | Rejection {
  const digits = time.length - dot - 1;
  if (digits < 0) return `${time}.000000`;
  if (digits <= 6) return time + '000000'.slice(digits);
  for (let i = dot + 7; i < time.length; i++) if (time.charCodeAt(i) !== 48) return REJECT.below_microseconds;
  return time.slice(0, dot + 7);
}

/** Names what a warehouse may hold and RFC 3339 cannot: infinity, BC, years of five and more digits. */
function outOfRange(text: string, otherwise: Rejection = REJECT.not_a_timestamp): Rejection {
  if (/^-?infinity$/i.test(text)) return REJECT.infinite;
  if (/ BC$|^-\d/.test(text) || text.startsWith('0000-')) return REJECT.before_christ;
  return /^\+?\d{5,}-/.test(text) ? REJECT.year_above_9999 : otherwise;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function isDay(date: string): boolean {
  const year = Number(date.slice(0, 4));
  const month = Number(date.slice(5, 7));
  const day = Number(date.slice(8, 10));
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const last = month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0);
  return year >= 1 && day >= 1 && day <= last;
}

function isTimeOfDay(time: string): boolean {
  return time.slice(0, 2) <= '23' && time.slice(3, 5) <= '59' && time.slice(6, 8) <= '59';
}

function offsetMinutes(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || '0');
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
