import { inject } from 'vitest';
import { PostgresWarehouse } from '../../../src/warehouse/postgres/warehouse.ts';
import { readInChild } from '../../conformance/read-in-child.ts';
import { STANDARD_SQL, warehouseConformance } from '../../conformance/warehouse.ts';
import { POSTGRES_FIDELITY } from './fidelity.ts';
import { createDatabase } from './test-database.ts';
import { POSTGRES_TYPES } from './types.ts';

warehouseConformance('postgres', async () => {
  const database = await createDatabase(inject('postgresUrl'));
  await database.execute(`
    create extension citext;
    create type mood as enum ('sad', 'ok');
    create domain email as text check (value like '%@%');
    create domain amount as numeric(10,2);
    create type pair as (n bigint, t text);
  `);
  // What a careless administrator may set must not reach our sessions.
  const name = new URL(database.url).pathname.slice(1);
  for (const setting of [
    "timezone = 'Asia/Kolkata'",
    "datestyle = 'German'",
    "intervalstyle = 'postgres'",
    'extra_float_digits = -10',
    "bytea_output = 'escape'",
  ]) {
    await database.execute(`alter database ${name} set ${setting}`);
  }
  const { config } = database;
  return {
    engine: 'postgres',
    open: ({ statementTimeoutMs = config.statementTimeoutMs } = {}) => new PostgresWarehouse({ ...config, statementTimeoutMs }),
    execute: async (sql) => {
      await database.execute(sql);
    },
    types: POSTGRES_TYPES,
    fidelity: POSTGRES_FIDELITY,
    sql: STANDARD_SQL,
    manyRows: 20_000_000,
    slowSql: 'select 1 as a from pg_sleep(60)',
    series: (count) => `select i from generate_series(0, ${count - 1}) as i`,
    failingSql: "select t::integer as a from (select case when i >= 0 then 'secret-value' end as t from generate_series(1, 2) i) as s",
    readInChild: (sql, columns, keyLength, timeZone) => readInChild(config, sql, columns, keyLength, timeZone),
    stop: () => database.drop(),
  };
});
