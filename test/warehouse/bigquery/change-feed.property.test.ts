import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HeadraceError } from '../../../src/core/errors.ts';
import { openFeed } from '../../../src/warehouse/bigquery/change-feed.ts';
import type { FeedRequest, ScanRequest } from '../../../src/warehouse/warehouse.ts';
import { inDuckDb } from './feed-in-duckdb.ts';

const START_MS = Date.parse('2026-03-20T00:00:00Z');
const LOOKBACK_MS = 120_000;
const ITEMS = ['id', 'version'].map((name) => ({ name, expression: `\`model\`.\`${name}\`` }));
const CURSOR = { name: 'at', kind: 'timestamptz', sourceType: 'TIMESTAMP' } as const;

type Step =
  | { readonly do: 'put' | 'late' | 'remove' | 'rename'; readonly key: number; readonly to: number }
  | { readonly do: 'read'; readonly whole: boolean }
  | { readonly do: 'switch' };

const KEY = fc.integer({ min: 0, max: 3 });
const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('put', 'late', 'remove', 'rename'), key: KEY, to: KEY }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), whole: fc.nat(5).map((n) => n === 0) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'switch' as const }) },
);

/** A table with commits, one a minute; its history, which can be switched off; and what a reader of Headrace knows of it. */
class Simulation {
  readonly #run: (sql: string) => Promise<readonly Record<string, unknown>[]>;
  readonly #table = new Map<string, { readonly version: number; readonly atMs: number }>();
  readonly #seen = new Map<string, number>();
  #minute = 0;
  #isOn = true;
  #wasReadOff = false;
  #watermarkMs: number | undefined;
  #feedAtMs: number | undefined;
  /** A late row is found by the feed alone: only where the next reading is one by it. */
  #isLate = false;
  byFeed = 0;

  constructor(run: (sql: string) => Promise<readonly Record<string, unknown>[]>) {
    this.#run = run;
  }

  get #nowMs(): number {
    return START_MS + this.#minute * 60_000;
  }

  async take(step: Step): Promise<void> {
    this.#minute++;
    if (step.do === 'switch') {
      // Off and on again between two readings nobody can tell: the record of the decision says so.
      if (this.#isOn ? !this.#isLate : this.#wasReadOff) this.#isOn = !this.#isOn;
      this.#wasReadOff = false;
    } else if (step.do === 'read') await this.#read(step.whole);
    else await this.#commit(step.do, `k${step.key}`, `k${step.to}`);
  }

  async #commit(what: 'put' | 'late' | 'remove' | 'rename', key: string, to: string): Promise<void> {
    const before = this.#table.get(key);
    const after = what === 'rename' ? to : key;
    if (before === undefined && what !== 'put' && what !== 'late') return;
    if (what === 'rename' && this.#table.has(to)) return;
    const isLate = what === 'late' && this.#isOn && this.#feedAtMs !== undefined;
    this.#isLate ||= isLate;
    const row = { version: this.#minute, atMs: isLate ? START_MS - 86_400_000 : this.#nowMs };
    this.#table.delete(key);
    if (what !== 'remove') this.#table.set(after, row);
    if (!this.#isOn) return;
    if (before !== undefined) await this.#log('DELETE', key, before);
    if (what !== 'remove') await this.#log(before === undefined ? 'INSERT' : 'UPDATE', after, row);
  }

  async #log(change: string, id: string, { version, atMs }: { readonly version: number; readonly atMs: number }): Promise<void> {
    await this.#run(`insert into log values ('${id}', ${version}, ${instant(atMs)}, '${change}', ${instant(this.#nowMs)})`);
  }

  async #read(whole: boolean): Promise<void> {
    const isWhole = whole || this.#watermarkMs === undefined;
    const nowMs = this.#nowMs;
    const changeFeed: FeedRequest = { kind: 'changes', isRead: !isWhole, sinceMs: this.#feedAtMs };
    const from = isWhole ? undefined : { watermark: 'unused', lookback: { ms: LOOKBACK_MS } };
    const request: ScanRequest = {
      relation: { table: 't' },
      columns: ['id', 'version'],
      keyLength: 1,
      cursor: { column: 'at', nulls: true, from, changeFeed },
    };
    const feed = await openFeed(request, ITEMS, CURSOR, {
      nowMs,
      table: async () => ({ type: 'TABLE', createdMs: START_MS - 1 }),
      dryRun: async () => {
        if (!this.#isOn) throw new HeadraceError('QUERY_INVALID', 'Change history is not enabled.');
      },
    });
    // What a reading by the cursor would not see.
    if (feed.text === undefined && this.#isLate && !isWhole) throw new Error('a late row was to be found by the feed');
    const found = feed.text === undefined ? this.#byCursor(isWhole) : await this.#byFeed(feed.text);
    for (const [id, version] of found) {
      expect(version, `${id} goes back`).toBeGreaterThanOrEqual(this.#seen.get(id) ?? 0);
      this.#seen.set(id, version);
      const { atMs } = this.#table.get(id) ?? { atMs: 0 };
      this.#watermarkMs = Math.max(this.#watermarkMs ?? 0, atMs);
    }
    this.#feedAtMs = feed.isReadable ? nowMs : undefined;
    this.#isLate = false;
    this.#wasReadOff = !this.#isOn;
    for (const [id, { version }] of this.#table) expect([id, this.#seen.get(id)]).toEqual([id, version]);
  }

  #byCursor(isWhole: boolean): readonly (readonly [string, number])[] {
    const bound = (this.#watermarkMs ?? 0) - LOOKBACK_MS;
    return [...this.#table].flatMap(([id, { version, atMs }]) => (isWhole || atMs >= bound ? [[id, version] as const] : []));
  }

  async #byFeed(text: string): Promise<readonly (readonly [string, number])[]> {
    this.byFeed++;
    const rows = await this.#run(inDuckDb(text));
    return rows.map(({ id, version }) => [String(id), Number(version)] as const);
  }
}

function instant(ms: number): string {
  return `timestamp '${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}'`;
}

it('whatever happens between readings, each leaves a reader with the rows as they stand, and no row goes back to an older version', async () => {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run('create macro to_json_string(x) as to_json(x)');
  let byFeed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { minLength: 10, maxLength: 40 }), async (steps) => {
      await connection.run(
        'create or replace table log (id text, version integer, "at" timestamp, _CHANGE_TYPE text, _CHANGE_TIMESTAMP timestamp)',
      );
      const simulation = new Simulation(async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson());
      for (const step of steps) await simulation.take(step);
      byFeed += simulation.byFeed;
    }),
    { numRuns: 60 },
  );
  expect(byFeed).toBeGreaterThan(60);
  connection.closeSync();
  instance.closeSync();
});
