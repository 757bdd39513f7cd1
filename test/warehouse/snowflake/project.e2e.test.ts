import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Customer, CustomersProject, customerOf } from '../../conformance/customers-project.ts';
import { type RunningSnowflake, startSnowflake } from '../../systems/snowflake.ts';
import { emulatorConfig, openDatabase, type TestDatabase } from './test-database.ts';

interface NotedCustomer extends Customer {
  readonly since: string;
  readonly extra: string;
}

const PASSWORD = 'very-secret-word';

let server: RunningSnowflake;
let database: TestDatabase;
let project: CustomersProject<NotedCustomer>;

const literal = (value: string | null): string => (value === null ? 'null' : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);

beforeAll(async () => {
  server = await startSnowflake();
  const config = emulatorConfig(server.url);
  database = await openDatabase(config);
  await database.execute(`create table customers (customer_id varchar, plan varchar, mrr number(10,2), account number(38,0), since timestamp_ntz,
    extra variant, "Odd name" boolean, updated_at timestamp_ltz)`);
  project = new CustomersProject({
    type: 'snowflake',
    settings: `
      account: MYORG-MYACCOUNT
      user: headrace
      password: \${LAKE_PASSWORD}
      role: HEADRACE
      warehouse: HEADRACE_WH
      database: ${config.database}
      schema: PUBLIC
      access_url: ${server.url}`,
    table: 'public.customers',
    fields: `
      extra: { from: extra, type: json }
      odd: { from: Odd name, type: boolean }`,
    env: { LAKE_PASSWORD: PASSWORD },
    // Nothing but what Headrace says: the driver is silent, its warnings included.
    neverSaid: /AWS SDK|snowflake\.log|Warning:/,
    execute: (statement) => database.execute(statement),
    literal,
    rowOf: ({ id, plan, mrr, account, since, extra }) =>
      `${literal(id)}, ${literal(plan)}, ${mrr ?? 'null'}, ${account}, '${since}'::timestamp_ntz, parse_json(${literal(extra)}), true, current_timestamp()`,
    factOf: ({ id, plan, mrr, account, since, extra }) => ({
      customerId: id,
      plan,
      mrr,
      account,
      since: `${since.replace(' ', 'T')}Z`,
      extra: JSON.parse(extra) as unknown,
      odd: true,
    }),
    customer: (i, plan = 'gold') => ({
      ...customerOf(i, plan),
      since: '2024-02-29 23:59:59.123456',
      extra: `{"note":"it's \\\\ ${i} 🙂"}`,
    }),
  });
});

afterAll(async () => {
  await database?.close();
  await server?.stop();
  project?.remove();
});

test('a project on Snowflake: what its table holds is what consumers hold, through plan, run and run --full', async () => {
  await project.tell((planned) => expect(JSON.stringify(planned)).toContain('"created":250'));
});

test('a Snowflake that is down ends with 3, and says so', async () => {
  await database.close();
  await server.stop();
  const { code, stderr } = await project.start('run');
  expect(code).toBe(3);
  expect(stderr).toContain('cannot be reached');
});
