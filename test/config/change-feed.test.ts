// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { expect, test } from 'vitest';
import { limitsOf } from '../../src/config/limits.ts';
import { edited, HEADRACE, loadFiles, MODEL, mustLoad, PROJECT } from './written-project.ts';

const WAREHOUSES = {
  snowflake: 'type: snowflake\n    account: A\n    user: u\n    database: d\n    password: ${SECRET}',
  bigquery: 'type: bigquery\n    project: data-project',
  duckdb: 'type: duckdb\n    path: x.duckdb',
};

interface Written {
  readonly warehouse?: keyof typeof WAREHOUSES;
  readonly feed?: string;
  readonly edit?: readonly [from: string, to: string];
}

const project = ({ warehouse = 'bigquery', feed = 'changes', edit: [from, to] = ['', ''] }: Written) =>
  loadFiles(
    {
      ...edited('headrace.yml', ['type: postgres\n    url: ${WAREHOUSE_URL}', WAREHOUSES[warehouse]]),
      'models/customers.yml': `${MODEL.replace(from, to)}change_feed: ${feed}\n`,
    },
    { SECRET: 'word' },
  );

test.each<Written>([{ warehouse: 'snowflake' }, { warehouse: 'bigquery' }])('a model on %o has a change feed', async (written) => {
  const loaded = mustLoad(await project(written));
  expect(loaded.models.get('customers')?.changeFeed).toBe('changes');
  expect(limitsOf(loaded)[0]?.limits.join('\n')).toContain(
    'Rows that appear more than 15m behind the highest updated_at are not seen until the next full comparison, where the change feed could not be read.',
  );
});

const APPEND_ONLY = ['deletes: { missing_rows: true }', 'append_only: true'] as const;

test.each<[string, Written, string]>([
  ['another kind of warehouse', { warehouse: 'duckdb' }, 'A warehouse of the type duckdb has no change feed.'],
  [
    'one that it does not have',
    { warehouse: 'snowflake', feed: 'appends', edit: APPEND_ONLY },
    'A warehouse of the type snowflake has no change feed `appends`.',
  ],
  ['appends of rows that change', { feed: 'appends' }, 'The change feed `appends` shows rows that were added, never one that was changed'],
  ['a query', { edit: ['table: marts.customers', 'sql: select 1 as customer_id'] }, 'A query has no change feed: only a table has.'],
  ['no cursor', { edit: ['cursor:\n  column: updated_at\n  lookback: 15m\n', ''] }, 'A change feed needs `cursor`'],
])('a change feed is refused for %s', async (_, written, message) => {
  const { problems } = await project(written);
  const found = problems.filter(({ path }) => path === 'change_feed');
  expect(found).toEqual([
    expect.objectContaining({ file: 'models/customers.yml', line: expect.any(Number), message: expect.stringContaining(message) }),
  ]);
  expect(found[0]?.line).toBeGreaterThan(1);
});

test('beside a view in the warehouse it is not read, and a warning says so', async () => {
  const { problems } = await loadFiles(
    {
      ...PROJECT,
      'headrace.yml': `${HEADRACE.replace('type: postgres\n    url: ${WAREHOUSE_URL}', WAREHOUSES.snowflake)}snapshot: { view: warehouse }\n`,
      'models/customers.yml': `${MODEL}change_feed: changes\n`,
    },
    { SECRET: 'word' },
  );
  expect(problems).toMatchObject([
    { severity: 'warning', path: 'change_feed', message: expect.stringContaining('the change feed is not read') },
  ]);
});

test('`appends` is for append_only models', async () => {
  const { problems } = await project({ feed: 'appends', edit: APPEND_ONLY });
  expect(problems.filter(({ path }) => path === 'change_feed')).toEqual([]);
});
