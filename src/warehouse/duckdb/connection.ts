import { setTimeout as sleep } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { DuckDbConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import { duckdbError, isInterrupt, isLocked, openError } from './errors.ts';

/** How often a file that a writer holds is tried again, until connectTimeoutMs is over. */
const LOCK_RETRY_MS = 100;

/** What is pinned: the texts of rows, and so raw fingerprints, depend on nothing else. */
const SESSION = "set TimeZone = 'UTC'; set enable_progress_bar = false;";

/**
 * The database file, open only while it is used: an open file shuts out every writer, and a reader that never closes it would stop dbt for ever.
 * Scans at the same time share one instance.
 */
export class SharedDatabase {
  readonly #config: DuckDbConfig;
  readonly #open = new Set<DuckDbConnection>();
  #instance: Promise<DuckDBInstance> | undefined;
  #users = 0;

  constructor(config: DuckDbConfig) {
    this.#config = config;
  }

  /** A connection with a transaction of its own; throws WAREHOUSE_UNREACHABLE. The caller closes it. */
  async open(signal?: AbortSignal): Promise<DuckDbConnection> {
    this.#users++;
    this.#instance ??= openReadOnly(this.#config, signal);
    let duckdb: DuckDBConnection;
    try {
      duckdb = await (await this.#instance).connect();
    } catch (error) {
      await this.#release();
      throw duckdbError(error, this.#config.path);
    }
    const connection = new DuckDbConnection(duckdb, this.#config, () => {
      this.#open.delete(connection);
      return this.#release();
    });
    this.#open.add(connection);
    try {
      await connection.wait(duckdb.run(SESSION).then(() => duckdb.run('begin transaction read only')));
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => connection.close()));
  }

  async #release(): Promise<void> {
    if (--this.#users > 0) return;
    const instance = this.#instance;
    this.#instance = undefined;
    // An instance that failed to open has said so to the one who asked for it.
    (await instance?.catch(() => undefined))?.closeSync();
  }
}

async function openReadOnly(config: DuckDbConfig, signal: AbortSignal | undefined): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const deadline = Date.now() + config.connectTimeoutMs;
  for (;;) {
    throwIfAborted(signal);
    try {
      return await DuckDBInstance.create(config.path, { access_mode: 'READ_ONLY' });
    } catch (error) {
      if (!isLocked(error) || Date.now() + LOCK_RETRY_MS > deadline) throw openError(error, config.path);
      await sleep(LOCK_RETRY_MS);
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

/** Throws the signal's own HeadraceError, or INTERRUPTED. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof HeadraceError) throw signal.reason;
  throw new HeadraceError('INTERRUPTED', 'Reading the warehouse was interrupted.');
}
