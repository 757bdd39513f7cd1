import type { Relation, SnowflakeConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Column } from '../../core/row.ts';
import { countRows } from '../count-rows.ts';
import { isTimeCursor } from '../cursor-bound.ts';
import { pickColumns } from '../pick-columns.ts';
import { scanQuery, tableNames } from '../query.ts';
import { compareStatement, type StatementDialect } from '../view-compare.ts';
import { SqlViewTables } from '../view-tables.ts';
import type {
  ComparedScan,
  ComparedScanRequest,
  Scan,
  ScanRequest,
  ScanSlice,
  SliceRequest,
  Warehouse,
  WarehouseInfo,
  WarehouseViews,
} from '../warehouse.ts';
import { changeFeedText, whyNoFeed } from './change-feed.ts';
import { localText, readColumns, type SnowflakeColumn, textExpression, utcText } from './columns.ts';
import { comparedScan } from './compared-scan.ts';
import { SnowflakeConnection } from './connection.ts';
import { quoteText, SNOWFLAKE_DIALECT } from './dialect.ts';
import type { RowLayout } from './rows.ts';
import { SnowflakeScan } from './scan.ts';
import { fieldDecoder } from './values.ts';
import { ddlText, VIEW_DIALECT } from './view-ddl.ts';
import { SnowflakeViewEngine, viewAddress } from './view-engine.ts';

/** Snowflake. Every call has a session of its own, so that a broken one breaks nothing else. */
export class SnowflakeWarehouse implements Warehouse {
  readonly type = 'snowflake';
  readonly #config: SnowflakeConfig;
  readonly #open = new Set<SnowflakeConnection>();

  constructor(config: SnowflakeConfig) {
    this.#config = config;
  }

