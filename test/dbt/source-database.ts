import { randomBytes } from 'node:crypto';
import path from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { executeInFile } from '../warehouse/duckdb/execute.ts';

/** Where a dbt project builds: a DuckDB file or a database of PostgreSQL, both filled with the same SQL. Connected only while a statement runs: DuckDB's file has one writer. */
export interface SourceDatabase {
  readonly target: 'duckdb' | 'postgres';
  /** The path of the file, or the URL. */
  readonly address: string;
  /** The last statement's rows. */
  query(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]>;
}

export async function createDatabase(target: 'duckdb' | 'postgres', folder: string): Promise<SourceDatabase> {
  return target === 'duckdb' ? duckdbFile(path.join(folder, 'analytics.duckdb')) : postgresDatabase();
}

function duckdbFile(address: string): SourceDatabase {
  return {
    target: 'duckdb',
    address,
    query: (...statements) => executeInFile(address, statements),
  };
}

async function postgresDatabase(): Promise<SourceDatabase> {
  const name = `dbt_${randomBytes(5).toString('hex')}`;
  const query = async (connectionString: string, statements: readonly string[]) => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
      let rows: readonly Record<string, unknown>[] = [];
      for (const statement of statements) rows = (await client.query(statement)).rows;
      return rows;
    } finally {
      await client.end();
    }
  };
  await query(inject('postgresUrl'), [`create database ${name}`]);
  const address = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).toString();
  return { target: 'postgres', address, query: (...statements) => query(address, statements) };
}
