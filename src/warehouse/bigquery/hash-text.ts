import { modelColumn, type SelectItem } from '../query.ts';
import type { StatementDialect } from '../view-compare.ts';
import { type BigQueryColumn, selectItem } from './columns.ts';
import { BIGQUERY_DIALECT, quoteText } from './dialect.ts';

/** How a row is hashed of which these items are selected: its values leave as an ordinary scan has them, and are texts for the hash alone. */
export function hashing(items: readonly SelectItem[]): StatementDialect {
  return {
    query: BIGQUERY_DIALECT,
    quoteText,
    digest: (text) => `left(to_hex(sha256(${text})), 32)`,
    joined: (texts) => texts.map((text) => `coalesce(cast(length(${text}) as string) || ':' || ${text}, 'n')`).join(' || '),
    text: (column, inKey) => hashText(column as BigQueryColumn, inKey),
    output: () => items.map(({ expression }) => expression),
    hex: (hash) => hash,
    string: (value) => `cast(${value} as string)`,
    nothing: 'cast(null as string)',
  };
}

/**
 * A text that differs where the value differs, NULL of NULL; of a cursor it is the one that the API sends. A cast of a FLOAT64 is called approximate, and has no sign of zero:
 * 17 digits tell every double. A STRUCT, an ARRAY and a JSON are equal where they are the same JSON.
 */
function hashText(column: BigQueryColumn, inKey: boolean): string {
  const { name, kind, field, hasPicoseconds } = column;
  const value = modelColumn(name, BIGQUERY_DIALECT);
  if (hasPicoseconds) return selectItem(column).expression;
  switch (kind) {
    case 'string':
      return value;
    case 'bytes':
      return `to_hex(${value})`;
    case 'float64':
      return `format('%.17g', ${inKey ? `if(${value} = 0, 0, ${value})` : value})`;
    case 'timestamptz':
      return `cast(unix_micros(${value}) as string)`;
    case 'json':
    case 'array':
      return unlessNull(`to_json_string(${value})`, value);
    default:
      if (field.type === 'GEOGRAPHY') return `st_astext(${value})`;
      if (field.type === 'RANGE') return unlessNull(`to_json_string(struct(range_start(${value}), range_end(${value})))`, value);
      return `cast(${value} as string)`;
  }
}

function unlessNull(text: string, value: string): string {
  return `if(${value} is null, null, ${text})`;
}
