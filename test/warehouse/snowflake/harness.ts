import type { SnowflakeConfig } from '../../../src/config/project.ts';
import { SnowflakeWarehouse } from '../../../src/warehouse/snowflake/warehouse.ts';
import { readInChild } from '../../conformance/read-in-child.ts';
import type { TestSql, WarehouseHarness } from '../../conformance/warehouse.ts';
import { SNOWFLAKE_FIDELITY } from './fidelity.ts';
import { openDatabase } from './test-database.ts';
import { SNOWFLAKE_TYPES } from './types.ts';

const SNOWFLAKE_SQL: Omit<TestSql, 'kindOfOne'> = {
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
};

/** Where Snowflake and its emulator differ. */
export type SnowflakeDifferences = { readonly kindOfOne: TestSql['kindOfOne'] } & Pick<WarehouseHarness, 'manyRows'>;

/** The suite's harness on a schema that is empty and goes with `stop`. */
export async function snowflakeHarness(
  config: SnowflakeConfig,
  { kindOfOne, manyRows }: SnowflakeDifferences,
  stop: () => Promise<void>,
): Promise<WarehouseHarness> {
  const database = await openDatabase(config);
  const numbers = (count: number): string =>
    `select row_number() over (order by null) - 1 as i from table(generator(rowcount => ${count}))`;
  return {
    engine: 'snowflake',
    open: ({ statementTimeoutMs = config.statementTimeoutMs } = {}) => new SnowflakeWarehouse({ ...config, statementTimeoutMs }),
    execute: (sql) => database.execute(sql),
    types: SNOWFLAKE_TYPES,
    fidelity: SNOWFLAKE_FIDELITY,
    sql: { ...SNOWFLAKE_SQL, kindOfOne },
    slowSql: `select mod(sum(a.i * b.i), 7) as a from (${numbers(3_000_000)}) a, (${numbers(3_000_000)}) b`,
    series: numbers,
    manyRows,
    failingSql: "select t::integer as a from (select iff(seq4() >= 0, 'secret-value', null) as t from table(generator(rowcount => 2)))",
    readInChild: (sql, columns, keyLength, timeZone) => readInChild(config, sql, columns, keyLength, timeZone),
    stop: async () => {
      await database.close();
      await stop();
    },
  };
}
