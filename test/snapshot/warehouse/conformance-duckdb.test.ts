import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WarehouseView } from '../../../src/snapshot/warehouse/warehouse-view.ts';
import { viewFile } from '../../../src/warehouse/duckdb/view-file.ts';
import { DuckDbWarehouse } from '../../../src/warehouse/duckdb/warehouse.ts';
import { testComparedScans } from '../../conformance/compared-scans.ts';
import { testViews } from '../../conformance/view.ts';

let folder: string;
let warehouse: DuckDbWarehouse;
let views = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headrace-duckdb-'));
  const path = join(folder, 'marts.duckdb');
  (await DuckDBInstance.create(path)).closeSync();
  const limits = { statementTimeoutMs: 60_000, connectTimeoutMs: 5_000 };
  warehouse = new DuckDbWarehouse({ type: 'duckdb', name: 'test', path, location: { file: 'headrace.yml' }, ...limits });
});
afterAll(async () => {
  await warehouse.close();
  rmSync(folder, { recursive: true, force: true });
});

testViews('tables in DuckDB', async () => {
  const place = { schema: 'headrace', project: 'p', mapping: `m${++views}`, topic: 'a.topic' };
  return { open: () => WarehouseView.open(warehouse.views.tables(place), place.topic) };
});

testComparedScans('DuckDB', () => ({
  warehouse,
  text: 'varchar',
  integer: 'bigint',
  instant: 'timestamptz',
  series: 'select range as i from range(1, 6)',
  pairs: [
    ['numbers of other types', `1::integer as a, 'x' as b`, `1::bigint as a, 'x' as b`],
    ['an array with NULL and one with its name', `[null]::varchar[] as a, 1 as b`, `['NULL'] as a, 1 as b`],
    ['one element and two', `['a,b'] as a, 1 as b`, `['a', 'b'] as a, 1 as b`],
    ['NaN and the largest', `'NaN'::double as a, 1 as b`, `'Infinity'::double as a, 1 as b`],
    ['0 and -0', `0::double as a, 1 as b`, `-0.0::double as a, 1 as b`],
    [
      'the last microsecond',
      `timestamptz '2026-11-25 10:00:00.000001+00' as a, 1 as b`,
      `timestamptz '2026-11-25 10:00:00.000002+00' as a, 1 as b`,
    ],
    [
      'the last digit of 38',
      `12345678901234567890123456789012345678::decimal(38, 0) as a, 1 as b`,
      `12345678901234567890123456789012345679::decimal(38, 0) as a, 1 as b`,
    ],
    ['JSON, digit by digit', `'{"n":9007199254740993}'::json as a, 1 as b`, `'{"n":9007199254740992}'::json as a, 1 as b`],
    ['bytes and their digits', `'\\xAB'::blob as a, 1 as b`, `'ab' as a, 1 as b`],
    ['an interval, which has no kind of its own', `interval '1 day' as a, 1 as b`, `interval '2 days' as a, 1 as b`],
  ],
}));

describe('the file of a view in DuckDB', () => {
  test('that is damaged is left alone by who only reads, and made anew by who writes', async () => {
    const place = { schema: 'headrace', project: 'p', mapping: 'damaged', topic: 'a.topic' };
    const file = viewFile({ path: join(folder, 'marts.duckdb') }, place).path;
    const first = await WarehouseView.open(warehouse.views.tables(place), place.topic);
    first.apply({ expected: 0, next: 7, appliedAtMs: 1 });
    await first.remote.persist();
    await first.close();
    const garbage = 'this is no database'.repeat(1_000);
    writeFileSync(file, garbage);
    const reader = await WarehouseView.open(warehouse.views.tables(place), place.topic, true);
    expect(reader.state.offset).toBe(0);
    await reader.close();
    expect(readFileSync(file, 'utf8')).toBe(garbage);
    const writer = await WarehouseView.open(warehouse.views.tables(place), place.topic);
    expect(writer.state.offset).toBe(0);
    writer.apply({ expected: 0, next: 9, appliedAtMs: 1 });
    await writer.remote.persist();
    await writer.close();
    const last = await WarehouseView.open(warehouse.views.tables(place), place.topic);
    expect(last.state.offset).toBe(9);
    await last.close();
  });
});
