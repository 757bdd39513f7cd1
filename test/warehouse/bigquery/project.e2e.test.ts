import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { kafkaConfig } from '../../conformance/publisher.ts';
import { Child } from '../../run/child.ts';
import { type Fold, foldFacts } from '../../run/fold-oracle.ts';
import { type RunningBigQuery, startBigQuery } from '../../systems/bigquery.ts';

const NAME = `bq-${randomBytes(4).toString('hex')}`;
const TOPIC = `${NAME}.customer.v1`;

let server: RunningBigQuery;
let root: string;

/** A row as it is written into the table, and the fact that a consumer must hold. */
interface Customer {
  readonly id: string;
  readonly plan: string | null;
  readonly mrr: string | null;
  readonly account: string;
  readonly tags: readonly string[];
}
/** What the table holds. */
const customers = new Map<string, Customer>();

beforeAll(async () => {
  server = await startBigQuery();
  await server.execute('create schema marts');
  await server.execute(
    `create table customers (customer_id string, plan string, mrr numeric(38, 9), account int64, since datetime, tags array<string>,
      address struct<city string, zip int64>, token bytes, updated_at timestamp)`,
    'marts',
  );
  root = mkdtempSync(join(tmpdir(), 'headrace-bigquery-'));
  for (const folder of ['models', 'mappings']) mkdirSync(join(root, folder));
  writeFileSync(
    join(root, 'headrace.yml'),
    `project: ${NAME}
environment: dev
warehouses:
  lake:
    type: bigquery
    project: ${server.project}
    dataset: marts
    maximum_bytes_billed: 10 GB
    labels: { team: data }
    api_endpoint: ${server.url}
kafka: { brokers: "\${KAFKA_BROKERS}" }
topics: { partitions: 3 }
`,
  );
  writeFileSync(
    join(root, 'models', 'customers.yml'),
    `model: customers
warehouse: lake
table: marts.customers
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
  tags: { from: tags, type: json }
  address: { from: address, type: json }
  token: { from: token, type: bytes }
`,
  );
});

afterAll(async () => {
  await server?.stop();
  rmSync(root, { recursive: true, force: true });
});

const text = (value: string | null): string => (value === null ? 'cast(null as string)' : `'${value.replaceAll("'", "\\'")}'`);

async function write(...rows: readonly Customer[]): Promise<void> {
  const ids = rows.map(({ id }) => text(id)).join(', ');
  await server.execute(`delete from customers where customer_id in (${ids})`, 'marts');
  const selects = rows.map(
    ({ id, plan, mrr, account, tags }) =>
      `select ${text(id)}, ${text(plan)}, parse_numeric(${text(mrr)}), ${account}, datetime '2024-02-29 23:59:59.123456', [${tags.map(text).join(', ')}], struct('Köln' as city, 50667 as zip), from_hex('00ff'), current_timestamp()`,
  );
  await server.execute(`insert into customers ${selects.join(' union all ')}`, 'marts');
  for (const row of rows) customers.set(row.id, row);
}

async function remove(id: string): Promise<void> {
  await server.execute(`delete from customers where customer_id = ${text(id)}`, 'marts');
  customers.delete(id);
}

async function headrace(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await new Child(['--project', root, ...args, '--json'], environment()).ended;
  expect(code, `${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
  expect(stderr).not.toMatch(/Warning:/);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, KAFKA_BROKERS: inject('kafkaBrokers') };
}

async function expectFacts(): Promise<Fold> {
  const fold = await foldFacts(kafkaConfig(inject('kafkaBrokers')), TOPIC);
  expect(fold.violations).toEqual([]);
  const facts = [...customers.values()].map(({ id, plan, mrr, account, tags }): [string, unknown] => [
    id,
    {
      customerId: id,
      plan,
      mrr,
      account,
      since: '2024-02-29T23:59:59.123456Z',
      tags,
      address: { city: 'Köln', zip: 50667 },
      token: 'AP8=',
    },
  ]);
  expect(new Map([...fold.facts].map(([id, { value }]) => [id, value]))).toEqual(new Map(facts));
  return fold;
}

const customer = (i: number, plan: string | null = 'gold'): Customer => ({
  id: `c${i}`,
  plan,
  mrr: i % 7 === 0 ? null : `${i}.50`,
  account: String(9_007_199_254_740_993n + BigInt(i)),
  tags: i % 2 === 0 ? [] : ['new', `it's ${i} 🙂`],
});

test('a project on BigQuery: what its table holds is what consumers hold, through plan, run and run --full', async () => {
  await write(...Array.from({ length: 250 }, (_, i) => customer(i)));
  await headrace('validate');
  await headrace('topics', 'apply');
  await headrace('doctor');

  const planned = await headrace('plan');
  expect(planned).toMatchObject({ mappings: [{ counts: { created: 250 }, cost: { fullBytes: 0, incrementalBytes: 0 } }] });
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

test('a BigQuery that is down ends with 3, deletes nothing, and says so', async () => {
  const before = (await expectFacts()).records;
  await server.stop();
  const { code, stderr } = await new Child(['--project', root, 'run', '--full'], environment()).ended;
  expect(code).toBe(3);
  expect(stderr).toContain('cannot be reached');
  expect((await expectFacts()).records).toBe(before);
});
