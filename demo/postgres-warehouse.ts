import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { DemoWarehouse } from './warehouse.ts';

/** A database of its own on a server, dropped at the end. */
export class PostgresDemoWarehouse implements DemoWarehouse {
  readonly name = 'postgres';
  readonly title: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #client: pg.Client;
  readonly #serverUrl: string;
  readonly #database: string;

  private constructor(serverUrl: string, databaseUrl: string, database: string, client: pg.Client, version: string) {
    this.#serverUrl = serverUrl;
    this.#database = database;
    this.#client = client;
    this.title = `PostgreSQL ${version}`;
    this.env = { WAREHOUSE: 'postgres', POSTGRES_URL: databaseUrl };
  }

  static async create(serverUrl: string): Promise<PostgresDemoWarehouse> {
    const database = `headrace_demo_${randomBytes(4).toString('hex')}`;
    await onServer(serverUrl, `create database ${database}`);
    const databaseUrl = Object.assign(new URL(serverUrl), { pathname: `/${database}` }).toString();
    const client = new pg.Client({ connectionString: databaseUrl });
    // A connection that breaks between two statements is told by the next one.
    client.on('error', () => undefined);
    await client.connect();
    await client.query("set time zone 'UTC'");
    const { rows } = await client.query<{ version: string }>("select split_part(current_setting('server_version'), ' ', 1) as version");
    return new PostgresDemoWarehouse(serverUrl, databaseUrl, database, client, rows[0]?.version ?? '');
  }

  instant(expression: string): string {
    return `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  }

  async write(statements: readonly string[]): Promise<readonly number[]> {
    const counts: number[] = [];
    await this.#client.query('begin');
    for (const statement of statements) counts.push((await this.#client.query(statement)).rowCount ?? 0);
    await this.#client.query('commit');
    return counts;
  }

  async read(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    return (await this.#client.query<(string | null)[]>({ text: sql, rowMode: 'array' })).rows;
  }

  async close(): Promise<void> {
    await this.#client.end();
    await onServer(this.#serverUrl, `drop database if exists ${this.#database} with (force)`);
  }
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