  async ping(): Promise<WarehouseInfo> {
    return this.#use(async (connection) => {
      const { rows } = await connection.rows(
        'select current_version() as version, to_varchar(date_part(epoch_millisecond, current_timestamp())) as now_ms',
      );
      const [version, nowMs] = rows[0] ?? [];
      const notes =
        this.#config.warehouse === undefined
          ? ["No virtual warehouse is named (`warehouse`): queries run on the user's default one, or fail if there is none."]
          : [];
      return { version: `Snowflake ${version}`, nowMs: Number(nowMs), address: connection.context.address, notes };
    });
  }

  async describe(relation: Relation): Promise<readonly Column[]> {
    return this.#use(async (connection) => (await readColumns(connection, relation)).map(publicColumn));
  }

  async openScan(request: ScanRequest, signal: AbortSignal): Promise<Scan> {
    const connection = await this.#connect(signal);
    try {
      const columns = await readColumns(connection, request.relation, signal);
      const picked = pickColumns(request, columns);
      const cursor = picked.cursor as SnowflakeColumn | undefined;
      const plan = planScan(request, picked.columns as readonly SnowflakeColumn[], cursor, columns);
      const wantsFeed = request.cursor?.changeFeed?.isRead === true && request.cursor.from !== undefined;
      const noFeed = wantsFeed ? await whyNoFeed(connection, plan.feedText, request.relation, signal) : undefined;
      const byChangeFeed = wantsFeed && noFeed === undefined;
      return new SnowflakeScan({
        connection,
        notes: noFeed === undefined ? [] : [noFeed],
        byChangeFeed,
        close: () => this.#close(connection),
        signal,
        columns: picked.columns.map(publicColumn),
        now: await readNow(connection, cursor, signal),
        estimatedRows: await estimate(connection, request.relation, signal),
        text: (byChangeFeed ? plan.feedText : undefined) ?? plan.text,
        layout: plan.layout,
        purpose: request.purpose,
        silenceMs: this.#config.statementTimeoutMs,
        checkUnchanged: async () => checkUnchanged(picked, await readColumns(connection, request.relation, signal)),
      });
    } catch (error) {
      await this.#close(connection);
      throw error;
    }
  }

  async count(request: SliceRequest, signal: AbortSignal): Promise<number> {
    const columns = await this.#use((connection) => readColumns(connection, request.relation, signal));
    return countRows(this, { ...request, slice: inStoredNames(request.slice, columns) }, SNOWFLAKE_DIALECT, signal);
  }

  readonly views: WarehouseViews = {
    tables: (place) => {
      const sessions = { open: () => this.#connect(), close: (connection: SnowflakeConnection) => this.#close(connection) };
      return new SqlViewTables(new SnowflakeViewEngine(this.#config, place, sessions), place);
    },
    openScan: (request, signal) => this.#openComparedScan(request, signal),
    ddl: ddlText,
  };

  async #openComparedScan(request: ComparedScanRequest, signal: AbortSignal): Promise<ComparedScan> {
    const connection = await this.#connect(signal);
    try {
      const { relation, place, changedOnly } = request;
      const all = await readColumns(connection, relation, signal);
      const picked = pickColumns(request, all);
      const cursor = picked.cursor as SnowflakeColumn | undefined;
      const { layout } = planScan(request, picked.columns as readonly SnowflakeColumn[], cursor, all);
      const now = await readNow(connection, cursor, signal);
      return comparedScan({
        connection,
        notes: [],
        close: () => this.#close(connection),
        signal,
        columns: picked.columns.map(publicColumn),
        now,
        estimatedRows: changedOnly ? undefined : await estimate(connection, relation, signal),
        texts: compareStatement(storedRequest(request, all), picked, VIEW_DIALECT.names(place).rows, now, HASHING),
        layout,
        purpose: request.purpose,
        silenceMs: this.#config.statementTimeoutMs,
        address: viewAddress(this.#config, place),
        checkUnchanged: async () => checkUnchanged(picked, await readColumns(connection, relation, signal)),
      });
    } catch (error) {
      await this.#close(connection);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => this.#close(connection)));
  }

  async #use<T>(work: (connection: SnowflakeConnection) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    try {
      return await work(connection);
    } finally {
      await this.#close(connection);
    }
  }

  async #connect(signal?: AbortSignal): Promise<SnowflakeConnection> {
    const connection = await SnowflakeConnection.open(this.#config, signal);
    this.#open.add(connection);
    return connection;
  }

  async #close(connection: SnowflakeConnection): Promise<void> {
    this.#open.delete(connection);
    await connection.close();
  }
}

export const HASHING: StatementDialect = {
  query: SNOWFLAKE_DIALECT,
  quoteText,
  digest: (text) => `to_binary(left(sha2(${text}, 256), 32), 'HEX')`,
  joined: (texts) => texts.map((text) => `coalesce(length(${text})::varchar || ':' || ${text}, 'n')`).join(' || '),
  text: (column, inKey) => textExpression(column as SnowflakeColumn, inKey),
  output: (texts) => texts,
  hex: (bytes) => `hex_encode(${bytes})`,
  string: (value) => `to_varchar(${value})`,
  nothing: 'null',
};

export interface ScanPlan {
  readonly text: string;
  /** The same by the change feed, where the request asks for it. */
  readonly feedText: string | undefined;
  readonly layout: RowLayout;
}

/** The text of a scan, and how its rows are read. `all` are the relation's columns. */
export function planScan(
  request: ScanRequest,
  columns: readonly SnowflakeColumn[],
  cursor: SnowflakeColumn | undefined,
  all: readonly SnowflakeColumn[],
): ScanPlan {
  const asked = cursor === undefined ? -1 : request.columns.indexOf(cursor.name);
  const hidden = cursor !== undefined && asked < 0;
  // Under names of ours: the driver fails on a few, as `constructor`.
  const items = columns.map((column, i) => ({ expression: textExpression(column, i < request.keyLength), name: `c${i}` }));
  if (hidden) items.push({ expression: textExpression(cursor, false), name: 'cursor' });
  const named = storedRequest(request, all);
  return {
    text: scanQuery(named, items, cursor, SNOWFLAKE_DIALECT),
    feedText: changeFeedText(named, items, cursor),
    layout: {
      keyLength: request.keyLength,
      cursorIndex: hidden ? columns.length : asked,
      decoders: columns.map(fieldDecoder),
      decodeCursor: cursor === undefined ? (text) => text : fieldDecoder(cursor),
    },
  };
}

