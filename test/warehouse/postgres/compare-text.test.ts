import { describe, expect, it } from 'vitest';
import { type PostgresColumn, selectItem } from '../../../src/warehouse/postgres/columns.ts';
import { compareTexts } from '../../../src/warehouse/postgres/compare-text.ts';
import { ddlText } from '../../../src/warehouse/postgres/view-ddl.ts';
import type { ComparedScanRequest } from '../../../src/warehouse/warehouse.ts';

const column = (name: string, kind: PostgresColumn['kind'], sourceType: string, anyScale = false): PostgresColumn => ({
  name,
  kind,
  sourceType,
  anyScale,
});
const PLACE = { schema: 'headrace', project: 'shop', mapping: 'customer-plan', topic: 'headrace.shop.customer-plan.snapshot' };
const COLUMNS = [
  column('tenant', 'decimal', 'numeric', true),
  column('customer "id"', 'string', 'text'),
  column('tags', 'array', 'text[]'),
  column('period', 'other', 'tstzrange'),
];
const UPDATED = column('updated_at', 'timestamptz', 'timestamp with time zone');

const request = (more: Partial<ComparedScanRequest>): ComparedScanRequest => ({
  relation: { table: 'marts.customers' },
  columns: COLUMNS.map(({ name }) => name),
  keyLength: 2,
  place: PLACE,
  salts: { raw: 'raw salt', key: "key '\\salt" },
  changedOnly: true,
  ...more,
});

function wholeText(of: ComparedScanRequest, cursor: PostgresColumn | undefined): string {
  const texts = compareTexts(
    of,
    { columns: COLUMNS, cursor },
    '"headrace"."customer_plan_rows"',
    cursor === undefined ? null : '2026-11-25 10:00:00+00',
  );
  const parts = {
    rows: texts.rows,
    totals: texts.totals,
    known: texts.known,
    missing: texts.missing,
    repeated: texts.repeated,
  };
  return Object.entries(parts)
    .map(([name, text]) => `-- ${name}\n${text};\n`)
    .join('\n');
}

describe('the texts of a comparison in PostgreSQL', () => {
  it.each<[string, ComparedScanRequest, PostgresColumn | undefined]>([
    ['without-cursor', request({}), undefined],
    ['with-cursor', request({ cursor: { column: 'updated_at', nulls: true } }), UPDATED],
    [
      'incremental',
      request({
        changedOnly: false,
        relation: { sql: 'select * from customers -- all;' },
        cursor: { column: 'updated_at', nulls: false, from: { watermark: '2026-11-24 00:00:00+00', lookback: { ms: 900_000 } } },
        orderBy: ['updated_at', 'tenant'],
      }),
      UPDATED,
    ],
  ])('%s', async (name, of, cursor) => {
    await expect(wholeText(of, cursor)).toMatchFileSnapshot(`../../golden/warehouse/postgres-compare-${name}.sql`);
  });

  it('selects a row as a scan does', () => {
    const { rows } = compareTexts(request({}), { columns: COLUMNS, cursor: undefined }, 'r', null);
    for (const [i, of] of COLUMNS.entries()) expect(rows).toContain(`${selectItem(of, i < 2).expression} as c${i}`);
  });
});

it('the statements that create tables and give the least rights', async () => {
  const places = [PLACE, { ...PLACE, mapping: `${'a-long-name-of-a-mapping'.repeat(3)}`.slice(0, 63) }];
  await expect(ddlText(places, 'etl "role"')).toMatchFileSnapshot('../../golden/warehouse/postgres-view-ddl.sql');
});
