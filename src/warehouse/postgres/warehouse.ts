import type { PostgresConfig, Relation } from '../../config/project.ts';
import type { Column } from '../../core/row.ts';
import { countRows } from '../count-rows.ts';
import { isTimeCursor } from '../cursor-bound.ts';
import { pickColumns } from '../pick-columns.ts';
import { describeQuery, scanQuery } from '../query.ts';
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
import { type PostgresColumn, readColumns, selectItem } from './columns.ts';
import { compareTexts } from './compare-text.ts';
import { PostgresComparedScan } from './compared-scan.ts';
import { beginText, connect, type PostgresConnection, throwIfAborted } from './connection.ts';
import { POSTGRES_DIALECT } from './dialect.ts';
import { postgresError } from './errors.ts';
import { type OpenTransactions, readOpenTransactions } from './open-transactions.ts';
import type { LineLayout } from './rows.ts';
import { PostgresScan } from './scan.ts';
import { fieldDecoder } from './values.ts';
import { ddlText, qualifiedNames } from './view-ddl.ts';
import { PostgresViewEngine } from './view-engine.ts';

/** PostgreSQL 13 and newer. Every call has a connection and a read-only transaction of its own, so that a broken one breaks nothing else. */
export class PostgresWarehouse implements Warehouse {
  readonly type = 'postgres';
  readonly #config: PostgresConfig;
  readonly #open = new Set<PostgresConnection>();

  constructor(config: PostgresConfig) {
    this.#config = config;
  }

