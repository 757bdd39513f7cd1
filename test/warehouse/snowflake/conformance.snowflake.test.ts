import { SnowflakeWarehouse } from '../../../src/warehouse/snowflake/warehouse.ts';
import { readInChild } from '../../conformance/read-in-child.ts';
import { type TestSql, warehouseConformance } from '../../conformance/warehouse.ts';
import { startSnowflake } from '../../systems/snowflake.ts';
import { SNOWFLAKE_FIDELITY } from './fidelity.ts';
import { emulatorConfig, openDatabase } from './test-database.ts';
import { SNOWFLAKE_TYPES } from './types.ts';

const SNOWFLAKE_SQL: TestSql = {
  literal: (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  quoteName: (name) => `"${name.replaceAll('"', '""')}"`,
  typeNames: {
    string: 'varchar',
    int16: 'smallint',
    int32: 'integer',
    int64: 'bigint',
    decimal: 'number(20,4)',
    float64: 'float',
    date: 'date',
    timestamp: 'timestamp_ntz',
    timestamptz: 'timestamp_ltz',
  },
  // The driver fails on them, whatever they are names of.
  unreadableNames: ['__proto__', 'constructor'],
  // The emulator takes every whole number for a NUMBER(38,0).
  kindOfOne: 'decimal',
};

warehouseConformance('snowflake', async () => {
  const server = await startSnowflake();
  const config = emulatorConfig(server.url);
  const database = await openDatabase(config);
  return {
    engine: 'snowflake',
    open: ({ statementTimeoutMs = config.statementTimeoutMs } = {}) => new SnowflakeWarehouse({ ...config, statementTimeoutMs }),
    execute: (sql) => database.execute(sql),
    types: SNOWFLAKE_TYPES,
    fidelity: SNOWFLAKE_FIDELITY,
    sql: SNOWFLAKE_SQL,
    slowSql: `select mod(sum(a.i * b.i), 7) as a from (select seq4() as i from table(generator(rowcount => 3000000))) a,
      (select seq4() as i from table(generator(rowcount => 3000000))) b`,
    series: (count) => `select seq4() as i from table(generator(rowcount => ${count}))`,
    manyRows: 200_000,
    failingSql: "select t::integer as a from (select iff(seq4() >= 0, 'secret-value', null) as t from table(generator(rowcount => 2)))",
    readInChild: (sql, columns, keyLength, timeZone) => readInChild(config, sql, columns, keyLength, timeZone),
    stop: async () => {
      await database.close();
      await server.stop();
    },
  };
});
