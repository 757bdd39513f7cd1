import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { kafkaConfig } from '../conformance/publisher.ts';
import { Child } from '../run/child.ts';
import { foldFacts } from '../run/fold-oracle.ts';
import { type RunningBigQuery, startBigQuery } from '../systems/bigquery.ts';
import { freePort } from '../systems/free-port.ts';
import { type RunningSnowflake, startSnowflake } from '../systems/snowflake.ts';
import { emulatorConfig, openDatabase, type TestDatabase } from '../warehouse/snowflake/test-database.ts';

const NAME = `four-${randomBytes(4).toString('hex')}`;
const MAPPINGS = ['bigquery', 'duckdb', 'postgres', 'snowflake'] as const;
type Name = (typeof MAPPINGS)[number];

let root: string;
let client: pg.Client;
let snowflake: RunningSnowflake;
let lake: TestDatabase;
let bigquery: RunningBigQuery;
/** What each table holds: id → plan. */
const held = new Map<Name, Map<string, string>>(MAPPINGS.map((name) => [name, new Map()]));

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'headrace-four-'));
  [snowflake, bigquery] = await Promise.all([startSnowflake(), startBigQuery()]);
  const snow = emulatorConfig(snowflake.url);
  lake = await openDatabase(snow);
  client = new pg.Client(inject('postgresUrl'));
  await client.connect();
  await client.query(`create schema "${NAME}"`);
  await bigquery.execute('create schema marts');
  for (const name of MAPPINGS)
    await execute(name, `create table ${tableOf(name)} (id ${TYPES[name].text}, plan ${TYPES[name].text}, since ${TYPES[name].instant})`);

  for (const folder of ['models', 'mappings']) mkdirSync(join(root, folder));
  writeFileSync(
    join(root, 'headrace.yml'),
    `project: ${NAME}
environment: dev
warehouses:
  postgres: { type: postgres, url: "\${PG_URL}" }
  duckdb: { type: duckdb, path: warehouse.duckdb }
  snowflake: { type: snowflake, account: MYORG-MYACCOUNT, user: headrace, password: "\${LAKE_PASSWORD}", database: ${snow.database}, schema: PUBLIC, access_url: "${snowflake.url}" }
  bigquery: { type: bigquery, project: ${bigquery.project}, api_endpoint: "${bigquery.url}" }
kafka: { brokers: "\${KAFKA_BROKERS}" }
topics: { partitions: 2 }
guards: { empty_source: stop }
`,
  );
  for (const name of MAPPINGS) {
    writeFileSync(
      join(root, 'models', `${name}.yml`),
      `model: ${name}\nwarehouse: ${name}\ntable: ${name === 'postgres' ? `'"${NAME}".customers'` : tableOf(name)}\nkey: [id]\ndeletes: { missing_rows: true }\n`,
    );
    writeFileSync(
      join(root, 'mappings', `${name}.yml`),
      `mapping: ${name}
fact: ${name}.plan
version: "1.0"
class: profile
model: ${name}
topic: ${NAME}.${name}
owner: data@example.com
semantics: The plan that a customer has. A tombstone means that the customer is gone.
compatibility: backward
key: [id]
data_subject: id
occurred_at: { from: since }
fields:
  id: { from: id, type: string }
  plan: { from: plan, type: string }
`,
    );
  }
});

afterAll(async () => {
  await client?.query(`drop schema "${NAME}" cascade`);
  await client?.end();
  await lake?.close();
  await Promise.all([snowflake?.stop(), bigquery?.stop()]);
  rmSync(root, { recursive: true, force: true });
});

const TYPES: Readonly<Record<Name, { readonly text: string; readonly instant: string }>> = {
  postgres: { text: 'text', instant: 'timestamptz' },
  duckdb: { text: 'varchar', instant: 'timestamptz' },
  snowflake: { text: 'varchar', instant: 'timestamp_ltz' },
  bigquery: { text: 'string', instant: 'timestamp' },
};

