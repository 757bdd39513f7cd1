import type { Client } from 'pg';
import type { Relation } from '../../config/project.ts';
import type { Column, ColumnKind } from '../../core/row.ts';
import { checkUnique } from '../pick-columns.ts';
import { describeQuery, modelColumn, type SelectItem } from '../query.ts';
import { POSTGRES_DIALECT } from './dialect.ts';

/** A column with what selecting it needs to know beyond its kind. */
export interface PostgresColumn extends Column {
  /** numeric without a scale of its own: equal values may have different texts (1.1 and 1.10). */
  readonly anyScale: boolean;
}

/** By the names of pg_type, which are the same in every database. */
const KINDS: ReadonlyMap<string, ColumnKind> = new Map([
  ...['text', 'varchar', 'bpchar', 'name', 'char', 'citext'].map((name) => [name, 'string'] as const),
  ...['int2', 'int4'].map((name) => [name, 'int32'] as const),
  ...['int8', 'oid'].map((name) => [name, 'int64'] as const),
  ...['float4', 'float8'].map((name) => [name, 'float64'] as const),
  ...['json', 'jsonb'].map((name) => [name, 'json'] as const),
  ['bool', 'boolean'],
  ['numeric', 'decimal'],
  ['date', 'date'],
  ['time', 'time'],
  ['timestamp', 'timestamp'],
  ['timestamptz', 'timestamptz'],
  ['bytea', 'bytes'],
  ['uuid', 'uuid'],
]);

interface TypeRow {
  readonly source_type: string;
  readonly name: string;
  /** b base, c composite, e enum, r range … (pg_type.typtype) */
  readonly category: string;
  readonly is_array: boolean;
  readonly element: number;
  readonly typmod: number;
}

/** Domains are followed down to the type that they are made of. */
const TYPES = `
with recursive asked as (
  select ordinal, oid, typmod from unnest($1::oid[], $2::int4[]) with ordinality as f(oid, typmod, ordinal)
), resolved as (
  select ordinal, oid, typmod from asked
  union all
  select r.ordinal, t.typbasetype, t.typtypmod
  from resolved r join pg_catalog.pg_type t on t.oid = r.oid
  where t.typtype = 'd'
)
select
  pg_catalog.format_type(a.oid, a.typmod) as source_type,
  t.typname::text as name,
  t.typtype::text as category,
  t.typcategory = 'A' and t.typelem <> 0 as is_array,
  t.typelem as element,
  r.typmod
from resolved r
join asked a using (ordinal)
join pg_catalog.pg_type t on t.oid = r.oid
where t.typtype <> 'd'
order by ordinal`;

/** The relation's columns as the server describes them; throws the server's error for a query that it refuses. */
export async function readColumns(client: Client, relation: Relation): Promise<readonly PostgresColumn[]> {
  // The extended protocol takes one statement only: a text that closes our bracket and goes on with another one is refused here.
  const described = await client.query({ text: describeQuery(relation, POSTGRES_DIALECT), queryMode: 'extended' } as { text: string });
  const types = await readTypes(
    client,
    described.fields.map((field) => [field.dataTypeID, field.dataTypeModifier]),
  );
  const elements = await readTypes(
    client,
    types.map((type) => [type?.is_array ? type.element : 0, -1]),
  );
  const columns = described.fields.map((field, i): PostgresColumn => {
    const type = types[i];
    const element = elements[i];
    if (type === undefined) return { name: field.name, kind: 'other', sourceType: `oid ${field.dataTypeID}`, anyScale: false };
    const isArray = type.is_array && element !== undefined;
    return {
      name: field.name,
      kind: isArray ? 'array' : kindOf(type),
      sourceType: type.source_type,
      anyScale: type.name === 'numeric' && type.typmod === -1,
      ...(isArray ? { element: kindOf(element) } : {}),
    };
  });
  checkUnique(columns);
  return columns;
}

async function readTypes(client: Client, asked: readonly (readonly [number, number])[]): Promise<readonly (TypeRow | undefined)[]> {
  const real = asked.filter(([oid]) => oid !== 0);
  if (real.length === 0) return asked.map(() => undefined);
  const found = await client.query<TypeRow>(TYPES, [real.map(([oid]) => oid), real.map(([, typmod]) => typmod)]);
  let next = 0;
  return asked.map(([oid]) => (oid === 0 ? undefined : found.rows[next++]));
}

function kindOf(type: TypeRow): ColumnKind {
  if (type.category === 'e') return 'string';
  if (type.category === 'c') return 'json';
  return KINDS.get(type.name) ?? 'other';
}

/** Elements whose text in an array's JSON would not be canonical: they go through their own text. */
const AS_TEXT: ReadonlySet<ColumnKind> = new Set(['date', 'time', 'timestamp', 'timestamptz', 'bytes']);

/**
 * What is selected for a column. `to_json`, not `to_jsonb`: jsonb would turn -0 into 0. In a key, equal values must have equal texts:
 * 1.10 becomes 1.1, and -0 becomes 0.
 */
export function selectItem(column: PostgresColumn, inKey: boolean): SelectItem {
  const plain = modelColumn(column.name, POSTGRES_DIALECT);
  const { name } = column;
  if (column.kind === 'array') {
    const array = column.element !== undefined && AS_TEXT.has(column.element) ? `${plain}::text[]` : plain;
    return { name, expression: `to_json(${array})::text` };
  }
  if (column.kind === 'json' && column.sourceType !== 'json' && column.sourceType !== 'jsonb')
    return { name, expression: `to_json(${plain})::text` };
  if (inKey && column.anyScale) return { name, expression: `trim_scale(${plain})` };
  if (inKey && column.kind === 'float64') return { name, expression: `(${plain} + 0)` };
  return { name, expression: plain };
}
