import { beforeAll, describe, expect, it } from 'vitest';
import type { ScanCursor, Warehouse } from '../../src/warehouse/warehouse.ts';
import { type Engine, testUnlessExcepted } from './exceptions.ts';
import type { WarehouseHarness } from './warehouse.ts';
import { readAll } from './warehouse-read.ts';

/** Which rows a watermark, a lookback and the NULL policy let through. */
export function cursors(engine: Engine, context: () => { harness: WarehouseHarness; warehouse: Warehouse }): void {
  describe('cursors', () => {
    beforeAll(async () => {
      const { harness } = context();
      const { int16, int32, int64, decimal, float64, date, timestamp, timestamptz } = harness.sql.typeNames;
      await harness.execute(
        `create table changes (id ${int32}, ts ${timestamp}, tz ${timestamptz}, d ${date}, n ${int64}, dec ${decimal}, f ${float64}, s ${int16})`,
      );
      await harness.execute(
        `insert into changes values
          (1, '2024-03-10 01:59:59.123456', '2024-03-10 01:59:59.123456+00', '2024-03-10', 9007199254740992, 10.0001, 1.5, 10),
          (2, '2024-03-10 01:59:59.123457', '2024-03-10 01:59:59.123457+00', '2024-03-11', 9007199254740993, 10.0002, 2.5, 20),
          (3, '2024-03-10 02:30:00', '2024-03-10 02:30:00+00', '2024-03-12', 9007199254740994, 10.0003, 3.5, 30),
          (4, null, null, null, null, null, null, null)`,
      );
    });

    const ids = async (cursor: ScanCursor): Promise<readonly (string | null)[]> => {
      const rows = await readAll(context().warehouse, {
        relation: { table: 'changes' },
        columns: ['id'],
        keyLength: 1,
        cursor,
        orderBy: ['id'],
      });
      return rows.map((row) => row.values[0] ?? null);
    };
    const from = (watermark: string, lookback: { ms: number } | { count: number }) => ({ watermark, lookback });

    const cases: readonly (readonly [string, Omit<ScanCursor, 'nulls'>, readonly string[]])[] = [
      ['microseconds', { column: 'ts', from: from('2024-03-10 01:59:59.123457', { ms: 0 }) }, ['2', '3']],
      ['one millisecond back', { column: 'ts', from: from('2024-03-10 01:59:59.124456', { ms: 1 }) }, ['1', '2', '3']],
      ['within an hour that New York does not have', { column: 'ts', from: from('2024-03-10 02:30:00', { ms: 0 }) }, ['3']],
      ['with a zone', { column: 'tz', from: from('2024-03-10 01:59:59.123457+00', { ms: 0 }) }, ['2', '3']],
      ['with a zone, back across the gap', { column: 'tz', from: from('2024-03-10 02:30:00+00', { ms: 1_801_000 }) }, ['1', '2', '3']],
      ['dates', { column: 'd', from: from('2024-03-12', { ms: 86_400_000 }) }, ['2', '3']],
      ['dates, less than a day back', { column: 'd', from: from('2024-03-12', { ms: 3_600_000 }) }, ['3']],
      ['integers beyond 2^53', { column: 'n', from: from('9007199254740993', { count: 0 }) }, ['2', '3']],
      ['integers, one back', { column: 'n', from: from('9007199254740994', { count: 1 }) }, ['2', '3']],
      ['the lowest integer', { column: 'n', from: from('-9223372036854775808', { count: 5 }) }, ['1', '2', '3']],
      ['small integers, far back', { column: 's', from: from('30', { count: 100_000 }) }, ['1', '2', '3']],
      ['decimals', { column: 'dec', from: from('10.0002', { count: 0 }) }, ['2', '3']],
      ['decimals, back', { column: 'dec', from: from('12.0001', { count: 2 }) }, ['1', '2', '3']],
      ['floats', { column: 'f', from: from('3.5', { count: 1 }) }, ['2', '3']],
      ['everything', { column: 'ts' }, ['1', '2', '3']],
    ];
    for (const [name, cursor, expected] of cases) {
      testUnlessExcepted(engine)(name)(name, async () => {
        expect(await ids({ ...cursor, nulls: false })).toEqual(expected);
        expect(await ids({ ...cursor, nulls: true })).toEqual([...expected, '4']);
      });
    }

    it('gives each row its cursor, which can be the next watermark, and the clock in the same form', async () => {
      for (const [column, pattern] of [
        ['ts', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/],
        ['tz', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/],
        ['d', /^\d{4}-\d\d-\d\d$/],
        ['n', undefined],
        ['dec', undefined],
        ['f', undefined],
      ] as const) {
        for (const columns of [
          ['id', column, 's'],
          ['id', 's', column],
          ['id', 's'],
          ['id', column],
        ]) {
          const request = { relation: { table: 'changes' }, columns, keyLength: 1, cursor: { column, nulls: true }, orderBy: ['id'] };
          const scan = await context().warehouse.openScan(request, new AbortController().signal);
          await scan.close();
          expect(scan.columns.map((of) => of.name)).toEqual(columns);
          if (pattern === undefined) expect(scan.now).toBeNull();
          else {
            expect(scan.now).toMatch(pattern);
            expect(Math.abs(Date.parse(`${scan.now?.slice(0, 10)}T${scan.now?.slice(11, 23) || '00:00'}Z`) - Date.now())).toBeLessThan(
              90_000_000,
            );
          }
          const rows = await readAll(context().warehouse, request);
          expect(rows[3]?.cursor).toBeNull();
          const index = columns.indexOf(column);
          if (index >= 0) expect(rows.map((row) => row.cursor)).toEqual(rows.map((row) => row.values[index] ?? null));
          expect(rows.map((row) => row.values.length)).toEqual(rows.map(() => columns.length));
          const last = rows[2]?.cursor ?? '';
          expect(await ids({ column, nulls: false, from: from(last, pattern === undefined ? { count: 0 } : { ms: 0 }) })).toEqual(['3']);
        }
      }
    });

    it('keeps a cursor that is not asked for out of raw', async () => {
      const sql = (n: number): string => `select 1 as id, 'x' as t, ${n} as n`;
      const read = async (n: number, columns: readonly string[]) =>
        (await readAll(context().warehouse, { relation: { sql: sql(n) }, columns, keyLength: 1, cursor: { column: 'n', nulls: true } }))[0];
      const [one, two] = [await read(1, ['id', 't']), await read(2, ['id', 't'])];
      expect([one?.cursor, two?.cursor]).toEqual(['1', '2']);
      expect(one?.raw).toBe(two?.raw);
      expect((await read(1, ['id', 't', 'n']))?.raw).not.toBe((await read(2, ['id', 't', 'n']))?.raw);
    });
  });
}