function tableOf(name: Name): string {
  if (name === 'postgres') return `"${NAME}".customers`;
  return name === 'bigquery' ? 'marts.customers' : 'customers';
}

async function execute(name: Name, sql: string): Promise<void> {
  if (name === 'postgres') await client.query(sql);
  else if (name === 'snowflake') await lake.execute(sql);
  else if (name === 'bigquery') await bigquery.execute(sql);
  else {
    const instance = await DuckDBInstance.create(join(root, 'warehouse.duckdb'));
    const connection = await instance.connect();
    await connection.run(sql);
    connection.closeSync();
    instance.closeSync();
  }
}

async function insert(name: Name, ...ids: readonly number[]): Promise<void> {
  const values = ids
    .map((id) => `('${name}-${id}', 'gold', current_timestamp${name === 'bigquery' || name === 'snowflake' ? '()' : ''})`)
    .join(', ');
  await execute(name, `insert into ${tableOf(name)} (id, plan, since) values ${values}`);
  for (const id of ids) held.get(name)?.set(`${name}-${id}`, 'gold');
}

interface Outcome {
  readonly mapping: Name;
  readonly published?: number;
  readonly exitCode?: number;
  readonly error?: { readonly code: string };
}

interface Ended {
  readonly code: number | null;
  readonly outcomes: ReadonlyMap<Name, Outcome>;
  readonly stderr: string;
}

async function headrace(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const env = { PG_URL: inject('postgresUrl'), LAKE_PASSWORD: 'very-secret-word', KAFKA_BROKERS: inject('kafkaBrokers'), ...more };
  const { code, stdout, stderr } = await new Child(['--project', root, ...args, '--json'], { ...process.env, ...env }).ended;
  const { mappings = [] } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { mappings?: readonly Outcome[] };
  return { code, outcomes: new Map(mappings.map((outcome) => [outcome.mapping, outcome])), stderr };
}

async function expectFacts(): Promise<void> {
  for (const name of MAPPINGS) {
    const fold = await foldFacts(kafkaConfig(inject('kafkaBrokers')), `${NAME}.${name}`);
    expect(fold.violations, name).toEqual([]);
    expect(new Map([...fold.facts].map(([id, { value }]) => [id, (value as { plan: string }).plan])), name).toEqual(held.get(name));
  }
}

/** What happens meanwhile in warehouses that are up is published; those that are down are told one by one. */
async function expectDown(down: readonly Name[], id: number, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const up = MAPPINGS.filter((name) => !down.includes(name));
  for (const name of up) await insert(name, id);
  const hidden = join(root, 'hidden.duckdb');
  if (down.includes('duckdb')) renameSync(join(root, 'warehouse.duckdb'), hidden);
  const { code, outcomes } = await headrace(['run'], env);
  if (down.includes('duckdb')) renameSync(hidden, join(root, 'warehouse.duckdb'));
  expect(code).toBe(3);
  expect([...outcomes.keys()].sort()).toEqual(MAPPINGS);
  for (const name of down) expect(outcomes.get(name), name).toMatchObject({ exitCode: 3, error: { code: 'WAREHOUSE_UNREACHABLE' } });
  for (const name of up) expect([name, outcomes.get(name)?.published, outcomes.get(name)?.error]).toEqual([name, 1, undefined]);
  await expectFacts();
}

test('four models in four warehouses publish into one broker, and one that is down holds up no other', async () => {
  for (const name of MAPPINGS) await insert(name, 1, 2, 3);
  const applied = await headrace(['topics', 'apply']);
  expect(applied.code, applied.stderr).toBe(0);
  const first = await headrace(['run']);
  expect(first.code, first.stderr).toBe(0);
  await expectFacts();

  await expectDown(['postgres'], 4, { PG_URL: `postgres://nobody@127.0.0.1:${await freePort()}/nowhere` });
  await expectDown(['duckdb'], 5);
  await bigquery.stop();
  await expectDown(['bigquery'], 6);
  await lake.close();
  await snowflake.stop();
  await expectDown(['bigquery', 'snowflake'], 7);
}, 300_000);
