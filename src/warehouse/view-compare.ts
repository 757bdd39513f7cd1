import type { Column } from '../core/row.ts';
import { isTimeCursor } from './cursor-bound.ts';
import { cursorCondition, type Dialect, modelColumn, requestFromClause } from './query.ts';
import { verdictOf } from './verdicts.ts';
import type { ComparedScanRequest, ScanTotals } from './warehouse.ts';

/** What differs between engines that hash a row's texts. */
export interface HashDialect {
  readonly query: Dialect;
  quoteText(text: string): string;
  /** The first sixteen bytes of the SHA-256 of a text. */
  digest(text: string): string;
  /** All of these texts as one that tells where each ends, and NULL from any text. */
  joined(texts: readonly string[]): string;
  /** The text of a column of "model", as a scan has it. */
  text(column: Column, inKey: boolean): string;
  /** What is selected of a row's texts. */
  output(texts: readonly string[]): readonly string[];
}

/** Pure: golden-tested. */
export interface CompareTexts {
  /** One line per row that is read: handle, hash, two fields that are empty, then the row as a scan has it. And per row of the view that none is equal to: handle, nothing, number, verdict. */
  readonly rows: string;
  /** Of all rows: how many, the highest cursor up to now, and any. */
  readonly totals: string;
  /** Of the view: `verdict`, `rows`. */
  readonly known: string;
  /** Rows of the view that the model does not have: handle, number, verdict. */
  readonly missing: string;
  /** Some rows whose key stands more than once, in the form of `rows`. */
  readonly repeated: string;
}

/**
 * A row's hash is that of the salt, the types of its columns, and its texts, each with its length in front: different rows never give equal texts. The key is among them:
 * the hash alone tells that a row is as it was. Names in the request are those that the engine stores.
 */
export function compareTexts(
  request: ComparedScanRequest,
  { columns, cursor }: { readonly columns: readonly Column[]; readonly cursor: Column | undefined },
  rowsTable: string,
  now: string | null,
  engine: HashDialect,
): CompareTexts {
  const { model, from, handle, keys, fields, order } = piecesOf(request, columns, cursor, engine);
  const whole = `(\n  ${model}\n) as m`;
  const names = fields.join(', ');
  const orderBy = order.length === 0 ? '' : `\norder by ${order.map((column) => `${column} asc nulls last`).join(', ')}`;
  const unread = `cast(null as bigint), cast(null as bigint)`;
  return {
    rows: request.changedOnly
      ? `select coalesce(r.handle, ${handle}), m.row_hash, r.ordinal, r.verdict, ${names}
from ${whole}
full join ${rowsTable} as r on r.raw = m.row_hash
where m.row_hash is null or r.handle is null${orderBy}`
      : `select ${handle}, m.row_hash, ${unread}, ${names}\nfrom ${whole}${orderBy}`,
    totals: totalsText(request, cursor, from, now, engine),
    known: `select verdict, count(*) from ${rowsTable} group by verdict`,
    missing: `select r.handle, r.ordinal, r.verdict from ${missingFrom(rowsTable, keys)}`,
    repeated: `select ${handle}, m.row_hash, ${unread}, ${names}
from ${whole}
where ${handle} in (${repeatedKeys(keys)})
limit 20`,
  };
}

/** What `totals` and `known` came to. `decode` makes the canonical text of a cursor. */
export function scanTotals(
  [rows, highest, any]: readonly (string | null | undefined)[],
  verdicts: Iterable<readonly [verdict: unknown, rows: unknown]>,
  decode: (text: string) => string | null,
): ScanTotals {
  const known = { fact: 0, absent: 0, quarantined: 0 };
  for (const [verdict, count] of verdicts) known[verdictOf(Number(verdict))] = Number(count);
  const canonical = (text: string | null | undefined) => (text == null ? null : decode(text));
  return { rows: Number(rows), known, cursor: { highest: canonical(highest), any: canonical(any) } };
}

