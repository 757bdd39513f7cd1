import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Customer, CustomersProject, customerOf } from '../../conformance/customers-project.ts';
import { type RunningBigQuery, startBigQuery } from '../../systems/bigquery.ts';

interface TaggedCustomer extends Customer {
  readonly tags: readonly string[];
}

let server: RunningBigQuery;
let project: CustomersProject<TaggedCustomer>;

const literal = (value: string | null): string => (value === null ? 'cast(null as string)' : `'${value.replaceAll("'", "\\'")}'`);

beforeAll(async () => {
  server = await startBigQuery();
  await server.execute('create schema marts');
  await server.execute(
    `create table customers (customer_id string, plan string, mrr numeric(38, 9), account int64, since datetime, tags array<string>,
      address struct<city string, zip int64>, token bytes, updated_at timestamp)`,
    'marts',
  );
  project = new CustomersProject({
    type: 'bigquery',
    settings: `
      project: ${server.project}
      dataset: marts
      maximum_bytes_billed: 10 GB
      labels: { team: data }
      api_endpoint: ${server.url}`,
    table: 'marts.customers',
    fields: `
      tags: { from: tags, type: json }
      address: { from: address, type: json }
      token: { from: token, type: bytes }`,
    env: {},
    neverSaid: /Warning:/,
    execute: (statement) => server.execute(statement, 'marts'),
    literal,
    rowOf: ({ id, plan, mrr, account, tags }) =>
      `${literal(id)}, ${literal(plan)}, parse_numeric(${literal(mrr)}), ${account}, datetime '2024-02-29 23:59:59.123456', [${tags.map(literal).join(', ')}], struct('Köln' as city, 50667 as zip), from_hex('00ff'), current_timestamp()`,
    factOf: ({ id, plan, mrr, account, tags }) => ({
      customerId: id,
      plan,
      mrr,
      account,
      since: '2024-02-29T23:59:59.123456Z',
      tags,
      address: { city: 'Köln', zip: 50667 },
      token: 'AP8=',
    }),
    customer: (i, plan = 'gold') => ({ ...customerOf(i, plan), tags: i % 2 === 0 ? [] : ['new', `it's ${i} 🙂`] }),
  });
});

afterAll(async () => {
  await server?.stop();
  project?.remove();
});

test('a project on BigQuery: what its table holds is what consumers hold, through plan, run and run --full', async () => {
  await project.tell((planned) =>
    expect(planned).toMatchObject({ mappings: [{ counts: { created: 250 }, cost: { fullBytes: 0, incrementalBytes: 0 } }] }),
  );
});

test('a BigQuery that is down ends with 3, deletes nothing, and says so', async () => {
  const before = (await project.expectFacts()).records;
  await server.stop();
  const { code, stderr } = await project.start('run', '--full');
  expect(code).toBe(3);
  expect(stderr).toContain('cannot be reached');
  expect((await project.expectFacts()).records).toBe(before);
});
