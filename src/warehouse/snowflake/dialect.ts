import type { Column } from '../../core/row.ts';
import { integerBound, lookbackCount, lookbackMs } from '../cursor-bound.ts';
import type { Dialect } from '../query.ts';
import type { ScanCursor } from '../warehouse.ts';

/** Snowflake's text of a query. */
export const SNOWFLAKE_DIALECT: Dialect = { quoteName, unquotedName, cursorBound, literal };

/** A name without quotes, as Snowflake stores it (https://docs.snowflake.com/en/sql-reference/identifiers-syntax). */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_$]*$/;
const STORED_PLAIN = /^[A-Z_][A-Z0-9_$]*$/;

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function unquotedName(name: string): string {
  return PLAIN.test(name) ? name.toUpperCase() : name;
}

/**
 * The names under which people see the columns: a name that Snowflake stores in capitals, because it was written without quotes, in lower case, as dbt and most people
 * write it; any other name as it is. Two columns that would be told apart by their case alone keep their own names.
 */
export function shownNames(stored: readonly string[]): readonly string[] {
  const taken = new Set(stored);
  return stored.map((name) => (STORED_PLAIN.test(name) && !taken.has(name.toLowerCase()) ? name.toLowerCase() : name));
}

/** Snowflake's strings know backslash escapes. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function literal(column: Column, text: string): string {
  if (column.kind === 'string') return quoteText(text);
  return column.kind === 'bytes' ? `to_binary(${quoteText(text)}, 'hex')` : `${quoteText(text)}::${typeName(column)}`;
}

function cursorBound(cursor: Column, from: NonNullable<ScanCursor['from']>): string {
  switch (cursor.kind) {
    case 'int32':
    case 'int64':
      return `${quoteText(String(integerBound(cursor, from)))}::number(38,0)`;
    case 'decimal':
      return minus(`${quoteText(from.watermark)}::number(38,${scaleOf(cursor)})`, lookbackCount(cursor, from));
    case 'float64':
      return minus(`${quoteText(from.watermark)}::float`, lookbackCount(cursor, from));
    case 'timestamptz':
      return earlier(`${quoteText(from.watermark.replace(/\+00$/, ' +00:00'))}::${typeName(cursor)}`, lookbackMs(cursor, from));
    default:
      return earlier(`${quoteText(from.watermark)}::${typeName(cursor)}`, lookbackMs(cursor, from));
  }
}

function minus(watermark: string, amount: number): string {
  return amount === 0 ? watermark : `(${watermark} - ${amount})`;
}

/** Of a date with less than a day, a timestamp: dates are compared with it as their midnight. */
function earlier(watermark: string, ms: number): string {
  return ms === 0 ? watermark : `dateadd('millisecond', ${-ms}, ${watermark})`;
}

/** `NUMBER(12,2)` → 2. */
function scaleOf({ sourceType }: Column): string {
  return /,(\d+)\)$/.exec(sourceType)?.[1] ?? '0';
}

/** `TIMESTAMP_LTZ(9)` → `timestamp_ltz`: the column's own type, so that nothing is converted row by row. */
function typeName({ sourceType }: Column): string {
  return sourceType.replace(/\(.*$/, '').toLowerCase();
}
