import { HeadraceError } from '../core/errors.ts';
import type { Column } from '../core/row.ts';
import type { ScanCursor } from './warehouse.ts';

type From = NonNullable<ScanCursor['from']>;

/** The kinds whose order is that of their changes, and whose distance is a number: only these can be a cursor. */
const TIMES = new Set(['date', 'timestamp', 'timestamptz']);
const NUMBERS = new Set(['int32', 'int64', 'decimal', 'float64']);

/** Throws CONTRACT_MISMATCH for a cursor column that is neither a time nor a number. */
export function checkCursorKind(cursor: Column): void {
  if (TIMES.has(cursor.kind) || NUMBERS.has(cursor.kind)) return;
  throw new HeadraceError(
    'CONTRACT_MISMATCH',
    `The cursor column "${cursor.name}" has the type ${cursor.sourceType}, which is neither a time nor a number.`,
    {
      suggestion:
        'Choose a timestamp, date or number that grows with every change, or leave out `cursor` to compare everything in every run.',
    },
  );
}

export function isTimeCursor(cursor: Column): boolean {
  return TIMES.has(cursor.kind);
}

/** How far to go back, in milliseconds. Throws CONTRACT_MISMATCH where the model gives a count. */
export function lookbackMs(cursor: Column, from: From): number {
  if ('ms' in from.lookback) return from.lookback.ms;
  if (from.lookback.count === 0) return 0;
  throw mismatch(cursor, 'a duration, as `lookback: 15m`');
}

/** How far to go back, as a count. Throws CONTRACT_MISMATCH where the model gives a duration. */
export function lookbackCount(cursor: Column, from: From): number {
  if ('count' in from.lookback) return from.lookback.count;
  if (from.lookback.ms === 0) return 0;
  throw mismatch(cursor, 'a number, as `lookback: 1000`');
}

const INT64_MIN = -(2n ** 63n);

/** watermark − count for whole numbers, at most as low as an int64 can be. */
export function integerBound(cursor: Column, from: From): bigint {
  const bound = BigInt(from.watermark) - BigInt(Math.ceil(lookbackCount(cursor, from)));
  return bound < INT64_MIN ? INT64_MIN : bound;
}

function mismatch(cursor: Column, wanted: string): HeadraceError {
  return new HeadraceError(
    'CONTRACT_MISMATCH',
    `The cursor column "${cursor.name}" has the type ${cursor.sourceType}: its lookback must be ${wanted}.`,
    {
      suggestion: "Change `cursor.lookback` in the model's file.",
    },
  );
}
