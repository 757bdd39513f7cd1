import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DemoFailure } from './print.ts';
import type { DemoWarehouse } from './warehouse.ts';

/** A DuckDB file. It is open only within a call: a writer that keeps it open would shut Headrace out. */
export class DuckDbDemoWarehouse implements DemoWarehouse {
  readonly name = 'duckdb';
  readonly title: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;
  #working: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(file: string, version: string) {
    this.#file = file;
    this.title = `DuckDB ${version.replace(/^v/, '')}`;
    this.env = { WAREHOUSE: 'duckdb', WAREHOUSE_FILE: file };
  }

  static async create(folder: string): Promise<DuckDbDemoWarehouse> {
    const { version } = await import('@duckdb/node-api');
    return new DuckDbDemoWarehouse(join(folder, 'warehouse.duckdb'), version());
  }

  instant(expression: string): string {
    return `strftime(${expression}, '%Y-%m-%dT%H:%M:%S.%fZ')`;
  }

  write(statements: readonly string[]): Promise<readonly number[]> {
    return this.#use('READ_WRITE', async (connection) => {
      const counts: number[] = [];
      await connection.run('begin');
      for (const statement of statements) counts.push((await connection.run(statement)).rowsChanged);
      await connection.run('commit');
      return counts;
    });
  }

  read(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    return this.#use(
      'READ_ONLY',
      async (connection) => (await connection.runAndReadAll(sql)).getRows() as readonly (readonly (string | null)[])[],
    );
  }

  /** Waits until the file is closed: DuckDB would write it anew in a folder that was just removed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#working;
  }

  #use<T>(mode: 'READ_ONLY' | 'READ_WRITE', work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new DemoFailure('the demo is ending'));
    const result = this.#open(mode, work);
    this.#working = result.catch(() => undefined);
    return result;
  }

  async #open<T>(mode: 'READ_ONLY' | 'READ_WRITE', work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const instance = await DuckDBInstance.create(this.#file, { access_mode: mode });
    try {
      const connection = await instance.connect();
      try {
        await connection.run("set TimeZone = 'UTC'");
        return await work(connection);
      } finally {
        connection.closeSync();
      }
    } finally {
      instance.closeSync();
    }
  }
}
