import { expect, it } from 'vitest';
import type { SnowflakeColumn } from '../../../src/warehouse/snowflake/columns.ts';
import { ddlText, VIEW_DIALECT } from '../../../src/warehouse/snowflake/view-ddl.ts';
import { HASHING } from '../../../src/warehouse/snowflake/warehouse.ts';
import { compareStatement } from '../../../src/warehouse/view-compare.ts';
import { jsonPieces } from '../../../src/warehouse/view-pieces.ts';

const PLACE = { schema: 'headrace', project: 'shop', mapping: 'customer-plan', topic: 'headrace.shop.customer-plan.snapshot' };
const COLUMNS: readonly SnowflakeColumn[] = [
  { name: 'tenant', stored: 'TENANT', kind: 'float64', sourceType: 'FLOAT' },
  { name: 'customer "id"', stored: 'customer "id"', kind: 'string', sourceType: 'VARCHAR' },
  { name: 'seen', stored: 'SEEN', kind: 'timestamptz', sourceType: 'TIMESTAMP_TZ(9)' },
];
const CURSOR: SnowflakeColumn = { name: 'updated_at', stored: 'UPDATED_AT', kind: 'timestamptz', sourceType: 'TIMESTAMP_LTZ(9)' };

const textOf = (changedOnly: boolean, orderBy: readonly string[]): string => {
  const request = {
    relation: { table: 'marts.customers' },
    columns: COLUMNS.map(({ stored }) => stored),
    keyLength: 2,
    cursor: { column: 'UPDATED_AT', nulls: true },
    orderBy,
    place: PLACE,
    salts: { raw: 'raw salt', key: "key '\\salt" },
    changedOnly,
  };
  const texts = compareStatement(
    request,
    { columns: COLUMNS, cursor: CURSOR },
    VIEW_DIALECT.names(PLACE).rows,
    '2026-11-25 10:00:00+00',
    HASHING,
  );
  return Object.entries(texts)
    .map(([name, text]) => `-- ${name}\n${text};\n`)
    .join('\n');
};

it.each([
  ['changed', true, []],
  ['whole', false, ['UPDATED_AT']],
] as const)('the statement of a comparison: %s', async (name, changedOnly, orderBy) => {
  await expect(textOf(changedOnly, orderBy)).toMatchFileSnapshot(`../../golden/warehouse/snowflake-comparison-${name}.sql`);
});

it('what state ddl prints', async () => {
  await expect(ddlText([PLACE], 'headrace')).toMatchFileSnapshot('../../golden/warehouse/snowflake-view-ddl.sql');
});

it('rows are brought in JSON texts that a value can hold, in their order', () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => [Buffer.alloc(500, i), i, null]);
  const pieces = [...jsonPieces(rows)];
  expect(pieces).toHaveLength(3);
  for (const piece of pieces) expect(piece.join(',').length).toBeLessThan(4.1 * 1024 * 1024);
  const read = pieces.flat().map((row) => JSON.parse(row) as readonly unknown[]);
  expect(read.map(([, i]) => i)).toEqual(rows.map((_, i) => i));
  expect(read[258]).toEqual(['02'.repeat(500), 258, null]);
  expect([...jsonPieces([])]).toEqual([]);
});
