import type { Warehouse } from '../../src/warehouse/warehouse.ts';
import { scanSql } from './warehouse-read.ts';

/** What `readInChild` runs, in a process of its own: the configuration, the query and the columns come as JSON in the first argument. */
const { config, sql, columns, keyLength } = JSON.parse(process.argv[2] ?? '') as {
  config: { type: string };
  sql: string;
  columns: readonly string[];
  keyLength: number;
};

async function open(): Promise<Warehouse> {
  if (config.type === 'postgres') {
    const { PostgresWarehouse } = await import('../../src/warehouse/postgres/warehouse.ts');
    return new PostgresWarehouse(config as ConstructorParameters<typeof PostgresWarehouse>[0]);
  }
  if (config.type === 'snowflake') {
    const { SnowflakeWarehouse } = await import('../../src/warehouse/snowflake/warehouse.ts');
    return new SnowflakeWarehouse(config as ConstructorParameters<typeof SnowflakeWarehouse>[0]);
  }
  if (config.type === 'bigquery') {
    const { BigQueryWarehouse } = await import('../../src/warehouse/bigquery/warehouse.ts');
    return new BigQueryWarehouse(config as ConstructorParameters<typeof BigQueryWarehouse>[0]);
  }
  const { DuckDbWarehouse } = await import('../../src/warehouse/duckdb/warehouse.ts');
  return new DuckDbWarehouse(config as ConstructorParameters<typeof DuckDbWarehouse>[0]);
}

process.stdout.write(JSON.stringify(await scanSql(await open(), sql, columns, keyLength)));
