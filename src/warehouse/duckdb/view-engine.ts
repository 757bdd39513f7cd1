import { accessSync, constants, existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { DuckDbConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { ViewPlace } from '../../core/view-tables.ts';
import { droppedTables, inTransaction, type Presence, type ViewEngine, type ViewSession } from '../view-engine.ts';
import { viewNames } from '../view-names.ts';
import type { DuckDbConnection, DuckDbConnections } from './connection.ts';
import { quoteText } from './dialect.ts';
import { isDamaged } from './errors.ts';
import type { FileUse } from './files.ts';
import { VIEW_DIALECT, viewFile } from './view-file.ts';
import { DuckDbViewSession } from './view-session.ts';

/** A view's tables in DuckDB: a file of their own, open only while it is used. */
export class DuckDbViewEngine implements ViewEngine {
  readonly dialect = VIEW_DIALECT;
  readonly #connections: DuckDbConnections;
  readonly #place: ViewPlace;
  readonly #file: Required<FileUse>;

  constructor(config: DuckDbConfig, connections: DuckDbConnections, place: ViewPlace) {
    this.#connections = connections;
    this.#place = place;
    this.#file = viewFile(config, place);
  }

  get address(): string {
    return `DuckDB file ${this.#file.path}`;
  }

  async use<T>(work: (session: ViewSession) => Promise<T>, reading?: 'reading'): Promise<T> {
    if (reading === undefined) this.#makeFolder();
    else if (!existsSync(this.#file.path)) return work(new NoFile(this.address));
    const connection = await this.#open(reading);
    if (connection === undefined) return work(new NoFile(this.address));
    try {
      return await work(new DuckDbViewSession(connection));
    } catch (error) {
      throw viewError(error, this.address, this.#file.path);
    } finally {
      await connection.close();
    }
  }

  async presence(session: ViewSession): Promise<Presence> {
    const { schema, views, entries, rows } = viewNames(this.#place);
    const found = await session.texts(
      `select table_name from duckdb_tables() where database_name = ${quoteText(this.#file.alias)} and schema_name = ${quoteText(schema)}`,
    );
    const names = new Set(found.map(([name]) => name));
    return { views: names.has(views), entries: names.has(entries), rows: names.has(rows) };
  }

  async creating(session: ViewSession, work: () => Promise<void>): Promise<void> {
    await inTransaction((sql) => session.change(sql), work);
  }

  async checkRights(): Promise<void> {
    let existing = this.#file.path;
    while (!existsSync(existing)) existing = path.dirname(existing);
    this.#mayWrite(existing);
  }

  async close(): Promise<void> {
    // Nothing stays open between two calls.
  }

  /** Undefined where only to be read, and not what DuckDB wrote. */
  async #open(reading: 'reading' | undefined): Promise<DuckDbConnection | undefined> {
    try {
      return await this.#connections.openView(this.#file);
    } catch (error) {
      if (!(error instanceof HeadraceError) || !isDamaged(error.cause)) throw error;
      if (reading !== undefined) return undefined;
      // It is only a cache, in a folder of ours.
      for (const file of [this.#file.path, `${this.#file.path}.wal`]) rmSync(file, { force: true });
      return this.#connections.openView(this.#file);
    }
  }

  #makeFolder(): void {
    const folder = path.dirname(this.#file.path);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw denied(this.address, error);
    }
    this.#mayWrite(folder);
    if (existsSync(this.#file.path)) this.#mayWrite(this.#file.path);
  }

  #mayWrite(file: string): void {
    try {
      accessSync(file, constants.W_OK);
    } catch (error) {
      throw denied(this.address, error);
    }
  }
}

/** What is read of a view that has no file. */
class NoFile implements ViewSession {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  async texts(): Promise<readonly (readonly (string | null)[])[]> {
    return [];
  }

  async select(): Promise<never> {
    throw droppedTables(this.#address, new Error('there is no such file'));
  }

  change = this.select;
  transaction = this.select;
  stage = this.select;
}

/** What goes wrong with a view's tables. */
export function viewError(error: unknown, address: string, file: string): unknown {
  if (!(error instanceof HeadraceError)) return error;
  if (error.code === 'QUERY_INVALID' && /(?:Table|Schema|Catalog) .*does not exist/.test(error.message))
    return droppedTables(address, error);
  if (!isDamaged(error)) return error;
  return new HeadraceError('LOCAL_COPY_FAILED', `The ${address} is damaged: ${error.message}`, {
    suggestion: `It is only a cache: delete ${file}, and run again. Nothing is lost.`,
    cause: error,
  });
}

function denied(address: string, cause: unknown): HeadraceError {
  const { message } = cause as Error;
  return new HeadraceError('WAREHOUSE_DENIED', `The view in ${address} cannot be created or written to: ${message}.`, {
    suggestion: `Give the user who runs Headrace the right to write there (\`headrace state ddl\` names the folder), or set \`snapshot.view: local\`.`,
    cause,
  });
}