  async ping(): Promise<WarehouseInfo> {
    return this.#inTransaction(undefined, async (connection) => {
      const sql = "select current_setting('server_version') as version, extract(epoch from now()) * 1000 as now_ms";
      const { rows } = await connection.client.query<{ version: string; now_ms: string }>(sql);
      const [row] = rows;
      const { notes } = await readOpenTransactions(connection.client);
      return { version: `PostgreSQL ${row?.version}`, nowMs: Number(row?.now_ms), address: connection.context.address, notes };
    });
  }

  async describe(relation: Relation): Promise<readonly Column[]> {
    const columns = await this.#inTransaction(relation, (connection) => readColumns(connection.client, relation));
    return columns.map(publicColumn);
  }

  async openScan(request: ScanRequest, signal: AbortSignal): Promise<Scan> {
    return this.#begin(request, signal, async ({ connection, columns, cursor, open, noteColumns }) => {
      const plan = planScan(request, columns, cursor);
      noteColumns();
      return new PostgresScan({
        connection,
        signal,
        columns: columns.map(publicColumn),
        now: await readNow(connection, cursor, open),
        notes: cursor !== undefined && isTimeCursor(cursor) ? (open?.notes ?? []) : [],
        estimatedRows: await estimateRows(connection, plan.text),
        text: plan.text,
        layout: plan.layout,
        statementTimeoutMs: this.#config.statementTimeoutMs,
      });
    });
  }

  count(request: SliceRequest, signal: AbortSignal): Promise<number> {
    return countRows(this, request, POSTGRES_DIALECT, signal);
  }

  async #openComparedScan(request: ComparedScanRequest, signal: AbortSignal): Promise<ComparedScan> {
    return this.#begin(request, signal, async ({ connection, columns, cursor, open, noteColumns }) => {
      const { layout } = planScan(request, columns, cursor);
      noteColumns();
      const now = await readNow(connection, cursor, open);
      const { rows: rowsTable } = qualifiedNames(request.place);
      const texts = compareTexts(request, { columns, cursor }, rowsTable, now);
      await connection.client.query(COMPARISON_SETTINGS);
      return new PostgresComparedScan({
        connection,
        signal,
        columns: columns.map(publicColumn),
        cursor,
        now,
        notes: cursor !== undefined && isTimeCursor(cursor) ? (open?.notes ?? []) : [],
        estimatedRows: request.changedOnly ? undefined : await estimateRows(connection, texts.rows),
        texts,
        layout,
        statementTimeoutMs: this.#config.statementTimeoutMs,
        address: `schema ${request.place.schema} of PostgreSQL at ${connection.context.address}`,
        rowsTable,
      });
    });
  }

  /** A connection in a read-only transaction that sees one snapshot, with the request's columns as they are in it. */
  async #begin<T>(request: ScanRequest, signal: AbortSignal, act: (begun: Begun) => Promise<T>): Promise<T> {
    const connection = await connect(this.#config, signal);
    this.#track(connection);
    const abort = (): void => connection.destroy();
    signal.addEventListener('abort', abort, { once: true });
    const silent = this.#watchSilence(connection);
    let relation: Relation | undefined = request.relation;
    try {
      const { client } = connection;
      const open = request.cursor === undefined ? undefined : await readOpenTransactions(client);
      await client.query(beginText(this.#config.statementTimeoutMs));
      const picked = pickColumns(request, await readColumns(client, request.relation));
      return await act({
        connection,
        columns: picked.columns as readonly PostgresColumn[],
        cursor: picked.cursor as PostgresColumn | undefined,
        open,
        noteColumns: () => {
          relation = undefined;
        },
      });
    } catch (error) {
      connection.destroy();
      throwIfAborted(signal);
      throw postgresError(error, withQuery(connection, relation));
    } finally {
      clearTimeout(silent);
      signal.removeEventListener('abort', abort);
    }
  }

  readonly views: WarehouseViews = {
    tables: (place) => new SqlViewTables(new PostgresViewEngine(this.#config, place, (connection) => this.#track(connection)), place),
    openScan: (request, signal) => this.#openComparedScan(request, signal),
    ddl: ddlText,
  };

  async close(): Promise<void> {
    for (const connection of this.#open) connection.destroy();
    this.#open.clear();
  }

  async #inTransaction<T>(relation: Relation | undefined, work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const connection = await connect(this.#config);
    this.#track(connection);
    const silent = this.#watchSilence(connection);
    try {
      await connection.client.query(beginText(this.#config.statementTimeoutMs));
      const result = await work(connection);
      await connection.end();
      return result;
    } catch (error) {
      connection.destroy();
      throw postgresError(error, withQuery(connection, relation));
    } finally {
      clearTimeout(silent);
    }
  }

  /** The server's own timeout does not help when the network has swallowed its answer. */
  #watchSilence(connection: PostgresConnection): NodeJS.Timeout {
    return setTimeout(() => connection.destroy(), this.#config.statementTimeoutMs + this.#config.connectTimeoutMs);
  }

  #track(connection: PostgresConnection): void {
    this.#open.add(connection);
    connection.client.once('end', () => this.#open.delete(connection));
  }
}

/**
 * For one comparison: the view's rows fit into a hash table, and rows that differ are few, so that the planner need not fear to collect them from parallel workers.
 * Compiling expressions costs more than it gains here.
 */
const COMPARISON_SETTINGS = [
  ['work_mem', '128MB'],
  ['parallel_tuple_cost', '0'],
  ['parallel_setup_cost', '100'],
  ['jit', 'off'],
]
  .map(([name, value]) => `set local ${name} = '${value}'`)
  .join('; ');

interface Begun {
  readonly connection: PostgresConnection;
  readonly columns: readonly PostgresColumn[];
  readonly cursor: PostgresColumn | undefined;
  readonly open: OpenTransactions | undefined;
  /** From here on errors are not the model's text's. */
  noteColumns(): void;
}

/** The planner's. */
async function estimateRows({ client }: PostgresConnection, text: string): Promise<number | undefined> {
  const explained = await client.query<{ 'QUERY PLAN': readonly { Plan: { 'Plan Rows': number } }[] }>(`explain (format json) ${text}`);
  return explained.rows[0]?.['QUERY PLAN'][0]?.Plan['Plan Rows'];
}

interface ScanPlan {
  readonly text: string;
  readonly layout: LineLayout;
}

function planScan(request: ScanRequest, columns: readonly PostgresColumn[], cursor: PostgresColumn | undefined): ScanPlan {
  const asked = cursor === undefined ? -1 : request.columns.indexOf(cursor.name);
  const hidden = cursor !== undefined && asked < 0;
  const items = columns.map((column, i) => selectItem(column, i < request.keyLength));
  if (hidden) items.push(selectItem(cursor, false));
  return {
    text: scanQuery(request, items, cursor, POSTGRES_DIALECT),
    layout: {
      keyLength: request.keyLength,
      cursorIndex: hidden ? columns.length : asked,
      cursorHidden: hidden,
      decoders: columns.map(fieldDecoder),
      decodeCursor: cursor === undefined ? () => null : fieldDecoder(cursor),
    },
  };
}

/** The bound in the cursor's own kind: rows of transactions that the scan does not see can only have later ones. */
async function readNow(
  { client }: PostgresConnection,
  cursor: Column | undefined,
  open: OpenTransactions | undefined,
): Promise<string | null> {
  if (open === undefined || cursor === undefined || !isTimeCursor(cursor)) return null;
  const bound = cursor.kind === 'timestamptz' ? open.bound : open.localBound;
  const { rows } = await client.query<{ now: string }>(`select $1::${cursor.kind}::text as now`, [bound]);
  return rows[0]?.now ?? null;
}

function publicColumn({ name, kind, sourceType, element }: PostgresColumn | Column): Column {
  return { name, kind, sourceType, ...(element === undefined ? {} : { element }) };
}

/** So that a position in an error becomes a line of the model's own query, which begins on the second line of the text. */
function withQuery(connection: PostgresConnection, relation: Relation | undefined): PostgresConnection['context'] {
  if (relation === undefined || !('sql' in relation)) return connection.context;
  return { ...connection.context, text: describeQuery(relation, POSTGRES_DIALECT), linesBefore: 1 };
}
