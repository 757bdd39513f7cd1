import type { Relation } from '../config/project.ts';
import type { Column, ColumnKind } from '../core/row.ts';
import { isTimeCursor } from './cursor-bound.ts';
import { bracketedCondition, withoutTrailingSemicolon } from './sql-text.ts';
import type { ScanCursor, ScanRequest, ScanSlice, SliceRequest } from './warehouse.ts';

/** What differs between warehouses in the text of a query. Pure: golden-tested as text. */
export interface Dialect {
  /** An identifier in quotes, whatever it holds. */
  quoteName(name: string): string;
  /** What the warehouse takes a name for that a person wrote without quotes, as part of a table's name; absent: the name as it stands. */
  unquotedName?(name: string): string;
  /** An expression of the cursor column's type: the watermark minus the lookback, in the warehouse's own arithmetic. Throws CONTRACT_MISMATCH. */
  cursorBound(cursor: Column, from: NonNullable<ScanCursor['from']>): string;
  /** The query of a model as it may stand in brackets, where the warehouse's own lexical rules tell where it ends. Throws QUERY_INVALID. */
  queryText?(sql: string): string;
  /** A condition that a person wrote, as it may stand in brackets, by the same rules. Throws QUERY_INVALID. */
  conditionText?(sql: string): string;
  /** A value of a column whose kind is string, boolean, time, bytes or uuid. */
  literal(column: Column, text: string): string;
}

/** One thing to select: an expression, and the name that the result gives it. */
export interface SelectItem {
  readonly expression: string;
  readonly name: string;
}

/** The relation as it stands behind `from`, always under the name "model". */
export function fromClause(relation: Relation, dialect: Dialect): string {
  if ('table' in relation) {
    return `${tableNames(relation.table, dialect)
      .map((part) => dialect.quoteName(part))
      .join('.')} as ${dialect.quoteName('model')}`;
  }
  // A line of its own for the closing bracket: the query may end in a comment.
  return `(\n${(dialect.queryText ?? withoutTrailingSemicolon)(relation.sql)}\n) as ${dialect.quoteName('model')}`;
}

/** The same for what a request asks for of its relation. */
export function requestFromClause({ relation, slice }: Pick<ScanRequest, 'relation' | 'slice'>, dialect: Dialect): string {
  return slice === undefined ? fromClause(relation, dialect) : slicedFromClause(relation, slice, dialect);
}

/** The parts of a table's name as the warehouse holds them. */
export function tableNames(table: string, dialect: Dialect): readonly string[] {
  return tableParts(table).map(({ text, isQuoted }) => (isQuoted ? text : (dialect.unquotedName?.(text) ?? text)));
}

/** The slice as a relation that stands behind `from`, under the name "model". Pure. Throws QUERY_INVALID for a condition that is more than one. */
function slicedFromClause(relation: Relation, slice: ScanSlice, dialect: Dialect): string {
  const { key, limit } = slice;
  const lines = ['select *', `from ${fromClause(relation, dialect)}`, `where ${conditionsOf(slice, dialect).join('\n  and ')}`];
  if (limit !== undefined) {
    lines.push(`order by ${key.map(({ name }) => `${modelColumn(name, dialect)} asc`).join(', ')}`, `limit ${limit}`);
  }
  return `(\n${lines.join('\n')}\n) as ${dialect.quoteName('model')}`;
}

function conditionsOf({ key, range, where, keys, after }: ScanSlice, dialect: Dialect): string[] {
  const conditions = key.map(({ name }) => `${modelColumn(name, dialect)} is not null`);
  if (range !== undefined) {
    const cursor = modelColumn(range.cursor.name, dialect);
    if (range.from !== null) conditions.push(`${cursor} ${range.isAbove ? '>' : '>='} ${literal(range.cursor, range.from, dialect)}`);
    if (range.to !== null) conditions.push(`${cursor} < ${literal(range.cursor, range.to, dialect)}`);
  }
  // A line of its own for the closing bracket: the condition may end in a comment.
  if (where !== undefined) conditions.push(`(\n${(dialect.conditionText ?? bracketedCondition)(where)}\n)`);
  if (keys !== undefined) conditions.push(isOneOf(key, keys, dialect));
  if (after !== undefined) conditions.push(...isBehind(key, after, dialect));
  return conditions;
}

function isOneOf(key: readonly Column[], keys: readonly (readonly string[])[], dialect: Dialect): string {
  const row = (texts: readonly string[]) => texts.map((text, i) => literal(key[i] as Column, text, dialect));
  const names = key.map(({ name }) => modelColumn(name, dialect));
  if (key.length === 1) return `${names[0]} in (${keys.flatMap(row).join(', ')})`;
  return `(${names.join(', ')}) in (${keys.map((texts) => `(${row(texts).join(', ')})`).join(', ')})`;
}

