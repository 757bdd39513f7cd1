import { afterAll } from 'vitest';
import { SnowflakeConnection } from '../../../src/warehouse/snowflake/connection.ts';
import { quoteText } from '../../../src/warehouse/snowflake/dialect.ts';
import { stored, VIEW_DIALECT } from '../../../src/warehouse/snowflake/view-ddl.ts';
import { type RunningSnowflake, startSnowflake } from '../../systems/snowflake.ts';
import { emulatorConfig } from '../../warehouse/snowflake/test-database.ts';
import { type Rows, statementsOf, type TestWarehouse, withoutGrants } from './test-warehouse.ts';

let starting: Promise<RunningSnowflake> | undefined;
afterAll(async () => {
  await (await starting)?.stop();
  starting = undefined;
});

/** A database on an emulator that all worlds of a test file share. */
export async function openSnowflake(): Promise<TestWarehouse> {
  starting ??= startSnowflake();
  const { url } = await starting;
  const config = emulatorConfig(url);
  const connection = await SnowflakeConnection.open(config);
  const execute = async (statements: readonly string[]): Promise<Rows> => {
    let last: Rows = [];
    for (const statement of statements) {
      const { names, rows } = await connection.rows(statement);
      last = rows.map((row) => Object.fromEntries(names.map((name, i) => [name.toLowerCase(), row[i] ?? null])));
    }
    return last;
  };
  const numbers = (count: string) => `(select row_number() over (order by 1) as n from table(generator(rowcount => ${count})))`;
  return {
    config: `{ type: snowflake, account: test, user: headrace, password: "\${LAKE_PASSWORD}", database: ${config.database}, schema: PUBLIC, access_url: "${url}", statement_timeout: "\${WORLD_TIMEOUT}" }`,
    variables: { LAKE_PASSWORD: 'very-secret-word' },
    dialect: {
      words: {
        TEXT: 'varchar',
        INT8: 'number(18,0)',
        INSTANT: 'timestamp_ltz',
        NOW: 'current_timestamp()',
        AGO: (amount, unit) => `dateadd('${unit}', -(${amount}), current_timestamp())`,
        NUMBERS: numbers,
      },
      slow: `alter table accounts rename to plain;
        create view accounts as select id, plan, (number + 0 * (select sum((a.n * b.n) % 7) from ${numbers('3000000')} a, ${numbers('3000000')} b))::number(18,0) as number, updated_at from plain`,
      fast: 'drop view accounts; alter table plain rename to accounts',
      hasKeys: false,
      quoteName: stored,
    },
    sql: (text) => execute(statementsOf(text)),
    onView: (place, statements) => execute(statements(VIEW_DIALECT.names(place))),
    loseViews: async (place) => {
      const { schema } = VIEW_DIALECT.names(place);
      const tables = await execute([
        `select table_name from information_schema.tables where table_schema = ${quoteText(stored(place.schema).slice(1, -1))}`,
      ]);
      await execute(tables.map(({ table_name: table }) => `drop table ${schema}.${stored(String(table))}`));
    },
    // The emulator knows no roles. A schema that is made becomes the session's own.
    runDdl: async (ddl) => void (await execute([...statementsOf(withoutGrants(ddl)), 'use schema PUBLIC'])),
    close: () => connection.close(),
  };
}
