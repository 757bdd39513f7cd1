import { openBigQuery } from './bigquery.ts';
import { openDuckDb } from './duckdb.ts';
import { openPostgres } from './postgres.ts';
import { openSnowflake } from './snowflake.ts';
import type { TestWarehouse } from './test-warehouse.ts';

const ENGINES = {
  postgres: openPostgres,
  duckdb: openDuckDb,
  snowflake: openSnowflake,
  bigquery: openBigQuery,
} satisfies Record<string, (name: string) => Promise<TestWarehouse>>;

export type Engine = keyof typeof ENGINES;

/** Where worlds have their source, unless they say so themselves. */
export const ENGINE: Engine = engineOf(process.env.HEADRACE_TEST_WAREHOUSE ?? 'postgres');

export function openTestWarehouse(engine: Engine, name: string): Promise<TestWarehouse> {
  return ENGINES[engine](name);
}

function engineOf(name: string): Engine {
  if (Object.hasOwn(ENGINES, name)) return name as Engine;
  throw new Error(`HEADRACE_TEST_WAREHOUSE=${name} is none of ${Object.keys(ENGINES).join(', ')}`);
}
