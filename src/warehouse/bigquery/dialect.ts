import type { Column } from '../../core/row.ts';
import { integerBound, lookbackCount, lookbackMs } from '../cursor-bound.ts';
import type { Dialect } from '../query.ts';
import type { ScanCursor } from '../warehouse.ts';
import { singleCondition, singleQuery } from './sql-text.ts';

/** BigQuery's text of a query (GoogleSQL). Bounds are constant expressions, so that partitions below them are not read. */
export const BIGQUERY_DIALECT: Dialect = { quoteName, cursorBound, queryText: singleQuery, conditionText: singleCondition, literal };

/** Between backticks the escapes of strings hold, too. */
function quoteName(name: string): string {
  return `\`${name.replace(/[\\`\n\r\0]/g, escaped)}\``;
}

export function quoteText(text: string): string {
  return `'${text.replace(/[\\'\n\r\0]/g, escaped)}'`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '`': '\\`', '\n': '\\n', '\r': '\\r', '\0': '\\000' };

function escaped(character: string): string {
  return ESCAPES[character] as string;
}

function literal({ kind }: Column, text: string): string {
  if (kind === 'boolean') return `cast(${quoteText(text)} as bool)`;
  if (kind === 'bytes') return `from_hex(${quoteText(text)})`;
  return kind === 'time' ? `time ${quoteText(text)}` : quoteText(text);
}

const DAY_MS = 86_400_000;

function cursorBound(cursor: Column, from: NonNullable<ScanCursor['from']>): string {
  const watermark = quoteText(from.watermark);
  switch (cursor.kind) {
    case 'int32':
    case 'int64':
      return `cast('${integerBound(cursor, from)}' as int64)`;
    case 'decimal':
      return minus(decimal(cursor, watermark), lookbackCount(cursor, from), (count) => decimal(cursor, `'${count}'`));
    case 'float64':
      return minus(`cast(${watermark} as float64)`, lookbackCount(cursor, from), (count) => `cast('${count}' as float64)`);
    case 'date': {
      // Part of a day less than a date is behind it, but not as far as the day before: dates are midnights.
      const days = Math.floor(lookbackMs(cursor, from) / DAY_MS);
      return days === 0 ? `date ${watermark}` : `date_sub(date ${watermark}, interval ${days} day)`;
    }
    default: {
      const type = cursor.kind === 'timestamptz' ? 'timestamp' : 'datetime';
      const ms = lookbackMs(cursor, from);
      return ms === 0 ? `${type} ${watermark}` : `${type}_sub(${type} ${watermark}, interval ${ms} millisecond)`;
    }
  }
}

/** Not a cast or a literal: those of an emulator lose digits behind the third. */
function decimal(cursor: Column, literal: string): string {
  return `${cursor.sourceType.startsWith('BIGNUMERIC') ? 'parse_bignumeric' : 'parse_numeric'}(${literal})`;
}

function minus(watermark: string, amount: number, format: (amount: number) => string): string {
  return amount === 0 ? watermark : `(${watermark} - ${format(amount)})`;
}
