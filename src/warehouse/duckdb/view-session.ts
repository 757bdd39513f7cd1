import type { DuckDBAppender, DuckDBValue } from '@duckdb/node-api';
import { HeadraceError } from '../../core/errors.ts';
import {
  type Given,
  type TakeStatement,
  takeAndWrite,
  type ViewColumn,
  type ViewItem,
  type ViewSession,
  type ViewValue,
} from '../view-engine.ts';
import type { DuckDbConnection } from './connection.ts';
import { TYPES } from './view-file.ts';

export class DuckDbViewSession implements ViewSession {
  readonly #connection: DuckDbConnection;

  constructor(connection: DuckDbConnection) {
    this.#connection = connection;
  }

  async texts(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    const rows = await this.#rows(sql);
    return rows.map((row) => row.map((value) => (value === null ? null : String(value))));
  }

  async change(sql: string): Promise<number> {
    const result = await this.#run(sql);
    return result.rowsChanged;
  }

  async transaction(take: TakeStatement, rest: () => AsyncIterable<string>): Promise<boolean> {
    try {
      return await takeAndWrite((sql) => this.change(sql), take, rest);
    } catch (error) {
      if (error instanceof WrittenMeanwhile) return false;
      throw error;
    }
  }

  async select(items: readonly ViewItem[], from: string, given?: Given): Promise<readonly (readonly ViewValue[])[]> {
    const list = given === undefined ? '' : `with given as (${'hashes' in given ? HASHES : NUMBERS}) `;
    const text = `${list}select ${items.map(({ expression }) => expression).join(', ')} ${from}`;
    const rows = await this.#rows(text, given === undefined ? undefined : [listOf(given)]);
    return rows.map((row) => row.map(viewValue));
  }

  async stage(name: string, columns: readonly ViewColumn[], rows: readonly (readonly ViewValue[])[]): Promise<void> {
    const declared = columns.map((column) => `${column.name} ${TYPES[column.type]}`).join(', ');
    await this.#run(`create or replace temp table ${name} (${declared})`);
    const appender = await this.#connection.duckdb.createAppender(name, 'main', 'temp');
    for (const row of rows) {
      for (const [i, { type }] of columns.entries()) append(appender, type, row[i] ?? null);
      appender.endRow();
    }
    appender.closeSync();
  }

  async #rows(sql: string, values?: DuckDBValue[]): Promise<DuckDBValue[][]> {
    this.#connection.startStatement();
    return (await this.#connection.wait(this.#connection.duckdb.runAndReadAll(sql, values))).getRows();
  }

  async #run(sql: string) {
    this.#connection.startStatement();
    return this.#connection.wait(this.#connection.duckdb.run(sql).catch(noticed));
  }
}

const HASHES = `select unhex(unnest(string_split($1, ','))) as item`;
const NUMBERS = `select unnest(string_split($1, ','))::bigint as item`;

class WrittenMeanwhile extends HeadraceError {
  constructor() {
    super('LOCAL_COPY_FAILED', 'Another transaction wrote to the view meanwhile.');
  }
}

/** Two transactions of this process that write the same row: one of them is refused. */
function noticed(error: unknown): never {
  if (error instanceof Error && /Transaction conflict|Conflict on|constraint violat|Duplicate key/i.test(error.message))
    throw new WrittenMeanwhile();
  throw error;
}

function listOf(given: Given): string {
  if ('numbers' in given) return given.numbers.join(',');
  return given.hashes.map((hash) => Buffer.from(hash).toString('hex')).join(',');
}

function viewValue(value: DuckDBValue): ViewValue {
  if (value === null || value === undefined || typeof value === 'number') return value ?? null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'object' && 'bytes' in value && value.bytes instanceof Uint8Array) return value.bytes;
  throw new Error('DuckDB yields another type than the view has.');
}

function append(appender: DuckDBAppender, type: ViewColumn['type'], value: ViewValue): void {
  if (value === null) appender.appendNull();
  else if (typeof value !== 'number') appender.appendBlob(value);
  else if (type === 'int2') appender.appendSmallInt(value);
  else appender.appendBigInt(BigInt(value));
}
