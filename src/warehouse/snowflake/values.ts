import type { Column } from '../../core/row.ts';

/** Snowflake's text of a field (columns.ts) → canonical text. */
export type FieldDecoder = (text: string) => string;

export function fieldDecoder(column: Column): FieldDecoder {
  switch (column.kind) {
    case 'float64':
      return canonicalFloat;
    case 'time':
    case 'timestamp':
      return withoutTrailingZeros;
    case 'timestamptz':
      return (text) => `${withoutTrailingZeros(text)}+00`;
    default:
      return (text) => text;
  }
}

const SPECIAL: Readonly<Record<string, string>> = {
  nan: 'NaN',
  inf: 'Infinity',
  infinity: 'Infinity',
  '-inf': '-Infinity',
  '-infinity': '-Infinity',
};

/**
 * The same double, whatever number of digits Snowflake writes. Behind a bar stands what its text lacks: the value less the double that the text means, which is exact, and so
 * small that its own text's rounding is lost in the sum.
 */
function canonicalFloat(text: string): string {
  const special = SPECIAL[text.toLowerCase()];
  if (special !== undefined) return special;
  const bar = text.indexOf('|');
  const value = bar < 0 ? Number(text) : Number(text.slice(0, bar)) + Number(text.slice(bar + 1));
  // A text that was rounded beyond the highest double: a mapping rejects it.
  if (!Number.isFinite(value)) return text;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** `02:30:00.100000000` → `02:30:00.1`; what lies below the microsecond stays, and a mapping rejects it by name. */
function withoutTrailingZeros(text: string): string {
  let end = text.length;
  while (text.charCodeAt(end - 1) === ZERO) end--;
  if (text.charCodeAt(end - 1) === POINT) return text.slice(0, end - 1);
  return text.lastIndexOf('.', end) < 0 ? text : text.slice(0, end);
}

const ZERO = 48;
const POINT = 46;
