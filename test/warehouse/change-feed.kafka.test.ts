import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { headrace } from '../cli/in-process.ts';
import { kafkaConfig } from '../conformance/publisher.ts';
import type { CustomerRow, RecordedTable } from '../conformance/recorded-table.ts';
import { foldFacts } from '../run/fold-oracle.ts';
import { bigqueryTable } from './bigquery/recorded-table.ts';
import { snowflakeTable } from './snowflake/recorded-table.ts';

interface Engine {
  readonly open: () => Promise<RecordedTable>;
  /** How a scan by the feed begins a quarter of an hour before the watermark, 11:00, or before the scan of 12:00; and one by the cursor. */
  readonly byFeed: string;
  readonly byCursor: string;
  /** What has to be done where the feed is off. */
  readonly remedy: RegExp;
  /** Whether a feed that was off says itself what it lacks. */
  readonly saysWhatItLacks: boolean;
}

const ENGINES: Readonly<Record<string, Engine>> = {
  snowflake: {
    open: snowflakeTable,
    byFeed: "at(timestamp => '2026-03-01 10:45:00 +00:00'::timestamp_tz)",
    byCursor: 'where ("model"."UPDATED_AT" >= dateadd(',
    remedy: /The change feed cannot be read.*change_tracking = true/,
    saysWhatItLacks: true,
  },
  bigquery: {
    open: bigqueryTable,
    byFeed: "from changes(table `marts`.`customers`, timestamp '2026-03-01 11:45:00.000+00', timestamp '2026-03-01 12:05:00.000+00')",
    byCursor: 'where (`model`.`updated_at` >= timestamp_sub(',
    remedy: /The change feed cannot be read.*enable_change_history = true/,
    saysWhatItLacks: false,
  },
};

describe.each(Object.keys(ENGINES))('%s', (type) => {
  const engine = ENGINES[type] as Engine;
  const name = `feed-${randomBytes(4).toString('hex')}`;
  const topic = `${name}.customer.v1`;
  let table: RecordedTable;
  let root: string;

  async function run(now: string): Promise<{ readonly stderr: string; readonly scans: readonly string[] }> {
    table.now = now;
    const before = table.scans().length;
    const { code, stdout, stderr } = await headrace(root, ['run'], { KAFKA_BROKERS: inject('kafkaBrokers'), SECRET: 'word' });
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    return { stderr, scans: table.scans().slice(before) };
  }

  async function names(): Promise<Record<string, unknown>> {
    const { facts, violations } = await foldFacts(kafkaConfig(inject('kafkaBrokers')), topic);
    expect(violations).toEqual([]);
    return Object.fromEntries([...facts].map(([id, { value }]) => [id, (value as { name: string }).name]));
  }

  beforeAll(async () => {
    table = await engine.open();
    root = mkdtempSync(join(tmpdir(), 'headrace-feed-'));
    for (const folder of ['models', 'mappings']) mkdirSync(join(root, folder));
    writeFileSync(
      join(root, 'headrace.yml'),
      `project: ${name}
environment: dev
warehouses:
  lake: ${table.settings}
kafka: { brokers: "\${KAFKA_BROKERS}" }
topics: { partitions: 1 }
`,
    );
    writeFileSync(
      join(root, 'models', 'customers.yml'),
      `model: customers
warehouse: lake
table: marts.customers
key: [id]
cursor: { column: updated_at, lookback: 15m }
change_feed: changes
`,
    );
    writeFileSync(
      join(root, 'mappings', 'customer.yml'),
      `mapping: customer
fact: customer.name
version: "1.0"
class: profile
model: customers
topic: ${topic}
owner: data@example.com
semantics: The name that a customer goes by.
compatibility: backward
key: [id]
data_subject: id
occurred_at: { from: updated_at }
fields:
  id: { from: id, type: string }
  name: { from: name, type: string }
`,
    );
    const { code, stderr } = await headrace(root, ['topics', 'apply'], { KAFKA_BROKERS: inject('kafkaBrokers'), SECRET: 'word' });
    expect(code, stderr).toBe(0);
  });
  afterAll(async () => {
    await table?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const row = (id: string, called: string, at: string): CustomerRow => ({ id, name: called, updated_at: at });

  test('a change feed without a row says that nothing changed; one with a late row finds it; without a feed the cursor decides', async () => {
    table.rows = [row('1', 'a', '10:00:00'), row('2', 'b', '11:00:00')];
    const first = await run('12:00:00');
    expect(first.scans).toEqual([expect.not.stringContaining('changes(')]);
    expect(await names()).toEqual({ 1: 'a', 2: 'b' });

    const quiet = await run('12:05:00');
    expect(quiet.scans).toEqual([expect.stringContaining(engine.byFeed)]);
    expect(quiet.stderr).not.toMatch(/restored|comparing in full|change feed/i);

    // Committed late: its cursor lies hours below the lookback.
    table.feed = [row('3', 'late', '07:00:00')];
    table.rows = [...table.rows, ...table.feed];
    await run('12:10:00');
    expect(await names()).toEqual({ 1: 'a', 2: 'b', 3: 'late' });

    table.feed = undefined;
    table.rows = table.rows.map((each) => (each.id === '2' ? row('2', 'changed', '11:30:00') : each));
    const without = await run('12:15:00');
    expect(without.scans).toEqual([expect.stringContaining(engine.byCursor)]);
    expect(without.stderr).toMatch(engine.remedy);
    expect(await names()).toEqual({ 1: 'a', 2: 'changed', 3: 'late' });

    // It was off meanwhile: what it says of that time is not all.
    table.feed = [];
    table.rows = table.rows.map((each) => (each.id === '1' ? row('1', 'unseen', '12:14:00') : each));
    const again = await run('12:20:00');
    if (engine.saysWhatItLacks) return;
    expect(again.scans).toEqual([expect.stringContaining(engine.byCursor)]);
    expect(again.stderr).toMatch(/from the next run on.*may lack what was committed before/);
    expect(await names()).toEqual({ 1: 'unseen', 2: 'changed', 3: 'late' });
    const later = await run('12:25:00');
    expect(later.scans).toEqual([
      expect.stringContaining("timestamp '2026-03-01 12:05:00.000+00', timestamp '2026-03-01 12:25:00.000+00'"),
    ]);
  });
});
