import { existsSync } from 'node:fs';
import type { DuckDbConfig, Relation } from '../../config/project.ts';
import type { Column } from '../../core/row.ts';
import { countRows } from '../count-rows.ts';
import { isTimeCursor } from '../cursor-bound.ts';
import { pickColumns } from '../pick-columns.ts';
import { scanQuery } from '../query.ts';
import { compareTexts, type HashDialect } from '../view-compare.ts';
import { droppedTables } from '../view-engine.ts';
import { SqlViewTables } from '../view-tables.ts';
import type {
  ComparedScan,
  ComparedScanRequest,
  Scan,
  ScanRequest,
  SliceRequest,
  Warehouse,
  WarehouseInfo,
  WarehouseViews,
} from '../warehouse.ts';
import { injectiveText, readColumns, rowExpression, textExpression } from './columns.ts';
import { DuckDbComparedScan } from './compared-scan.ts';
import { type DuckDbConnection, DuckDbConnections } from './connection.ts';
import { DUCKDB_DIALECT, quoteText } from './dialect.ts';
import { throwIfAborted } from './interrupts.ts';
import type { RowLayout } from './rows.ts';
import { DuckDbScan } from './scan.ts';
import { fieldDecoder } from './values.ts';
import { DuckDbViewEngine, viewError } from './view-engine.ts';
import { ddlText, VIEW_DIALECT, viewFile } from './view-file.ts';

/** A DuckDB file, opened read-only and only while it is read. */
export class DuckDbWarehouse implements Warehouse {
  readonly type = 'duckdb';
  readonly #config: DuckDbConfig;
  readonly #connections: DuckDbConnections;

  constructor(config: DuckDbConfig) {
    this.#config = config;
    this.#connections = new DuckDbConnections(config);
  }

  async ping(): Promise<WarehouseInfo> {
    return this.#use(async (connection) => {
      const [version, now] = await texts(connection, 'select version() as version, (epoch_us(now()) / 1000)::varchar as now_ms');
      return { version: `DuckDB ${version}`, nowMs: Number(now), address: this.#config.path };
    });
  }

  async describe(relation: Relation): Promise<readonly Column[]> {
    return this.#use((connection) => connection.wait(readColumns(connection.duckdb, relation)));
  }

  async openScan(request: ScanRequest, signal: AbortSignal): Promise<Scan> {
    throwIfAborted(signal);
    const connection = await this.#connections.open(signal);
    try {
      const picked = pickColumns(request, await connection.wait(readColumns(connection.duckdb, request.relation), signal));
      const plan = planScan(request, picked.columns, picked.cursor);
      return new DuckDbScan({
        connection,
        signal,
        columns: picked.columns,
        now: await readNow(connection, picked.cursor),
        estimatedRows: await estimate(connection, plan.text),
        text: plan.text,
        layout: plan.layout,
      });
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  readonly views: WarehouseViews = {
    tables: (place) => new SqlViewTables(new DuckDbViewEngine(this.#config, this.#connections, place), place),
    openScan: (request, signal) => this.#openComparedScan(request, signal),
    ddl: (places) => ddlText(this.#config, places),
  };

  async #openComparedScan(request: ComparedScanRequest, signal: AbortSignal): Promise<ComparedScan> {
    throwIfAborted(signal);
    const file = viewFile(this.#config, request.place);
    const view = { address: `DuckDB file ${file.path}`, path: file.path };
    if (!existsSync(file.path)) throw droppedTables(view.address, new Error('there is no such file'));
    const connection = await this.#connections.open(signal, file);
    try {
      const picked = pickColumns(request, await connection.wait(readColumns(connection.duckdb, request.relation), signal));
      const { layout } = planScan(request, picked.columns, picked.cursor);
      const now = await readNow(connection, picked.cursor);
      const texts = compareTexts(request, picked, VIEW_DIALECT.names(request.place).rows, now, HASHING);
      const estimatedRows = request.changedOnly ? undefined : await estimate(connection, texts.rows);
      return new DuckDbComparedScan({ connection, signal, columns: picked.columns, now, estimatedRows, texts, layout, view });
    } catch (error) {
      await connection.close();
      throw viewError(error, view.address, view.path);
    }
  }

  count(request: SliceRequest, signal: AbortSignal): Promise<number> {
    return countRows(this, request, DUCKDB_DIALECT, signal);
  }

  async close(): Promise<void> {
    await this.#connections.closeAll();
  }

  async #use<T>(work: (connection: DuckDbConnection) => Promise<T>): Promise<T> {
    const connection = await this.#connections.open();
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }
}

export const HASHING: HashDialect = {
  query: DUCKDB_DIALECT,
  quoteText,
  digest: (text) => `unhex(left(sha256(${text}), 32))`,
  joined: injectiveText,
  text: textExpression,
  output: (texts) => [rowExpression(texts)],
};

function planScan(request: ScanRequest, columns: readonly Column[], cursor: Column | undefined): { text: string; layout: RowLayout } {
  const asked = cursor === undefined ? -1 : request.columns.indexOf(cursor.name);
  const hidden = cursor !== undefined && asked < 0;
  const fields = columns.map((column, i) => textExpression(column, i < request.keyLength));
  if (hidden) fields.push(textExpression(cursor, false));
  return {
    text: scanQuery(request, [{ expression: rowExpression(fields), name: 'row' }], cursor, DUCKDB_DIALECT),
    layout: {
      keyLength: request.keyLength,
      cursorIndex: hidden ? columns.length : asked,
      decoders: columns.map(fieldDecoder),
      decodeCursor: cursor === undefined ? (text) => text : fieldDecoder(cursor),
    },
  };
}

/** The start of the transaction. */
async function readNow(connection: DuckDbConnection, cursor: Column | undefined): Promise<string | null> {
  if (cursor === undefined || !isTimeCursor(cursor)) return null;
  const utc = cursor.kind === 'timestamptz' ? 'now()' : `(now() at time zone 'UTC')::${cursor.kind}`;
  const [now] = await texts(connection, `select ${utc}::varchar as now`);
  return now ?? null;
}

/** The planner's guess at the root of the plan; undefined where it has none. */
async function estimate(connection: DuckDbConnection, text: string): Promise<number | undefined> {
  const [, plan] = await texts(connection, `explain (format json) ${text}`);
  const rows = /"Estimated Cardinality": "(\d+)"/.exec(plan ?? '')?.[1];
  return rows === undefined ? undefined : Number(rows);
}

/** The first row, as text. */
async function texts(connection: DuckDbConnection, sql: string): Promise<readonly string[]> {
  connection.startStatement();
  const result = await connection.wait(connection.duckdb.runAndReadAll(sql));
  return (result.getRows()[0] ?? []).map(String);
}
