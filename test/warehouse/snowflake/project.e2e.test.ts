import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { kafkaConfig } from '../../conformance/publisher.ts';
import { Child } from '../../run/child.ts';
import { type Fold, foldFacts } from '../../run/fold-oracle.ts';
import { type RunningSnowflake, startSnowflake } from '../../systems/snowflake.ts';
import { emulatorConfig, openDatabase, type TestDatabase } from './test-database.ts';

const NAME = `snow-${randomBytes(4).toString('hex')}`;
const TOPIC = `${NAME}.customer.v1`;
const PASSWORD = 'very-secret-word';

let server: RunningSnowflake;
let database: TestDatabase;
let root: string;

/** A row as it is written into the table, and the fact that a consumer must hold. */
interface Customer {
  readonly id: string;
  readonly plan: string | null;
  readonly mrr: string | null;
  readonly account: string;
  readonly since: string;
  readonly extra: string;
}
/** What the table holds. */
const customers = new Map<string, Customer>();

beforeAll(async () => {
  server = await startSnowflake();
  const config = emulatorConfig(server.url);
  database = await openDatabase(config);
  await database.execute(`create table customers (customer_id varchar, plan varchar, mrr number(10,2), account number(38,0), since timestamp_ntz,
    extra variant, "Odd name" boolean, updated_at timestamp_ltz)`);
  root = mkdtempSync(join(tmpdir(), 'headrace-snowflake-'));
  for (const folder of ['models', 'mappings']) mkdirSync(join(root, folder));
  writeFileSync(
    join(root, 'headrace.yml'),
    `project: ${NAME}
environment: dev
warehouses:
  lake:
    type: snowflake
    account: MYORG-MYACCOUNT
    user: headrace
    password: \${LAKE_PASSWORD}
    role: HEADRACE
    warehouse: HEADRACE_WH
    database: ${config.database}
    schema: PUBLIC
    access_url: ${server.url}
kafka: { brokers: "\${KAFKA_BROKERS}" }
topics: { partitions: 3 }
`,
  );
  writeFileSync(
    join(root, 'models', 'customers.yml'),
    `model: customers
warehouse: lake
table: public.customers
key: [customer_id]
cursor: { column: updated_at, lookback: 15m }
deletes: { missing_rows: true }
`,
  );
  writeFileSync(
    join(root, 'mappings', 'customer.yml'),
    `mapping: customer
fact: customer.account
version: "1.0"
class: profile
model: customers
topic: ${TOPIC}
owner: data@example.com
semantics: What a customer has with us. A tombstone means that the customer is gone.
compatibility: backward
key: [customerId]
data_subject: customerId
occurred_at: { from: updated_at }
fields:
  customerId: { from: customer_id, type: string }
  plan: { from: plan, type: string, optional: true }
  mrr: { from: mrr, type: { decimal: [10, 2] }, optional: true }
  account: { from: account, type: int64 }
  since: { from: since, type: timestamp }
  extra: { from: extra, type: json }
  odd: { from: Odd name, type: boolean }
`,
  );
});

afterAll(async () => {
  await database?.close();
  await server?.stop();
  rmSync(root, { recursive: true, force: true });
});

const text = (value: string | null): string => (value === null ? 'null' : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);

async function write(...rows: readonly Customer[]): Promise<void> {
  const ids = rows.map(({ id }) => text(id)).join(', ');
  await database.execute(`delete from customers where customer_id in (${ids})`);
  const selects = rows.map(
    ({ id, plan, mrr, account, since, extra }) =>
      `select ${text(id)}, ${text(plan)}, ${mrr ?? 'null'}, ${account}, '${since}'::timestamp_ntz, parse_json(${text(extra)}), true, current_timestamp()`,
  );
  await database.execute(`insert into customers ${selects.join(' union all ')}`);
  for (const row of rows) customers.set(row.id, row);
}

async function remove(id: string): Promise<void> {
  await database.execute(`delete from customers where customer_id = ${text(id)}`);
  customers.delete(id);
}

async function headrace(...args: string[]): Promise<Record<string, unknown>> {
  const env = { ...process.env, KAFKA_BROKERS: inject('kafkaBrokers'), LAKE_PASSWORD: PASSWORD };
  const { code, stdout, stderr } = await new Child(['--project', root, ...args, '--json'], env).ended;
  expect(code, `${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
  expect(`${stdout}${stderr}`).not.toContain(PASSWORD);
  // Nothing but what Headrace says: the driver is silent, its warnings included.
  expect(stderr).not.toMatch(/AWS SDK|snowflake\.log|Warning:/);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}

async function expectFacts(): Promise<Fold> {
  const fold = await foldFacts(kafkaConfig(inject('kafkaBrokers')), TOPIC);
  expect(fold.violations).toEqual([]);
  const facts = [...customers.values()].map(({ id, plan, mrr, account, since, extra }): [string, unknown] => [
    id,
    { customerId: id, plan, mrr, account, since: `${since.replace(' ', 'T')}Z`, extra: JSON.parse(extra), odd: true },
  ]);
  expect(new Map([...fold.facts].map(([id, { value }]) => [id, value]))).toEqual(new Map(facts));
  return fold;
}

const customer = (i: number, plan: string | null = 'gold'): Customer => ({
  id: `c${i}`,
  plan,
  mrr: i % 7 === 0 ? null : `${i}.50`,
  account: String(9_007_199_254_740_993n + BigInt(i)),
  since: '2024-02-29 23:59:59.123456',
  extra: `{"note":"it's \\\\ ${i} 🙂"}`,
});

test('a project on Snowflake: what its table holds is what consumers hold, through plan, run and run --full', async () => {
  await write(...Array.from({ length: 250 }, (_, i) => customer(i)));
  await headrace('validate');
  await headrace('topics', 'apply');
  await headrace('doctor');

  const planned = await headrace('plan');
  expect(JSON.stringify(planned)).toContain('"created":250');
  await headrace('run');
  expect((await expectFacts()).records).toBe(250);

  // An incremental run sees what is new, and nothing twice.
  await write(customer(3, 'silver'), customer(4, null), customer(1_000));
  await headrace('run');
  const fold = await expectFacts();
  expect(fold.records).toBe(253);
  expect(fold.history.get('c3')?.map(({ version, type }) => [version, type.split('.').at(-1)])).toEqual([
    [1, 'created'],
    [2, 'updated'],
  ]);

  // Only a full comparison sees what is gone.
  await remove('c5');
  await write(customer(6, 'trial'));
  await headrace('run', '--full');
  const after = await expectFacts();
  expect(after.records).toBe(255);
  expect(after.history.get('c5')?.at(-1)).toMatchObject({ version: 2, value: null });

  await headrace('run', '--full');
  expect((await expectFacts()).records).toBe(255);
});

test('a Snowflake that is down ends with 3, and says so', async () => {
  const env = { ...process.env, KAFKA_BROKERS: inject('kafkaBrokers'), LAKE_PASSWORD: PASSWORD };
  await database.close();
  await server.stop();
  const { code, stderr } = await new Child(['--project', root, 'run'], env).ended;
  expect(code).toBe(3);
  expect(stderr).toContain('cannot be reached');
});
