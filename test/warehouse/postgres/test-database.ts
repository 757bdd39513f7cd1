import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { PostgresConfig } from '../../../src/config/project.ts';

/** A database of one suite's own on the shared server. */
export interface TestDatabase {
  readonly url: string;
  readonly config: PostgresConfig;
  /** Runs statements, in one connection that stays open. */
  execute(sql: string): Promise<readonly Record<string, unknown>[]>;
  drop(): Promise<void>;
}

export async function createDatabase(serverUrl: string, options = ''): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await once(serverUrl, `create database ${name} ${options}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const client = new pg.Client(url.toString());
  await client.connect();
  return {
    url: url.toString(),
    config: postgresConfig(url.toString()),
    execute: async (sql) => {
      const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql);
      return Array.isArray(result) ? [] : result.rows;
    },
    drop: async () => {
      await client.end();
      await once(serverUrl, `drop database ${name} with (force)`);
    },
  };
}

export function postgresConfig(url: string): PostgresConfig {
  return { type: 'postgres', name: 'test', url, location: { file: 'headrace.yml' }, statementTimeoutMs: 60_000, connectTimeoutMs: 5_000 };
}

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
