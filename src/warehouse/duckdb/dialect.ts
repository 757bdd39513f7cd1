import type { Column } from '../../core/row.ts';
import { integerBound, lookbackCount, lookbackMs } from '../cursor-bound.ts';
import type { Dialect } from '../query.ts';
import type { ScanCursor } from '../warehouse.ts';

/** DuckDB's text of a query. */
export const DUCKDB_DIALECT: Dialect = { quoteName, cursorBound, literal };

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** DuckDB's plain strings know no escapes but the doubled quote. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function literal({ kind, sourceType }: Column, text: string): string {
  return kind === 'bytes' ? `from_hex(${quoteText(text)})` : `${quoteText(text)}::${sourceType}`;
}

function cursorBound(cursor: Column, from: NonNullable<ScanCursor['from']>): string {
  const watermark = quoteText(from.watermark);
  switch (cursor.kind) {
    case 'int32':
    case 'int64':
      return `'${integerBound(cursor, from)}'::bigint`;
    case 'decimal':
      return decimalBound(cursor, from);
    case 'float64':
      return minus(`${watermark}::double`, lookbackCount(cursor, from), String);
    default:
      return minus(`${watermark}::${cursor.kind}`, lookbackMs(cursor, from), (ms) => `interval '${ms} milliseconds'`);
  }
}

/** hugeint, ubigint and uhugeint are decimals to us; an unsigned type has nothing below 0. */
function decimalBound(cursor: Column, from: NonNullable<ScanCursor['from']>): string {
  if (cursor.sourceType.startsWith('DECIMAL'))
    return minus(`${quoteText(from.watermark)}::${cursor.sourceType}`, lookbackCount(cursor, from), String);
  const bound = BigInt(from.watermark) - BigInt(Math.ceil(lookbackCount(cursor, from)));
  return `'${cursor.sourceType.startsWith('U') && bound < 0n ? 0n : bound}'::${cursor.sourceType}`;
}

function minus(watermark: string, amount: number, format: (amount: number) => string): string {
  return amount === 0 ? watermark : `(${watermark} - ${format(amount)})`;
}
