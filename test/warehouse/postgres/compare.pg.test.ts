import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ComparedRows } from '../../../src/core/row.ts';
import { PostgresWarehouse } from '../../../src/warehouse/postgres/warehouse.ts';
import type { ComparedScan, ComparedScanRequest } from '../../../src/warehouse/warehouse.ts';
import { createDatabase, type TestDatabase } from './test-database.ts';

const PLACE = { schema: 'headrace', project: 'p', mapping: 'm', topic: 't' };
let database: TestDatabase;
let warehouse: PostgresWarehouse;
beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  warehouse = new PostgresWarehouse(database.config);
  const tables = warehouse.views.tables(PLACE);
  await tables.prepare();
  await tables.close();
});
afterAll(async () => {
  await warehouse.close();
  await database.drop();
});

function open(sql: string, columns: readonly string[], more: Partial<ComparedScanRequest> = {}): Promise<ComparedScan> {
  const request = { relation: { sql }, columns, keyLength: 1, place: PLACE, salts: { raw: 'a', key: 'b' }, changedOnly: false, ...more };
  return warehouse.views.openScan(request, new AbortController().signal);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

async function read<T>(scan: ComparedScan, each: (batch: ComparedRows, row: number) => T): Promise<T[]> {
  const found: T[] = [];
  try {
    for await (const batch of scan.batches()) for (let i = 0; i < batch.count; i++) found.push(each(batch, i));
  } finally {
    await scan.close();
  }
  return found;
}

const hashOf = async (values: string, more: Partial<ComparedScanRequest> = {}) =>
  (await read(await open(`select 1 as id, ${values}`, ['id', 'a', 'b'], more), (batch, i) => hex(batch.raw(i))))[0];

describe('the hash of a row', () => {
  it.each([
    ['where a text ends', `'a' as a, 'bc' as b`, `'ab' as a, 'c' as b`],
    ['NULL and the empty text', `null::text as a, '' as b`, `'' as a, null::text as b`],
    ['NULL and its name', `null::text as a, 'x' as b`, `'NULL' as a, 'x' as b`],
    ['a number and its text', `1 as a, 'x' as b`, `'1' as a, 'x' as b`],
    ['numbers of other types', `1::int as a, 'x' as b`, `1::bigint as a, 'x' as b`],
    ['a text that looks like the next field', `'x' as a, E'y\\tz' as b`, `E'x\\ty' as a, 'z' as b`],
    ['an array with NULL and one with its name', `array[null]::text[] as a, 1 as b`, `array['NULL'] as a, 1 as b`],
    ['one array and two elements', `array['a,b'] as a, 1 as b`, `array['a','b'] as a, 1 as b`],
    ['NaN and the largest', `'NaN'::float8 as a, 1 as b`, `'Infinity'::float8 as a, 1 as b`],
    [
      'the last microsecond',
      `'2026-11-25 10:00:00.000001+00'::timestamptz as a, 1 as b`,
      `'2026-11-25 10:00:00.000002+00'::timestamptz as a, 1 as b`,
    ],
    [
      'the last digit of 38',
      `12345678901234567890123456789012345678::numeric as a, 1 as b`,
      `12345678901234567890123456789012345679::numeric as a, 1 as b`,
    ],
    ['a range, which has no kind of its own', `int4range(1, 5) as a, 1 as b`, `int4range(1, 6) as a, 1 as b`],
    ['JSON, digit by digit', `'{"n":9007199254740993}'::json as a, 1 as b`, `'{"n":9007199254740992}'::json as a, 1 as b`],
    ['blanks at the end', `'a'::char(3) as a, 1 as b`, `'a'::char(4) as a, 1 as b`],
    ['composed and decomposed', `U&'\\00e9' as a, 1 as b`, `U&'e\\0301' as a, 1 as b`],
  ])('tells %s apart', async (_, one, other) => {
    expect(await hashOf(one)).not.toBe(await hashOf(other));
    expect(await hashOf(one)).toBe(await hashOf(one));
  });

  it('is another one under another salt, and sixteen bytes', async () => {
    const one = await hashOf(`'x' as a, 1 as b`);
    expect(one).toMatch(/^[0-9a-f]{32}$/);
    expect(await hashOf(`'x' as a, 1 as b`, { salts: { raw: 'c', key: 'b' } })).not.toBe(one);
  });

  it('does not see a column that is not read, nor a cursor that is not', async () => {
    const of = async (at: string) => {
      const scan = await open(`select 1 as id, 2 as a, 3 as b, '${at}'::timestamptz as at`, ['id', 'a', 'b'], {
        cursor: { column: 'at', nulls: true },
      });
      return read(scan, (batch, i) => [hex(batch.raw(i)), batch.cursor(i)]);
    };
    expect((await of('2026-01-01 00:00:00+00'))[0]?.[0]).toBe((await of('2026-01-02 00:00:00+00'))[0]?.[0]);
    expect((await of('2026-01-02 00:00:00+00'))[0]?.[1]).toBe('2026-01-02 00:00:00+00');
  });

  it('key, cursor and values are those of an ordinary scan', async () => {
    const sql = `select g as id, E'a\\tb\\\\c\\nd' || g as a, case when g = 2 then null else g / 2.0 end as b, now() as at from generate_series(1, 5) g`;
    const request = { relation: { sql }, columns: ['id', 'a', 'b'], keyLength: 1, cursor: { column: 'at', nulls: true } };
    const plain = await warehouse.openScan(request, new AbortController().signal);
    const expected: unknown[] = [];
    for await (const batch of plain.batches())
      for (let i = 0; i < batch.count; i++) expected.push([hex(batch.key(i)), batch.values(i), batch.keyHasNull(i)]);
    await plain.close();
    const scan = await open(sql, ['id', 'a', 'b'], { cursor: { column: 'at', nulls: true } });
    expect(await read(scan, (batch, i) => [hex(batch.key(i)), batch.values(i), batch.keyHasNull(i)])).toEqual(expected);
  });
});

describe('the totals of a comparison', () => {
  it('count rows, and find the highest cursor up to now', async () => {
    const sql = `select g as id, g as a, g as b, case g when 1 then 'infinity' when 2 then '2999-01-01' when 3 then '0044-03-15 BC' else '2026-01-0' || g end::timestamptz as at from generate_series(1, 5) g`;
    const scan = await open(sql, ['id', 'a', 'b'], { cursor: { column: 'at', nulls: true } });
    for await (const _ of scan.batches()) void _;
    const totals = await scan.totals();
    await scan.close();
    expect(totals).toMatchObject({
      rows: 5,
      known: { fact: 0, absent: 0, quarantined: 0 },
      cursor: { highest: '2026-01-05 00:00:00+00', any: 'infinity' },
    });
  });

  it('rows whose key stands twice are shown', async () => {
    const scan = await open('select g / 2 as id, g as a, g as b from generate_series(1, 4) g', ['id', 'a', 'b']);
    for await (const _ of scan.batches()) void _;
    const keys: string[] = [];
    for await (const batch of scan.repeated()) for (let i = 0; i < batch.count; i++) keys.push(Buffer.from(batch.key(i)).toString());
    await scan.close();
    expect(keys.sort()).toEqual(['1', '1']);
  });
});