interface Pieces {
  /** Of each row of the model: `row_hash`, `row_key`, what is selected of it, and what it is ordered by. */
  readonly model: string;
  readonly from: string;
  /** Of the row m: computed of rows alone that leave the warehouse. */
  readonly handle: string;
  /** The handles of all rows. */
  readonly keys: string;
  readonly fields: readonly string[];
  readonly order: readonly string[];
}

function piecesOf(request: ComparedScanRequest, columns: readonly Column[], cursor: Column | undefined, engine: HashDialect): Pieces {
  const { keyLength, salts } = request;
  const { query, digest, joined } = engine;
  const texts = columns.map((column, i) => engine.text(column, i < keyLength));
  const condition = cursorCondition(request.cursor, cursor, query);
  const from = `from ${requestFromClause(request, query)}${condition === undefined ? '' : `\n  where ${condition}`}`;
  const isHidden = cursor !== undefined && !columns.some(({ name }) => name === cursor.name);
  const fields = engine.output(isHidden ? [...texts, engine.text(cursor, false)] : texts);
  const order = (request.orderBy ?? []).map((name) => modelColumn(name, query));
  const salted = (salt: string, count: number, text: string) => {
    const types = columns.slice(0, count).map(({ sourceType }) => sourceType);
    return digest(`${engine.quoteText(`${salt}${JSON.stringify(types)}`)} || ${text}`);
  };
  const key = joined(texts.slice(0, keyLength));
  const items = [
    `    ${salted(salts.raw, columns.length, joined(texts))} as row_hash`,
    `    ${key} as row_key`,
    ...fields.map((field, i) => `    ${field} as f${i}`),
    ...order.map((column, i) => `    ${column} as o${i}`),
  ];
  return {
    model: `select\n${items.join(',\n')}\n  ${from}`,
    from,
    handle: salted(salts.key, keyLength, 'm.row_key'),
    keys: `select ${salted(salts.key, keyLength, key)} as row_handle\n  ${from}`,
    fields: fields.map((_, i) => `m.f${i}`),
    order: order.map((_, i) => `m.o${i}`),
  };
}

function missingFrom(rowsTable: string, keys: string): string {
  return `${rowsTable} as r
where not exists (
  select 1 from (${keys}) as m where m.row_handle = r.handle
)`;
}

function repeatedKeys(keys: string): string {
  return `select k.row_handle from (${keys}) as k group by k.row_handle having count(*) > 1 limit 5`;
}

/** What differs where everything is asked for in one statement. */
export interface StatementDialect extends HashDialect {
  hex(bytes: string): string;
  /** The text of a number. */
  string(value: string): string;
  /** The text that is none. */
  readonly nothing: string;
}

/** Fields of a line of `compareStatement` before the row's own. */
export const LEADING_TEXTS = 5;

/**
 * The same where two statements do not see one state of the tables: what must not contradict itself is asked for at once. The leading fields are texts, and the first says what the
 * line is: `row` (handle, hash, number, verdict, then the row), `totals` (rows, highest cursor, any), `known` (verdict, rows), `missing` (handle, –, number, verdict).
 */
