import { expect, it } from 'vitest';
import type { Column } from '../../../src/core/row.ts';
import { ddlText, VIEW_DIALECT } from '../../../src/warehouse/duckdb/view-file.ts';
import { HASHING } from '../../../src/warehouse/duckdb/warehouse.ts';
import { compareTexts } from '../../../src/warehouse/view-compare.ts';

const PLACE = { schema: 'headrace', project: 'shop', mapping: 'customer-plan', topic: 'headrace.shop.customer-plan.snapshot' };
const COLUMNS: readonly Column[] = [
  { name: 'tenant', kind: 'float64', sourceType: 'DOUBLE' },
  { name: 'customer "id"', kind: 'string', sourceType: 'VARCHAR' },
  { name: 'tags', kind: 'array', sourceType: 'VARCHAR[]', element: 'string' },
];
const CURSOR: Column = { name: 'updated_at', kind: 'timestamptz', sourceType: 'TIMESTAMP WITH TIME ZONE' };

it('the texts of a comparison', async () => {
  const texts = compareTexts(
    {
      relation: { table: 'marts.customers' },
      columns: COLUMNS.map(({ name }) => name),
      keyLength: 2,
      cursor: { column: 'updated_at', nulls: true },
      place: PLACE,
      salts: { raw: 'raw salt', key: "key ' salt" },
      changedOnly: true,
    },
    { columns: COLUMNS, cursor: CURSOR },
    VIEW_DIALECT.names(PLACE).rows,
    '2026-11-25 10:00:00+00',
    HASHING,
  );
  const whole = Object.entries(texts).map(([name, text]) => `-- ${name}\n${text};\n`);
  await expect(whole.join('\n')).toMatchFileSnapshot('../../golden/warehouse/duckdb-comparison.sql');
});

it('what state ddl prints', async () => {
  await expect(ddlText({ path: '/data/marts.duckdb' }, [PLACE])).toMatchFileSnapshot('../../golden/warehouse/duckdb-view-ddl.sql');
});
