import { afterAll, beforeAll } from 'vitest';
import type { SnowflakeConfig } from '../../src/config/project.ts';
import { viewPlaceOf } from '../../src/ops/create-job.ts';
import { SnowflakeConnection } from '../../src/warehouse/snowflake/connection.ts';
import { stored, VIEW_DIALECT } from '../../src/warehouse/snowflake/view-ddl.ts';
import { type RunningSnowflake, startSnowflake } from '../systems/snowflake.ts';
import { emulatorConfig } from '../warehouse/snowflake/test-database.ts';
import { testViewFaults, type ViewSource } from './warehouse-view.ts';

let snowflake: RunningSnowflake;
beforeAll(async () => {
  snowflake = await startSnowflake();
});
afterAll(async () => {
  await snowflake?.stop();
});

testViewFaults('Snowflake', async (): Promise<ViewSource> => {
  const config: SnowflakeConfig = emulatorConfig(snowflake.url);
  const connection = await SnowflakeConnection.open(config);
  const execute = async (statements: readonly string[]) => {
    let last: readonly Record<string, unknown>[] = [];
    for (const statement of statements) {
      const { names, rows } = await connection.rows(statement);
      last = rows.map((row) => Object.fromEntries(names.map((name, i) => [name.toLowerCase(), row[i] ?? null])));
    }
    return last;
  };
  await execute(['create table accounts (id varchar, plan varchar, number number(18,0), updated_at timestamp_ltz)']);
  return {
    warehouse: `{ type: snowflake, account: test, user: headrace, password: "\${LAKE_PASSWORD}", database: ${config.database}, schema: PUBLIC, access_url: "${snowflake.url}" }`,
    env: { LAKE_PASSWORD: 'very-secret-word' },
    sql: (...statements) => execute(statements),
    view: (world, mapping, statements) => execute(statements(VIEW_DIALECT.names(viewPlaceOf(world.project, world.mapping(mapping))))),
    // The emulator knows no roles. A schema that is made becomes the session's own.
    runDdl: async (_, sql) => {
      await execute([...sql.split(';\n').filter((text) => text.trim() !== '' && !text.startsWith('grant ')), 'use schema PUBLIC']);
    },
    now: 'current_timestamp()',
    slow: [
      'alter table accounts rename to plain',
      `create view accounts as select id, plan, (number + 0 * (select sum((a.seq * b.seq) % 7) from (select row_number() over (order by 1) as seq from table(generator(rowcount => 3000000))) a, (select row_number() over (order by 1) as seq from table(generator(rowcount => 3000000))) b))::number(18,0) as number, updated_at from plain`,
    ],
    fast: ['drop view accounts', 'alter table plain rename to accounts'],
    hasKeys: false,
    quoteName: stored,
    close: () => connection.close(),
  };
});
