import { isTimeCursor } from '../cursor-bound.ts';
import { cursorCondition, modelColumn, requestFromClause } from '../query.ts';
import type { CompareTexts } from '../view-compare.ts';
import type { ComparedScanRequest } from '../warehouse.ts';
import { type PostgresColumn, selectItem } from './columns.ts';
import { POSTGRES_DIALECT, quoteText } from './dialect.ts';

/** Fields of a line before the row's own. */
export const LEADING_FIELDS = 4;

/**
 * A row's hash is the first half of sha256(record_send(row(salt, values…))): record_send writes how many values there are and, of each, its type, its length (−1 for NULL) and its
 * bytes in the type's binary form, so that different rows never give equal bytes. The salt in front is drawn at random and kept in Headrace's schema. Key columns stand
 * among the values: the hash alone tells that a row is as it was, without a look at its key. Pure: golden-tested.
 */
export function compareTexts(
  request: ComparedScanRequest,
  { columns, cursor }: { readonly columns: readonly PostgresColumn[]; readonly cursor: PostgresColumn | undefined },
  rowsTable: string,
  now: string | null,
): CompareTexts {
  const { keyLength, salts, changedOnly } = request;
  const items = columns.map((column, i) => selectItem(column, i < keyLength).expression);
  const condition = cursorCondition(request.cursor, cursor, POSTGRES_DIALECT);
  const from = `from ${requestFromClause(request, POSTGRES_DIALECT)}${condition === undefined ? '' : `\n  where ${condition}`}`;
  const cursorColumn = cursor === undefined ? undefined : modelColumn(cursor.name, POSTGRES_DIALECT);
  const hidden = cursor !== undefined && cursorColumn !== undefined && !request.columns.includes(cursor.name) ? [cursorColumn] : [];
  const order = (request.orderBy ?? []).map((name) => modelColumn(name, POSTGRES_DIALECT));
  const fields = [...items, ...hidden];
  const keys = columns.slice(0, keyLength).map((column, i) => hashed(column, `m.c${i}`));
  const model = [
    'select',
    // The volatile call keeps PostgreSQL from computing the hash anew wherever it stands in a condition.
    `    ${digest([`${quoteText(salts.raw)}::text`, ...columns.map((column, i) => hashed(column, items[i] ?? ''))])} as hash, clock_timestamp(),`,
    [...fields.map((field, i) => `    ${field} as c${i}`), ...order.map((column, i) => `    ${column} as o${i}`)].join(',\n'),
    `  ${from}`,
  ].join('\n');
  const handle = digest([`${quoteText(salts.key)}::text`, ...keys]);
  const leading = `${handle}, m.hash, null, null`;
  const names = fields.map((_, i) => `m.c${i}`).join(', ');
  const orderBy = order.length === 0 ? '' : `\norder by ${order.map((_, i) => `m.o${i} asc nulls last`).join(', ')}`;
  // Of the key alone: for what needs nothing else.
  const modelKeys = () =>
    `select ${items
      .slice(0, keyLength)
      .map((item, i) => `${item} as c${i}`)
      .join(', ')}\n  ${from}`;
  return {
    rows: changedOnly
      ? `select case when m.hash is null then r.handle else ${handle} end, m.hash, r.ordinal, r.verdict, ${names}
from (
  ${model}
) as m
full join ${rowsTable} as r on r.raw = m.hash
where m.hash is null or r.handle is null${orderBy}`
      : `select ${leading}, ${names}\nfrom (\n  ${model}\n) as m${orderBy}`,
    totals: `select count(*)::text as rows, ${cursorTotals(cursor, cursorColumn, now)}\n  ${from}`,
    known: `select verdict::int as verdict, count(*)::text as rows from ${rowsTable} group by verdict`,
    missing: `select r.handle, r.ordinal, r.verdict from ${rowsTable} as r\nwhere not exists (\n  select 1 from (${modelKeys()}) as m where r.handle = ${handle}\n)`,
    repeated: `select ${leading}, ${names}
from (
  ${model}
) as m
where ${handle} in (select ${handle} from (${modelKeys()}) as m group by 1 having count(*) > 1 limit 5)
limit 20`,
  };
}

function digest(expressions: readonly string[]): string {
  return `substr(sha256(record_send(row(${expressions.join(', ')}))), 1, 16)`;
}

/** Types of extensions may have no binary form. */
function hashed(column: PostgresColumn, expression: string): string {
  return column.kind === 'other' ? `(${expression})::text` : expression;
}

/** BC, years above 9999 and the infinities hold no watermark: see src/run/watermark.ts. */
function cursorTotals(cursor: PostgresColumn | undefined, column: string | undefined, now: string | null): string {
  if (cursor === undefined || column === undefined) return 'null::text as highest, null::text as any_cursor';
  return `max(${column}) filter (where ${ordinary(cursor, column, now)})::text as highest, max(${column})::text as any_cursor`;
}

function ordinary(cursor: PostgresColumn, column: string, now: string | null): string {
  if (!isTimeCursor(cursor)) return cursor.kind === 'decimal' ? `${column}::text ~ '^-?[0-9]'` : `${column} is not null`;
  const upTo = now === null ? '' : ` and ${column} <= ${quoteText(now)}::${cursor.kind}`;
  return `${column} >= '0001-01-01'::${cursor.kind} and ${column} < '10000-01-01'::${cursor.kind}${upTo}`;
}
