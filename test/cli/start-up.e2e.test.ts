import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Child } from '../run/child.ts';
import { World } from '../run/world.ts';

/** Drivers that a run on PostgreSQL has no use for, and tracing, which nobody asked for, as folders below node_modules. */
const OTHER_DRIVERS = ['snowflake-sdk', '@google-cloud', 'google-auth-library', '@duckdb', '@aws-sdk', '@azure', '@opentelemetry'];

let world: World;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headrace-start-up-'));
  world = await World.create(
    "create table customers (id text primary key, name text, at timestamptz); insert into customers values ('1', 'a', now())",
    {
      models: {
        customers: 'model: customers\nwarehouse: main\ntable: public.customers\nkey: [id]\ncursor: { column: at, lookback: 1m }\n',
      },
      mappings: {
        customer: `mapping: customer
fact: customer.name
version: "1.0"
class: profile
model: customers
topic: PREFIX.customer
owner: data@example.com
semantics: The name that a customer goes by.
compatibility: backward
key: [id]
data_subject: id
occurred_at: { from: at }
fields:
  id: { from: id, type: string }
  name: { from: name, type: string }
`,
      },
    },
  );
});
afterAll(async () => {
  await world?.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each(['validate', 'plan', 'run'])('%s on PostgreSQL loads no driver of another warehouse', async (command) => {
  const list = join(folder, `${command}.txt`);
  const options = `--require ${join(import.meta.dirname, 'loaded-modules.cjs')}`;
  const { code, stderr } = await new Child(['--project', world.root, command], {
    ...world.env,
    NODE_OPTIONS: options,
    LOADED_MODULES: list,
  }).ended;
  expect(code, stderr).toBe(0);
  const loaded = readFileSync(list, 'utf8').split('\n');
  // The list is worth something: it has the driver that was used.
  expect(loaded.some((path) => path.includes('/node_modules/pg/'))).toBe(true);
  for (const driver of OTHER_DRIVERS) expect(loaded.filter((path) => path.includes(`/node_modules/${driver}/`))).toEqual([]);
});
