import { describe, expect, it } from 'vitest';
import { HeadraceError } from '../../src/core/errors.ts';
import type { Warehouse } from '../../src/warehouse/warehouse.ts';
import { type Engine, testUnlessExcepted } from './exceptions.ts';
import type { WarehouseHarness } from './warehouse.ts';
import { readAll } from './warehouse-read.ts';

/** Aborts, timeouts, and scans that are not read to their end. */
export function limits(engine: Engine, context: () => { harness: WarehouseHarness; warehouse: Warehouse }): void {
  const unlessExcepted = testUnlessExcepted(engine);
  const big = () => {
    const { series, manyRows, sql } = context().harness;
    const text = `'some text to fill the line with ' || cast(i as ${sql.typeNames.string})`;
    return { sql: `select i, ${text} as t from (${series(manyRows)}) as s` };
  };

  describe('limits', () => {
    it('a scan that is aborted between two batches throws, soon', async () => {
      const controller = new AbortController();
      const scan = await context().warehouse.openScan({ relation: big(), columns: ['i', 't'], keyLength: 1 }, controller.signal);
      let seen = 0;
      const started = Date.now();
      const reading = (async () => {
        for await (const batch of scan.batches()) {
          seen += batch.count;
          controller.abort();
        }
      })();
      await expect(reading).rejects.toMatchObject({ code: 'INTERRUPTED' });
      await scan.close();
      expect(seen).toBeGreaterThan(0);
      expect(seen).toBeLessThan(context().harness.manyRows / 2);
      expect(Date.now() - started).toBeLessThan(20_000);
    });

    unlessExcepted('cancel')('a scan that is aborted while the warehouse works throws the reason, soon', async () => {
      const controller = new AbortController();
      const scan = await context().warehouse.openScan(
        { relation: { sql: context().harness.slowSql }, columns: ['a'], keyLength: 1 },
        controller.signal,
      );
      const reason = new HeadraceError('OWNED_ELSEWHERE', 'lost the lease');
      setTimeout(() => controller.abort(reason), 300);
      const started = Date.now();
      const reading = (async () => {
        for await (const _ of scan.batches()) throw new Error('no row was expected');
      })();
      await expect(reading).rejects.toBe(reason);
      await scan.close();
      expect(Date.now() - started).toBeLessThan(12_000);
    });

    it('opens nothing for a signal that is aborted already', async () => {
      const opening = context().warehouse.openScan(
        { relation: { sql: 'select 1 as a' }, columns: ['a'], keyLength: 1 },
        AbortSignal.abort(),
      );
      await expect(opening).rejects.toMatchObject({ code: 'INTERRUPTED' });
    });

    unlessExcepted('statement timeout')('a statement that takes too long is WAREHOUSE_TIMEOUT', async () => {
      const impatient = context().harness.open({ statementTimeoutMs: 400 });
      const started = Date.now();
      const reading = readAll(impatient, { relation: { sql: context().harness.slowSql }, columns: ['a'], keyLength: 1 });
      await expect(reading).rejects.toMatchObject({ code: 'WAREHOUSE_TIMEOUT', message: expect.stringContaining('400 ms') });
      expect(Date.now() - started).toBeLessThan(12_000);
      await impatient.close();
    });

    it('a scan may be closed unread, half read, and twice', async () => {
      const { warehouse } = context();
      const unread = await warehouse.openScan({ relation: big(), columns: ['i', 't'], keyLength: 1 }, new AbortController().signal);
      await unread.close();
      await unread.close();
      const half = await warehouse.openScan({ relation: big(), columns: ['i', 't'], keyLength: 1 }, new AbortController().signal);
      for await (const batch of half.batches()) if (batch.count > 0) break;
      await half.close();
      expect(await readAll(warehouse, { relation: { sql: 'select 1 as a' }, columns: ['a'], keyLength: 1 })).toHaveLength(1);
    });

    it('two scans at once do not disturb each other', async () => {
      const { warehouse, harness } = context();
      const sql = `select i from (${harness.series(30_000)}) as s`;
      const read = () => readAll(warehouse, { relation: { sql }, columns: ['i'], keyLength: 1 });
      const [one, two] = await Promise.all([read(), read()]);
      expect([one.length, two.length]).toEqual([30_000, 30_000]);
    });
  });
}
