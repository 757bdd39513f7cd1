import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import type { Relation } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Column, ColumnKind } from '../../core/row.ts';
import { checkUnique } from '../pick-columns.ts';
import { describeQuery, modelColumn } from '../query.ts';
import { withoutTrailingSemicolon } from '../sql-text.ts';
import { DUCKDB_DIALECT } from './dialect.ts';

/** By DuckDB's own names of its types, without their parameters. */
const KINDS: ReadonlyMap<string, ColumnKind> = new Map<string, ColumnKind>([
  ['VARCHAR', 'string'],
  ['ENUM', 'string'],
  ['BOOLEAN', 'boolean'],
  ['TINYINT', 'int32'],
  ['SMALLINT', 'int32'],
  ['INTEGER', 'int32'],
  ['UTINYINT', 'int32'],
  ['USMALLINT', 'int32'],
  ['UINTEGER', 'int64'],
  ['BIGINT', 'int64'],
  ['UBIGINT', 'decimal'],
  ['HUGEINT', 'decimal'],
  ['UHUGEINT', 'decimal'],
  ['BIGNUM', 'decimal'],
  ['DECIMAL', 'decimal'],
  ['FLOAT', 'float64'],
  ['DOUBLE', 'float64'],
  ['DATE', 'date'],
  ['TIME', 'time'],
  ['TIMESTAMP', 'timestamp'],
  ['TIMESTAMP_S', 'timestamp'],
  ['TIMESTAMP_MS', 'timestamp'],
  ['TIMESTAMP WITH TIME ZONE', 'timestamptz'],
  ['BLOB', 'bytes'],
  ['UUID', 'uuid'],
  ['JSON', 'json'],
  ['STRUCT', 'json'],
  ['MAP', 'json'],
  ['UNION', 'json'],
  ['VARIANT', 'json'],
]);

/** The relation's columns; throws DuckDB's error for a query that it refuses. */
export async function readColumns(connection: DuckDBConnection, relation: Relation): Promise<readonly Column[]> {
  const own = 'sql' in relation ? await ownColumns(connection, relation.sql) : undefined;
  // Before anything runs: in brackets, DuckDB would rename the second of two columns of one name.
  if (own !== undefined) checkUnique(own);
  const result = await connection.run(describeQuery(relation, DUCKDB_DIALECT));
  const names = result.columnNames();
  const columns = result.columnTypes().map((type, i) => column(names[i] ?? '', type));
  for (const [i, { name }] of (own ?? []).entries()) {
    const renamed = names[i];
    if (renamed !== name)
      throw new HeadraceError(
        'QUERY_INVALID',
        `DuckDB takes the column "${name}" for the same as another one, and calls it "${renamed}".`,
        {
          suggestion: "DuckDB's names differ in more than upper and lower case: give one of them another name with `as`.",
        },
      );
  }
  checkUnique(columns);
  return columns;
}

/** Of the model's query alone, as one statement: a text that closes our bracket and goes on with another statement is refused here. */
async function ownColumns(connection: DuckDBConnection, sql: string): Promise<readonly Column[]> {
  const extracted = await connection.extractStatements(withoutTrailingSemicolon(sql)).catch((error: unknown) => {
    // What the binding says to a text without any statement.
    if (error instanceof Error && error.message === 'Error in native callback') return { count: 0, prepare: notOneStatement };
    throw error;
  });
  if (extracted.count !== 1) return notOneStatement();
  const prepared = await extracted.prepare(0);
  try {
    return Array.from({ length: prepared.columnCount }, (_, i) => column(prepared.columnName(i), prepared.columnType(i)));
  } finally {
    prepared.destroySync();
  }
}

function notOneStatement(): never {
  throw new HeadraceError('QUERY_INVALID', "The model's query is not exactly one statement.", { suggestion: 'Write one select.' });
}

function column(name: string, type: DuckDBType): Column {
  const { kind, sourceType, items } = describeType(type);
  return { name, kind, sourceType, ...(items === undefined ? {} : { element: describeType(items).kind }) };
}

function describeType(type: DuckDBType): { kind: ColumnKind; sourceType: string; items?: DuckDBType } {
  const sourceType = type.alias ?? type.toString();
  if ('valueType' in type && !('keyType' in type)) return { kind: 'array', sourceType, items: type.valueType };
  return { kind: KINDS.get(bareName(sourceType)) ?? KINDS.get(bareName(type.toString())) ?? 'other', sourceType };
}

/** `DECIMAL(12,2)` → `DECIMAL`. */
function bareName(type: string): string {
  return /^[A-Z_]+(?: WITH TIME ZONE)?/.exec(type)?.[0] ?? type;
}

/** The canonical text of a column as an expression of DuckDB (of floats and arrays of floats, what `canonicalText` in values.ts makes it from). */
export function textExpression(column: Column, inKey: boolean): string {
  const plain = modelColumn(column.name, DUCKDB_DIALECT);
  switch (column.kind) {
    case 'bytes':
      return `lower(hex(${plain}))`;
    case 'json':
      return column.sourceType === 'JSON' ? `${plain}::varchar` : `to_json(${plain})::varchar`;
    case 'array':
      return `to_json(${elements(column, plain)})::varchar`;
    case 'float64':
      // In a key, -0 and 0 are equal.
      return inKey ? `(${plain} + 0)::varchar` : `${plain}::varchar`;
    default:
      return `${plain}::varchar`;
  }
}

/** Elements whose JSON would not be their canonical text. */
function elements(column: Column, plain: string): string {
  switch (column.element) {
    case 'bytes':
      return `list_transform(${plain}, lambda x: lower(hex(x)))`;
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return `list_transform(${plain}, lambda x: x::varchar)`;
    default:
      return plain;
  }
}

/** Texts as one: each is `<bytes>:<text>`, or `n` for NULL. Lengths in front make it injective. */
export function injectiveText(texts: readonly string[]): string {
  return `concat(${texts.map((text) => `coalesce(strlen(${text})::varchar || ':' || ${text}, 'n')`).join(', ')})`;
}

/** All columns of a row as one BLOB. One value per row, because reading values one by one costs far more in JavaScript than joining them costs DuckDB. */
export function rowExpression(texts: readonly string[]): string {
  return `encode(${injectiveText(texts)})`;
}
