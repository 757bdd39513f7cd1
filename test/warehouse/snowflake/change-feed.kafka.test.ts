import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { headrace } from '../../cli/in-process.ts';
import { kafkaConfig } from '../../conformance/publisher.ts';
import { foldFacts } from '../../run/fold-oracle.ts';
import {
  type RecordedAnswer,
  type RecordedColumn,
  type RecordedSnowflake,
  type RecordedStatement,
  startRecorded,
} from './recorded-server.ts';

const NAME = `feed-${randomBytes(4).toString('hex')}`;
const TOPIC = `${NAME}.customer.v1`;

interface Row {
  readonly ID: string;
  readonly NAME: string;
  readonly UPDATED_AT: string;
}

const COLUMNS: readonly RecordedColumn[] = [
  { name: 'ID', type: 'text' },
  { name: 'NAME', type: 'text' },
  { name: 'UPDATED_AT', type: 'timestamp_ltz', precision: 0, scale: 9 },
];
const UNTRACKED: RecordedAnswer = { code: '000707', sqlState: '02000', message: 'Change tracking is not enabled.' };

/** What the table holds, and what its change feed says; undefined where change tracking is off. */
let rows: readonly Row[] = [];
let feed: readonly Row[] | undefined = [];
let server: RecordedSnowflake;
let root: string;

/** The statements that the adapter sends, answered from the rows above. */
function answer({ sqlText, describeOnly }: RecordedStatement): RecordedAnswer {
  const byFeed = sqlText.includes('changes(information');
  if (byFeed && feed === undefined) return UNTRACKED;
  if (describeOnly) return { columns: COLUMNS };
  if (sqlText.startsWith('show tables')) return { columns: [{ name: 'name', type: 'text' }] };
  if (sqlText.endsWith(' as now')) return { columns: [{ name: 'NOW', type: 'text' }], rows: [['2026-03-01 12:00:00.000000000']] };
  const asked = [...sqlText.matchAll(/"model"\."(ID|NAME|UPDATED_AT)".* as "(\w+)"/g)].map(([, column, name]) => ({ column, name }));
  return {
    columns: asked.map(({ name = '' }) => ({ name, type: 'text' })),
    rows: (byFeed ? (feed ?? []) : rows).map((row) => asked.map(({ column }) => row[column as keyof Row])),
  };
}

const scansSince = (first: number) =>
  server.statements.slice(first).flatMap(({ sqlText, describeOnly }) => (describeOnly || !sqlText.includes('"c0"') ? [] : [sqlText]));

async function run(): Promise<{ readonly stderr: string; readonly scans: readonly string[] }> {
  const before = server.statements.length;
  const { code, stdout, stderr } = await headrace(root, ['run'], { KAFKA_BROKERS: inject('kafkaBrokers'), SECRET: 'word' });
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  return { stderr, scans: scansSince(before) };
}

async function names(): Promise<Record<string, unknown>> {
  const { facts, violations } = await foldFacts(kafkaConfig(inject('kafkaBrokers')), TOPIC);
  expect(violations).toEqual([]);
  return Object.fromEntries([...facts].map(([id, { value }]) => [id, (value as { name: string }).name]));
}

beforeAll(async () => {
  server = await startRecorded({ answer });
  root = mkdtempSync(join(tmpdir(), 'headrace-feed-'));
  for (const folder of ['models', 'mappings']) mkdirSync(join(root, folder));
  writeFileSync(
    join(root, 'headrace.yml'),
    `project: ${NAME}
environment: dev
warehouses:
  lake: { type: snowflake, account: a, user: u, password: "\${SECRET}", database: D, access_url: "${server.url}" }
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
topic: ${TOPIC}
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
  await server?.stop();
  rmSync(root, { recursive: true, force: true });
});

const row = (id: string, name: string, at: string): Row => ({ ID: id, NAME: name, UPDATED_AT: `2026-03-01 ${at}.000000000` });

test('a change feed without a row says that nothing changed; one with a late row finds it; without a feed the cursor decides', async () => {
  rows = [row('1', 'a', '10:00:00'), row('2', 'b', '11:00:00')];
  const first = await run();
  expect(first.scans).toEqual([expect.not.stringContaining('changes(')]);
  expect(await names()).toEqual({ 1: 'a', 2: 'b' });

  const quiet = await run();
  expect(quiet.scans).toEqual([expect.stringContaining("at(timestamp => '2026-03-01 10:45:00 +00:00'::timestamp_tz)")]);
  expect(quiet.stderr).not.toMatch(/restored|comparing in full/i);

  // Committed late: its cursor lies hours below the lookback.
  feed = [row('3', 'late', '07:00:00')];
  rows = [...rows, ...feed];
  await run();
  expect(await names()).toEqual({ 1: 'a', 2: 'b', 3: 'late' });

  feed = undefined;
  rows = rows.map((each) => (each.ID === '2' ? row('2', 'changed', '11:30:00') : each));
  const without = await run();
  expect(without.scans).toEqual([expect.stringContaining('where ("model"."UPDATED_AT" >= dateadd(')]);
  expect(without.stderr).toMatch(/The change feed cannot be read.*change_tracking = true/);
  expect(await names()).toEqual({ 1: 'a', 2: 'changed', 3: 'late' });
});
