import type { DuckDBConnection } from '@duckdb/node-api';
import type { DuckDbConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import { DUCKDB_DIALECT } from './dialect.ts';
import { duckdbError, isInterrupt } from './errors.ts';
import { type FileUse, OpenFiles } from './files.ts';
import { throwIfAborted } from './interrupts.ts';

/** What is pinned: the texts of rows, and so raw fingerprints, depend on nothing else. */
const SESSION = "set TimeZone = 'UTC'; set enable_progress_bar = false;";

/** The connections to one database file. */
export class DuckDbConnections {
  readonly #config: DuckDbConfig;
  readonly #open = new Set<DuckDbConnection>();

  constructor(config: DuckDbConfig) {
    this.#config = config;
  }

  /** In a read-only transaction on the warehouse's file, with the view's beside it; throws WAREHOUSE_UNREACHABLE. The caller closes it. */
  async open(signal?: AbortSignal, view?: FileUse): Promise<DuckDbConnection> {
    const warehouse = { path: this.#config.path };
    return this.#connect(view === undefined ? [warehouse] : [warehouse, view], this.#config.path, signal, async (duckdb, [alias = '']) => {
      await duckdb.run(`use ${DUCKDB_DIALECT.quoteName(alias)}`);
      await duckdb.run('begin transaction read only');
    });
  }

  /** On the view's file alone. */
  openView(view: FileUse): Promise<DuckDbConnection> {
    return this.#connect([view], view.path, undefined, async () => undefined);
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => connection.close()));
  }

  async #connect(
    files: readonly FileUse[],
    path: string,
    signal: AbortSignal | undefined,
    begin: (duckdb: DuckDBConnection, aliases: readonly string[]) => Promise<unknown>,
  ): Promise<DuckDbConnection> {
    const { connectTimeoutMs } = this.#config;
    const { duckdb, aliases, letGo } = await OpenFiles.of(this.#config.path).connect(files, { connectTimeoutMs, signal });
    const connection = new DuckDbConnection(duckdb, { ...this.#config, path }, () => {
      this.#open.delete(connection);
      return letGo();
    });
    this.#open.add(connection);
    try {
      await connection.wait(duckdb.run(SESSION).then(() => begin(duckdb, aliases)));
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }
}

/** One connection, whose statements end at the statement timeout or with the signal. */
export class DuckDbConnection {
  readonly duckdb: DuckDBConnection;
  readonly #config: DuckDbConfig;
  readonly #release: () => Promise<void>;
  #remainingMs: number;
  #timedOut = false;
  #closed = false;
  #working: Promise<unknown> = Promise.resolve();

  constructor(duckdb: DuckDBConnection, config: DuckDbConfig, release: () => Promise<void>) {
    this.duckdb = duckdb;
    this.#config = config;
    this.#release = release;
    this.#remainingMs = config.statementTimeoutMs;
  }

  /** The next statement has its whole time again. */
  startStatement(): void {
    this.#remainingMs = this.#config.statementTimeoutMs;
  }

  /** Waits for DuckDB, interrupting it when the statement has used up its time (the time that a caller spends on a batch does not count). */
  async wait<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    const started = performance.now();
    const timer = setTimeout(
      () => {
        this.#timedOut = true;
        this.duckdb.interrupt();
      },
      Math.max(1, this.#remainingMs),
    );
    const abort = (): void => this.duckdb.interrupt();
    signal?.addEventListener('abort', abort, { once: true });
    this.#working = work.catch(() => undefined);
    try {
      const result = await work;
      throwIfAborted(signal);
      return result;
    } catch (error) {
      throwIfAborted(signal);
      if (this.#timedOut && isInterrupt(error)) throw this.#timeout();
      throw duckdbError(error, this.#config.path);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      this.#remainingMs -= performance.now() - started;
    }
  }

  /** Interrupts what runs, and lets go of the file if nobody else uses it. May be called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.duckdb.interrupt();
    await this.#working;
    this.duckdb.closeSync();
    await this.#release();
  }

  #timeout(): HeadraceError {
    return new HeadraceError(
      'WAREHOUSE_TIMEOUT',
      `DuckDB (${this.#config.path}) was stopped after the statement timeout of ${this.#config.statementTimeoutMs} ms.`,
      {
        suggestion: 'Raise `statement_timeout` of the warehouse, or make the query faster.',
      },
    );
  }
}