export function compareStatement(
  request: ComparedScanRequest,
  { columns, cursor }: { readonly columns: readonly Column[]; readonly cursor: Column | undefined },
  rowsTable: string,
  now: string | null,
  engine: StatementDialect,
): Pick<CompareTexts, 'rows' | 'repeated'> {
  const { model, from, handle, keys, fields, order } = piecesOf(request, columns, cursor, engine);
  const { hex, string, nothing } = engine;
  const whole = `(\n  ${model}\n) as m`;
  const names = ['a', 'b', 'c', 'd', ...fields.map((_, i) => `f${i}`)];
  const line = (kind: string, leading: readonly string[], rest: readonly string[] = [...fields, ...order].map(() => 'null')) => {
    const aliases = [...names, ...order.map((_, i) => `o${i}`)];
    const values = [...leading, ...Array.from({ length: LEADING_TEXTS - 1 - leading.length }, () => nothing), ...rest];
    return `select '${kind}' as part, ${values.map((value, i) => `${value} as ${aliases[i]}`).join(', ')}`;
  };
  const row = (leading: readonly string[]) => line('row', leading, [...fields, ...order]);
  const parts = [
    request.changedOnly
      ? `${row([hex(`coalesce(r.handle, ${handle})`), hex('m.row_hash'), string('r.ordinal'), string('r.verdict')])}
from ${whole}
full join ${rowsTable} as r on r.raw = m.row_hash
where m.row_hash is null or r.handle is null`
      : `${row([hex(handle), hex('m.row_hash')])}\nfrom ${whole}`,
    cursor === undefined
      ? `${line('totals', [string('count(*)')])}\n  ${from}`
      : `${line('totals', [string('t.n'), 't.highest', 't.any_cursor'])}\nfrom (${totalsText(request, cursor, from, now, engine)}) as t`,
    `${line('known', [string('verdict'), string('count(*)')])}\nfrom ${rowsTable}\ngroup by verdict`,
  ];
  if (!request.changedOnly && request.cursor?.from === undefined && request.slice === undefined)
    parts.push(
      `${line('missing', [hex('r.handle'), nothing, string('r.ordinal'), string('r.verdict')])}\nfrom ${missingFrom(rowsTable, keys)}`,
    );
  const all = parts.join('\nunion all\n');
  const orderBy = order.length === 0 ? '' : `\norder by ${order.map((_, i) => `o${i} asc nulls last`).join(', ')}`;
  return {
    rows: order.length === 0 ? all : `select part, ${names.join(', ')} from (\n${all}\n) as l${orderBy}`,
    repeated: `${line('row', [hex(handle), hex('m.row_hash')], fields)}\nfrom ${whole}\nwhere ${handle} in (${repeatedKeys(keys)})\nlimit 20`,
  };
}

/** BC, years above 9999 and the infinities hold no watermark: see src/run/watermark.ts. */
function totalsText(
  { cursor: asked }: ComparedScanRequest,
  cursor: Column | undefined,
  from: string,
  now: string | null,
  engine: HashDialect,
): string {
  if (cursor === undefined || asked === undefined) return `select count(*) as n, null as highest, null as any_cursor\n  ${from}`;
  const column = modelColumn(asked.column, engine.query);
  const named = (name: string): string =>
    engine.text({ ...cursor, name, ...('stored' in cursor ? { stored: name } : {}) } as Column, false);
  const { quoteName } = engine.query;
  return `select ${modelColumn('n', engine.query)} as n, ${named('highest')} as highest, ${named('any_cursor')} as any_cursor
from (
  select count(*) as ${quoteName('n')}, max(case when ${ordinary(cursor, column, now, engine.query)} then ${column} end) as ${quoteName('highest')}, max(${column}) as ${quoteName('any_cursor')}
  ${from}
) as ${quoteName('model')}`;
}

function ordinary(cursor: Column, column: string, now: string | null, dialect: Dialect): string {
  if (!isTimeCursor(cursor)) return `${column} is not null`;
  const at = (text: string): string => dialect.cursorBound(cursor, { watermark: text, lookback: { ms: 0 } });
  const midnight = (date: string): string =>
    cursor.kind === 'date' ? date : `${date} 00:00:00${cursor.kind === 'timestamptz' ? '+00' : ''}`;
  const end =
    cursor.kind === 'date'
      ? `${column} <= ${at('9999-12-31')}`
      : `${column} <= ${at(midnight('9999-12-31').replace('00:00:00', '23:59:59.999999'))}`;
  return `${column} >= ${at(midnight('0001-01-01'))} and ${now === null ? end : `${column} <= ${at(now)}`}`;
}
