import { describe, expect, it } from 'vitest';
import { fromClause } from '../../../src/warehouse/query.ts';
import type { SnowflakeColumn } from '../../../src/warehouse/snowflake/columns.ts';
import { quoteText, SNOWFLAKE_DIALECT, shownNames } from '../../../src/warehouse/snowflake/dialect.ts';
import { planScan } from '../../../src/warehouse/snowflake/warehouse.ts';

const column = (name: string, kind: SnowflakeColumn['kind'], sourceType: string): SnowflakeColumn => ({
  name,
  kind,
  sourceType,
  stored: name.toUpperCase(),
});

const COLUMNS: readonly SnowflakeColumn[] = [
  column('id', 'decimal', 'NUMBER(38,0)'),
  column('name', 'string', 'VARCHAR'),
  column('is_live', 'boolean', 'BOOLEAN'),
  column('score', 'float64', 'FLOAT'),
  column('born', 'date', 'DATE'),
  column('at', 'time', 'TIME(9)'),
  column('local', 'timestamp', 'TIMESTAMP_NTZ(9)'),
  column('instant', 'timestamptz', 'TIMESTAMP_LTZ(9)'),
  column('zoned', 'timestamptz', 'TIMESTAMP_TZ(9)'),
  column('photo', 'bytes', 'BINARY'),
  column('extra', 'json', 'VARIANT'),
  column('tags', 'array', 'ARRAY'),
  column('place', 'other', 'GEOGRAPHY'),
];

describe("Snowflake's text of a scan", () => {
  it('has the text of every type', async () => {
    const request = { relation: { table: 'marts.customers' }, columns: COLUMNS.map(({ name }) => name), keyLength: 1, orderBy: ['born'] };
    await expect(`${planScan(request, COLUMNS, undefined, COLUMNS).text}\n`).toMatchFileSnapshot(
      '../../golden/warehouse/snowflake-types.sql',
    );
  });

  it('has keys in which -0 is 0, and a cursor that is not asked for', async () => {
    const score = COLUMNS[3] as SnowflakeColumn;
    const cursor = COLUMNS[8] as SnowflakeColumn;
    const from = { watermark: '2024-03-31 01:59:59.999999+00', lookback: { ms: 900_000 } };
    const request = {
      relation: { table: 'marts."Customers"' },
      columns: ['score'],
      keyLength: 1,
      cursor: { column: 'zoned', nulls: true, from },
    };
    const { text, layout } = planScan(request, [score], cursor, COLUMNS);
    expect(layout.cursorIndex).toBe(1);
    await expect(`${text}\n`).toMatchFileSnapshot('../../golden/warehouse/snowflake-hidden-cursor.sql');
  });

  it('goes back from the lowest int64, where a whole number may be lower', async () => {
    const from = { watermark: '-9223372036854775808', lookback: { count: 5 } };
    const request = { relation: { table: 't' }, columns: ['id'], keyLength: 1, cursor: { column: 'id', nulls: false, from } };
    const [id] = COLUMNS;
    await expect(`${planScan(request, [id as SnowflakeColumn], id, COLUMNS).text}\n`).toMatchFileSnapshot(
      '../../golden/warehouse/snowflake-whole-number-at-the-lowest.sql',
    );
  });
});

describe('names', () => {
  it.each([
    ['customers', '"CUSTOMERS"'],
    ['Analytics.marts.customers', '"ANALYTICS"."MARTS"."CUSTOMERS"'],
    ['marts."Customers"', '"MARTS"."Customers"'],
    ['"od""d".x', '"od""d"."X"'],
    ['with-hyphen', '"with-hyphen"'],
  ])('%s is %s', (table, quoted) => {
    expect(fromClause({ table }, SNOWFLAKE_DIALECT)).toBe(`${quoted} as "model"`);
  });

  it('are shown as most people write them', () => {
    expect(shownNames(['ID', 'Plan', 'a', 'A', 'WITH SPACE', 'X$1'])).toEqual(['id', 'Plan', 'a', 'A', 'WITH SPACE', 'x$1']);
  });

  it('and texts stay inside their quotes', () => {
    expect(quoteText("\\'; drop table x; --")).toBe("'\\\\''; drop table x; --'");
  });
});
