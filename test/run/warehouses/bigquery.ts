import { afterAll } from 'vitest';
import { BIGQUERY_DIALECT } from '../../../src/warehouse/bigquery/dialect.ts';
import { namesOf } from '../../../src/warehouse/bigquery/view-ddl.ts';
import { type RunningBigQuery, startBigQuery } from '../../systems/bigquery.ts';
import { type Rows, statementsOf, type TestWarehouse, withoutGrants } from './test-warehouse.ts';

let starting: Promise<RunningBigQuery> | undefined;
afterAll(async () => {
  await (await starting)?.stop();
  starting = undefined;
});

/** A dataset on an emulator that all worlds of a test file share. */
export async function openBigQuery(name: string): Promise<TestWarehouse> {
  starting ??= startBigQuery();
  const { url, project, execute, rows } = await starting;
  const run = async (statements: readonly string[]): Promise<Rows> => {
    let last: Rows = [];
    for (const statement of statements) last = await rows(statement, name);
    return last;
  };
  await execute(`create schema ${name}`);
  return {
    config: `{ type: bigquery, project: ${project}, dataset: ${name}, api_endpoint: "${url}", statement_timeout: "\${WORLD_TIMEOUT}" }`,
    variables: {},
    dialect: {
      words: {
        TEXT: 'string',
        INT8: 'int64',
        INSTANT: 'timestamp',
        NOW: 'current_timestamp()',
        AGO: (amount, unit) => `timestamp_sub(current_timestamp(), interval ${amount} ${unit})`,
        NUMBERS: (count) => `(select n from unnest(generate_array(1, ${count})) as n)`,
      },
      slow: `alter table accounts rename to plain;
        create view accounts as select id, plan, number + 0 * (select sum(a * b) from unnest(generate_array(1, 20000)) as a, unnest(generate_array(1, 20000)) as b) as number, updated_at from plain`,
      fast: 'drop view accounts; alter table plain rename to accounts',
      hasKeys: false,
      isSlow: true,
      quoteName: BIGQUERY_DIALECT.quoteName,
    },
    sql: (text) => run(statementsOf(text)),
    onView: (place, statements) => run(statements(namesOf({ project }, place))),
    // Worlds share the dataset that the views are in.
    loseViews: async (place) => {
      const { views, entries, rows: marks } = namesOf({ project }, place);
      await run([views, entries, marks].map((table) => `drop table if exists ${table}`));
    },
    // The emulator knows no accounts.
    runDdl: async (ddl) => void (await run(statementsOf(withoutComments(withoutGrants(ddl))))),
    close: () => execute(`drop schema ${name} cascade`),
  };
}

function withoutComments(sql: string): string {
  return sql.replaceAll(/^--.*\n/gm, '');
}
