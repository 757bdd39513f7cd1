import type { Column } from '../../core/row.ts';
import { integerBound, lookbackCount, lookbackMs } from '../cursor-bound.ts';
import type { Dialect } from '../query.ts';
import type { ScanCursor } from '../warehouse.ts';

/** PostgreSQL's text of a query. */
export const POSTGRES_DIALECT: Dialect = { quoteName, cursorBound, literal };

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A literal that is safe whatever standard_conforming_strings says; COPY takes no bind parameters. */
export function quoteText(text: string): string {
  const quotes = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quotes.replaceAll('\\', '\\\\')}` : quotes;
}

/** Without a type of its own: it gets that of the column that it is compared with, whatever that is. */
function literal({ kind }: Column, text: string): string {
  return kind === 'bytes' ? `decode(${quoteText(text)}, 'hex')` : quoteText(text);
}

function cursorBound(cursor: Column, from: NonNullable<ScanCursor['from']>): string {
  const watermark = quoteText(from.watermark);
  switch (cursor.kind) {
    case 'int32':
    case 'int64':
      return `'${integerBound(cursor, from)}'::bigint`;
    case 'decimal':
      return minus(`${watermark}::numeric`, lookbackCount(cursor, from), (count) => `${count}::numeric`);
    case 'float64':
      return minus(`${watermark}::double precision`, lookbackCount(cursor, from), (count) => `${count}::double precision`);
    default:
      return minus(`${watermark}::${cursor.kind}`, lookbackMs(cursor, from), (ms) => `interval '${ms} milliseconds'`);
  }
}

function minus(watermark: string, amount: number, format: (amount: number) => string): string {
  return amount === 0 ? watermark : `(${watermark} - ${format(amount)})`;
}
