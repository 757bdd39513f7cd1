import { expect, it } from 'vitest';
import { columnOf, selectItem, type TableField } from '../../../src/warehouse/bigquery/columns.ts';
import { hashing } from '../../../src/warehouse/bigquery/hash-text.ts';
import { ddlText, namesOf } from '../../../src/warehouse/bigquery/view-ddl.ts';
import { stagedRowsText, stagedTableText, transactionText } from '../../../src/warehouse/bigquery/view-session.ts';
import { compareStatement } from '../../../src/warehouse/view-compare.ts';

const PLACE = { schema: 'headrace', project: 'shop', mapping: 'customer-plan', topic: 'headrace.shop.customer-plan.snapshot' };
const CONFIG = { project: 'analytics-prod', dataLocation: 'EU' };

const textOf = (
  fields: readonly TableField[],
  changedOnly: boolean,
  cursor: TableField | undefined,
  orderBy: readonly string[],
): string => {
  const columns = fields.map(columnOf);
  const hidden = cursor === undefined ? [] : [columnOf(cursor)];
  const request = {
    relation: { table: 'marts.customers' },
    columns: columns.map(({ name }) => name),
    keyLength: 2,
    ...(cursor === undefined ? {} : { cursor: { column: cursor.name, nulls: true } }),
    orderBy,
    place: PLACE,
    salts: { raw: 'raw salt', key: "key '\\salt" },
    changedOnly,
  };
  const picked = { columns, cursor: hidden[0] };
  const texts = compareStatement(
    request,
    picked,
    namesOf(CONFIG, PLACE).rows,
    '2026-11-25 10:00:00+00',
    hashing([...columns, ...hidden].map(selectItem)),
  );
  return Object.entries(texts)
    .map(([name, text]) => `-- ${name}\n${text};\n`)
    .join('\n');
};

const FIELDS: readonly TableField[] = [
  { name: 'tenant', type: 'FLOAT' },
  { name: 'customer `id`', type: 'STRING' },
  { name: 'seen', type: 'TIMESTAMP' },
];
const UPDATED_AT: TableField = { name: 'updated_at', type: 'TIMESTAMP' };

it.each([
  ['changed', true, UPDATED_AT, []],
  ['changed-without-cursor', true, undefined, []],
  ['whole', false, UPDATED_AT, ['updated_at']],
] as const)('the statement of a comparison: %s', async (name, changedOnly, cursor, orderBy) => {
  await expect(textOf(FIELDS, changedOnly, cursor, orderBy)).toMatchFileSnapshot(`../../golden/warehouse/bigquery-comparison-${name}.sql`);
});

it('the text of each type that a row is hashed by', async () => {
  const types = [
    'STRING',
    'BOOLEAN',
    'INTEGER',
    'NUMERIC',
    'BIGNUMERIC',
    'FLOAT',
    'DATE',
    'TIME',
    'DATETIME',
    'TIMESTAMP',
    'BYTES',
    'JSON',
    'GEOGRAPHY',
    'INTERVAL',
  ];
  const fields: readonly TableField[] = [
    ...types.map((type) => ({ name: type.toLowerCase(), type })),
    { name: 'range', type: 'RANGE', rangeElementType: { type: 'DATE' } },
    { name: 'array', type: 'INTEGER', mode: 'REPEATED' },
    { name: 'struct', type: 'RECORD', fields: [{ name: 'a', type: 'INTEGER' }] },
    { name: 'picoseconds', type: 'TIMESTAMP', timestampPrecision: '12' },
  ];
  const { text } = hashing([]);
  const texts = fields.flatMap((field) => {
    const column = columnOf(field);
    const [plain, key] = [text(column, false), text(column, true)];
    return [`${column.sourceType}: ${plain}`, ...(key === plain ? [] : [`${column.sourceType} in a key: ${key}`])];
  });
  await expect(`${texts.join('\n')}\n`).toMatchFileSnapshot('../../golden/warehouse/bigquery-hash-texts.txt');
});

it('what state ddl prints', async () => {
  await expect(ddlText(CONFIG, [PLACE], 'headrace')).toMatchFileSnapshot('../../golden/warehouse/bigquery-view-ddl.sql');
  expect(ddlText({ ...CONFIG, dataLocation: undefined }, [PLACE], 'group:data@example.com')).toMatch(
    /^-- `location` .*\ncreate schema if not exists `analytics-prod`\.`headrace`;\n[\s\S]* to "group:data@example\.com";\n$/,
  );
  expect(ddlText(CONFIG, [PLACE], 'me@example.com')).toContain('to "user:me@example.com"');
});

it('a write: rows are brought to a table of their own, and merged by one script', async () => {
  const columns = [
    { name: 'slot', type: 'hash' },
    { name: 'ordinal', type: 'int8' },
    { name: 'bytes', type: 'bytes' },
  ] as const;
  const table = '`analytics-prod`.`headrace`.`customer_plan_bbcd4ea6_headrace_entries_0a1b2c`';
  const take = { text: "update state set stamp = 'b' where stamp = 'a'", taken: "select 1 from state where stamp = 'b'" };
  const texts = [
    stagedTableText(table, columns),
    stagedRowsText(table, columns),
    transactionText(take, ['merge into entries …', 'update state …']),
  ];
  await expect(texts.map((text) => `${text}\n`).join('\n')).toMatchFileSnapshot('../../golden/warehouse/bigquery-view-write.sql');
});