/** Of several columns the first one alone, too: an index helps then. */
function isBehind(key: readonly Column[], after: readonly string[], dialect: Dialect): string[] {
  const columns = key.map((column, i) => ({
    name: modelColumn(column.name, dialect),
    last: literal(column, after[i] ?? '', dialect),
  }));
  const [first] = columns;
  const behind = columns.map(({ name, last }, i) =>
    [...columns.slice(0, i).map((c) => `${c.name} = ${c.last}`), `${name} > ${last}`].join(' and '),
  );
  if (first === undefined || columns.length === 1) return behind;
  return [`${first.name} >= ${first.last}`, `(${behind.join(' or ')})`];
}

const NUMBERS: ReadonlySet<ColumnKind> = new Set(['int32', 'int64', 'decimal']);
const NO_LOOKBACK = { ms: 0 };

/** An expression of the column's type. */
function literal(column: Column, text: string, dialect: Dialect): string {
  if (isTimeCursor(column)) return dialect.cursorBound(column, { watermark: text, lookback: NO_LOOKBACK });
  if (NUMBERS.has(column.kind)) return dialect.cursorBound(column, { watermark: text, lookback: { count: 0 } });
  return dialect.literal(column, text);
}

/** One row with one column, `rows`: how many rows the slice has. */
export function countQuery({ relation, slice }: SliceRequest, dialect: Dialect): string {
  return `select count(*) as ${dialect.quoteName('rows')} from ${slicedFromClause(relation, slice, dialect)}`;
}

/** Yields no rows; its result has the relation's columns. */
export function describeQuery(relation: Relation, dialect: Dialect): string {
  return `select * from ${fromClause(relation, dialect)} limit 0`;
}

/** A column of the relation, qualified: so that it is never taken for a result column of the same name. */
export function modelColumn(name: string, dialect: Dialect): string {
  return `${dialect.quoteName('model')}.${dialect.quoteName(name)}`;
}

/** The text of a scan. `cursor` is the cursor column as the relation has it, where the request has a cursor. */
export function scanQuery(request: ScanRequest, items: readonly SelectItem[], cursor: Column | undefined, dialect: Dialect): string {
  const lines = [
    'select',
    items.map((item) => `  ${item.expression} as ${dialect.quoteName(item.name)}`).join(',\n'),
    `from ${requestFromClause(request, dialect)}`,
  ];
  const condition = cursorCondition(request.cursor, cursor, dialect);
  if (condition !== undefined) lines.push(`where ${condition}`);
  return [...lines, ...orderText(request, dialect)].join('\n');
}

/** The line that orders a scan; none where the request asks for no order. */
export function orderText({ orderBy = [] }: Pick<ScanRequest, 'orderBy'>, dialect: Dialect): readonly string[] {
  return orderBy.length === 0 ? [] : [`order by ${orderBy.map((name) => `${modelColumn(name, dialect)} asc nulls last`).join(', ')}`];
}

/** Which rows a request asks for; undefined for all. */
export function cursorCondition(request: ScanCursor | undefined, cursor: Column | undefined, dialect: Dialect): string | undefined {
  if (request === undefined || cursor === undefined) return undefined;
  const column = modelColumn(request.column, dialect);
  if (request.from === undefined) return request.nulls ? undefined : `${column} is not null`;
  const reached = `${column} >= ${dialect.cursorBound(cursor, request.from)}`;
  return request.nulls ? `(${reached} or ${column} is null)` : reached;
}

/** `marts.customers` → two names; a part in double quotes may hold points, and its doubled quotes are one. */
export function splitTableName(table: string): readonly string[] {
  return tableParts(table).map(({ text }) => text);
}

interface TablePart {
  readonly text: string;
  readonly isQuoted: boolean;
}

function tableParts(table: string): readonly TablePart[] {
  const parts: TablePart[] = [];
  let part = '';
  let quoted = false;
  let isQuoted = false;
  const end = (): void => {
    parts.push({ text: part, isQuoted });
    part = '';
    isQuoted = false;
  };
  for (let i = 0; i < table.length; i++) {
    const character = table.charAt(i);
    if (quoted && character === '"' && table.charAt(i + 1) === '"') {
      part += '"';
      i++;
    } else if (character === '"' && (quoted || part === '')) {
      quoted = !quoted;
      isQuoted = true;
    } else if (character === '.' && !quoted) {
      end();
    } else {
      part += character;
    }
  }
  if (quoted) return table.split('.').map((text) => ({ text, isQuoted: false }));
  end();
  return parts;
}