function storedName(all: readonly SnowflakeColumn[]): (name: string) => string {
  const names = new Map(all.map(({ name, stored }) => [name, stored]));
  return (name) => names.get(name) ?? name;
}

function inStoredNames(slice: ScanSlice, all: readonly SnowflakeColumn[]): ScanSlice {
  const stored = storedName(all);
  const inStored = (column: Column): Column => ({ ...column, name: stored(column.name) });
  return { ...slice, key: slice.key.map(inStored), range: slice.range && { ...slice.range, cursor: inStored(slice.range.cursor) } };
}

function storedRequest<Request extends ScanRequest>(request: Request, all: readonly SnowflakeColumn[]): Request {
  const stored = storedName(all);
  return {
    ...request,
    cursor: request.cursor && { ...request.cursor, column: stored(request.cursor.column) },
    orderBy: request.orderBy?.map(stored),
    slice: request.slice && inStoredNames(request.slice, all),
  };
}

/** Of a column without a zone: UTC's clock, or that of the user's own time zone, whichever is earlier. */
async function readNow(connection: SnowflakeConnection, cursor: SnowflakeColumn | undefined, signal: AbortSignal): Promise<string | null> {
  if (cursor === undefined || !isTimeCursor(cursor)) return null;
  const earlier = 'least(sysdate(), current_timestamp()::timestamp_ntz)';
  const now = cursor.kind === 'timestamptz' ? utcText('current_timestamp()') : localText(earlier);
  const { rows } = await connection.rows(`select ${now} as now`, { signal, ownTimeZone: true });
  const text = rows[0]?.[0] ?? null;
  if (text === null) return null;
  return cursor.kind === 'date' ? text.slice(0, 10) : fieldDecoder(cursor)(text);
}

/** The number of rows in a table's metadata, which costs nothing to ask for; undefined of a view or a query. */
async function estimate(connection: SnowflakeConnection, relation: Relation, signal: AbortSignal): Promise<number | undefined> {
  if (!('table' in relation)) return undefined;
  const parts = tableNames(relation.table, SNOWFLAKE_DIALECT);
  const name = parts.at(-1) ?? '';
  const inside = parts.slice(0, -1).map(SNOWFLAKE_DIALECT.quoteName).join('.');
  const pattern = quoteText(name.replaceAll(/[\\_%]/g, '\\$&'));
  const { names, rows } = await connection.rows(`show tables like ${pattern}${inside === '' ? '' : ` in schema ${inside}`}`, {
    signal,
    relation,
  });
  const [nameAt, rowsAt] = [names.indexOf('name'), names.indexOf('rows')];
  const count = rows.find((row) => row[nameAt] === name)?.[rowsAt];
  return count === undefined || count === null ? undefined : Number(count);
}

/** The texts of a select say nothing of the columns that they were made of. */
function checkUnchanged(
  before: { readonly columns: readonly Column[]; readonly cursor: Column | undefined },
  now: readonly Column[],
): void {
  for (const column of [...before.columns, ...(before.cursor === undefined ? [] : [before.cursor])]) {
    const after = now.find(({ name }) => name === column.name);
    if (after?.sourceType === column.sourceType) continue;
    throw new HeadraceError(
      'SCHEMA_DRIFT',
      `The column "${column.name}" changed from ${column.sourceType} to ${after?.sourceType ?? 'absent'} while it was read.`,
      { suggestion: 'Nothing was published. Run again once the change to the table is complete.' },
    );
  }
}

function publicColumn({ name, kind, sourceType, element }: SnowflakeColumn | Column): Column {
  return { name, kind, sourceType, ...(element === undefined ? {} : { element }) };
}
