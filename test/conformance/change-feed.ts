import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeFeed } from '../../src/config/project.ts';
import type { ScanRequest, Warehouse } from '../../src/warehouse/warehouse.ts';
import type { Engine } from './exceptions.ts';
import { readAll } from './warehouse-read.ts';

export interface FeedHarness {
  open(): Warehouse;
  execute(sql: string): Promise<void>;
  /** Creates the table `feed` with the columns id, name and at (an instant), whose changes are kept. */
  readonly create: string;
  readonly feeds: readonly ChangeFeed[];
  stop(): Promise<void>;
}

/** What a change feed says of rows that are added, changed and removed. No emulator has one: this suite is for accounts alone (`npm run test:live`). */
export function changeFeedConformance(engine: Engine, setup: () => Promise<FeedHarness>): void {
  describe(`the change feed of ${engine}`, () => {
    let harness: FeedHarness;
    let warehouse: Warehouse;
    beforeAll(async () => {
      harness = await setup();
      warehouse = harness.open();
      await harness.execute(harness.create);
      await add('a', 'b', 'c');
    });
    afterAll(async () => {
      await warehouse?.close();
      await harness?.stop();
    });

    const add = (...ids: readonly string[]) =>
      harness.execute(`insert into feed (id, name, at) values ${ids.map((id) => `('${id}', 'added', current_timestamp())`).join(', ')}`);
    const request = (cursor: Partial<ScanRequest['cursor']>): ScanRequest => ({
      relation: { table: 'feed' },
      columns: ['id', 'name'],
      keyLength: 1,
      cursor: { column: 'at', nulls: true, ...cursor },
    });

    it('is of the rows as they stand: those that were added or changed since the scan before, and none that was removed', async () => {
      // Warehouses tell times apart by the second.
      const aWhile = () => new Promise((resolve) => setTimeout(resolve, 2000));
      await aWhile();
      const whole = await warehouse.openScan(request({ changeFeed: { kind: 'changes', isRead: false } }), new AbortController().signal);
      const { now, feedAtMs } = whole;
      await whole.close();
      expect(now).not.toBeNull();
      await aWhile();
      await add('d');
      await harness.execute("update feed set name = 'changed' where id = 'b'");
      await harness.execute("update feed set name = 'changed twice' where id = 'b'");
      await harness.execute("delete from feed where id = 'c'");

      const read = async (kind: ChangeFeed) => {
        const from = { watermark: now ?? '', lookback: { ms: 0 } };
        const asked = request({ from, changeFeed: { kind, isRead: true, sinceMs: feedAtMs } });
        const scan = await warehouse.openScan(asked, new AbortController().signal);
        const { byChangeFeed, notes = [] } = scan;
        await scan.close();
        expect({ byChangeFeed, notes }).toEqual({ byChangeFeed: true, notes: [] });
        const rows = await readAll(warehouse, asked);
        return rows.map(({ values }) => values.join(': ')).sort();
      };
      expect(await read('changes')).toEqual(['b: changed twice', 'd: added']);
      if (harness.feeds.includes('appends')) expect(await read('appends')).toEqual(['d: added']);
    });
  });
}
