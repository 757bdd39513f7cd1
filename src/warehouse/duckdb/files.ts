import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { DUCKDB_DIALECT, quoteText } from './dialect.ts';
import { isLettingGo, isLocked, isUnwritable, openError } from './errors.ts';
import { throwIfAborted } from './interrupts.ts';

/** How often a file that another process holds is tried again, until the time to connect is over. */
const LOCK_RETRY_MS = 100;

/** A file to have at hand. */
export interface FileUse {
  readonly path: string;
  /** Under which a statement names it; absent: as DuckDB calls it by itself. */
  readonly alias?: string;
  /** Where this user may. Absent: for reading. */
  readonly write?: true;
}

export interface Patience {
  readonly connectTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Attached {
  users: number;
  alias: string;
}

/**
 * The files of one warehouse, open only while they are used: an open file shuts out every writer, and a reader that never closes it would stop dbt for ever.
 * A process opens a file once, whoever asks for it: its locks are the process's, and to close any descriptor of a file lets go of all of them.
 */
export class OpenFiles {
  static readonly #byPath = new Map<string, OpenFiles>();
  readonly #path: string;
  readonly #attached = new Map<string, Attached>();
  #instance: DuckDBInstance | undefined;
  #users = 0;
  /** Files come and go one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(warehouse: string) {
    this.#path = warehouse;
  }

  static of(warehouse: string): OpenFiles {
    const found = OpenFiles.#byPath.get(warehouse) ?? new OpenFiles(warehouse);
    OpenFiles.#byPath.set(warehouse, found);
    return found;
  }

  /** A connection with these files at hand, and their aliases; throws WAREHOUSE_UNREACHABLE. The caller closes the connection, and then lets go. */
  async connect(
    files: readonly FileUse[],
    patience: Patience,
  ): Promise<{ readonly duckdb: DuckDBConnection; readonly aliases: readonly string[]; letGo(): Promise<void> }> {
    const held: string[] = [];
    this.#users++;
    const letGo = (): Promise<void> => this.#inTurn(() => this.#letGo(held));
    try {
      const aliases: string[] = [];
      for (const file of files) {
        aliases.push(await this.#hold(file, patience));
        held.push(file.path);
      }
      return { duckdb: await (await this.#open()).connect(), aliases, letGo };
    } catch (error) {
      await letGo();
      throw error;
    }
  }

  async #hold(file: FileUse, { connectTimeoutMs, signal }: Patience): Promise<string> {
    const deadline = Date.now() + connectTimeoutMs;
    for (;;) {
      throwIfAborted(signal);
      try {
        return await this.#inTurn(() => this.#attach(file));
      } catch (error) {
        if (!(isLocked(error) || isLettingGo(error)) || Date.now() + LOCK_RETRY_MS > deadline) throw openError(error, file.path);
        await sleep(LOCK_RETRY_MS);
      }
    }
  }

  async #attach(file: FileUse): Promise<string> {
    const attached = this.#attached.get(file.path);
    if (attached !== undefined) {
      attached.users++;
      return attached.alias;
    }
    const duckdb = await (await this.#open()).connect();
    try {
      if (file.write === true) await duckdb.run(attachText(file)).catch((error: unknown) => this.#attachUnwritable(duckdb, file, error));
      else await duckdb.run(attachText(file, '(read_only)'));
      const found = await duckdb.runAndReadAll(`select database_name from duckdb_databases() where path = ${quoteText(file.path)}`);
      const alias = file.alias ?? String(found.getRows()[0]?.[0]);
      this.#attached.set(file.path, { users: 1, alias });
      return alias;
    } finally {
      duckdb.closeSync();
    }
  }

  async #attachUnwritable(duckdb: DuckDBConnection, file: FileUse, error: unknown): Promise<void> {
    if (!isUnwritable(error)) throw error;
    await duckdb.run(attachText(file, '(read_only)'));
  }

  async #open(): Promise<DuckDBInstance> {
    if (this.#instance !== undefined) return this.#instance;
    const { DuckDBInstance } = await import('@duckdb/node-api');
    this.#instance ??= await DuckDBInstance.create(':memory:', { temp_directory: `${this.#path}.tmp` });
    return this.#instance;
  }

  async #letGo(files: readonly string[]): Promise<void> {
    const unused = files.filter((file) => {
      const attached = this.#attached.get(file);
      return attached !== undefined && --attached.users === 0;
    });
    if (--this.#users === 0) {
      this.#attached.clear();
      this.#instance?.closeSync();
      this.#instance = undefined;
      OpenFiles.#byPath.delete(this.#path);
      return;
    }
    const duckdb = await (await this.#open()).connect();
    try {
      for (const file of unused) {
        await duckdb.run(`detach ${DUCKDB_DIALECT.quoteName(this.#attached.get(file)?.alias ?? '')}`);
        this.#attached.delete(file);
      }
    } finally {
      duckdb.closeSync();
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function attachText(file: FileUse, how = ''): string {
  // The instance itself has this name already.
  const alias = file.alias ?? (path.basename(file.path).split('.')[0] === 'memory' ? 'memory_db' : undefined);
  return `attach ${quoteText(file.path)}${alias === undefined ? '' : ` as ${DUCKDB_DIALECT.quoteName(alias)}`} ${how}`;
}
