import type { BigQueryConfig, Relation } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Column } from '../../core/row.ts';
import { countRows } from '../count-rows.ts';
import { isTimeCursor } from '../cursor-bound.ts';
import { checkUnique, type PickedColumns, pickColumns } from '../pick-columns.ts';
import { describeQuery, type SelectItem, scanQuery, splitTableName } from '../query.ts';
import { compareStatement } from '../view-compare.ts';
import { SqlViewTables } from '../view-tables.ts';
import type {
  ComparedScan,
  ComparedScanRequest,
  Scan,
  ScanEstimate,
  ScanRequest,
  SliceRequest,
  Warehouse,
  WarehouseInfo,
  WarehouseViews,
} from '../warehouse.ts';
import { type Feed, noteOf, openFeed, whyRefused, wordsOf } from './change-feed.ts';
import { type BigQueryColumn, columnOf, selectItem, type TableField } from './columns.ts';
import { comparedScan } from './compared-scan.ts';
import { BigQueryConnection, throwIfAborted } from './connection.ts';
import { BIGQUERY_DIALECT } from './dialect.ts';
import { hashing } from './hash-text.ts';
import { ANSWER_MS, type DryRun, dryRun } from './jobs.ts';
import type { RowLayout } from './rows.ts';
import { BigQueryScan, type BigQueryScanState } from './scan.ts';
import { cellDecoder } from './values.ts';
import { ddlText, namesOf } from './view-ddl.ts';
import { BigQueryViewEngine } from './view-engine.ts';

/** BigQuery, by its REST API. Nothing is open between calls. */
export class BigQueryWarehouse implements Warehouse {
  readonly type = 'bigquery';
  readonly #config: BigQueryConfig;
  readonly #connection: BigQueryConnection;
  readonly #open = new Set<Scan>();

  constructor(config: BigQueryConfig) {
    this.#config = config;
    this.#connection = new BigQueryConnection(config);
  }

  async ping(): Promise<WarehouseInfo> {
    const { nowMs } = await dryRun(this.#connection, this.#config, 'select 1 as one');
    const { project, dataLocation } = this.#config;
    const place = dataLocation === undefined ? '' : ` in ${dataLocation}`;
    return { version: 'BigQuery, API v2.0', nowMs, address: `${this.#connection.context.address}, project ${project}${place}` };
  }

  async describe(relation: Relation): Promise<readonly Column[]> {
    return (await this.#columns(relation)).columns.map(publicColumn);
  }

  async openScan(request: ScanRequest, signal: AbortSignal): Promise<Scan> {
    throwIfAborted(signal);
    const { columns, described } = await this.#columns(request.relation, signal);
    const picked = pickColumns(request, columns);
    const plan = planScan(request, picked);
    // Tells what is wrong with a condition before the job that reads: that one is started with the first batch.
    if (request.slice?.where !== undefined) await dryRun(this.#connection, this.#config, plan.text, signal);
    const { nowMs } = described;
    const scan = {
      signal,
      purpose: request.purpose,
      columns: picked.columns.map(publicColumn),
      now: clockText(picked.cursor, nowMs),
      estimatedRows: await this.#rowsOf(request, signal),
      ...plan,
    };
    const feed = await this.#feed(request, picked, plan, nowMs, signal);
    if (feed.text === undefined) return this.#scan({ ...scan, ...feedResult(feed, nowMs) });
    const byFeed = this.#scan({ ...scan, text: feed.text, byChangeFeed: true, feedAtMs: nowMs });
    try {
      const refused = await whyRefused(() => byFeed.begin());
      if (refused === undefined) return byFeed;
      await byFeed.close();
      return this.#scan({ ...scan, notes: [noteOf(wordsOf(request, refused))] });
    } catch (error) {
      await byFeed.close();
      throwIfAborted(signal);
      throw error;
    }
  }

  async estimate(request: ScanRequest, signal: AbortSignal): Promise<ScanEstimate> {
    const { columns, described } = await this.#columns(request.relation, signal);
    const picked = pickColumns(request, columns);
    const plan = planScan(request, picked);
    const { text = plan.text } = await this.#feed(request, picked, plan, described.nowMs, signal);
    return { bytes: (await dryRun(this.#connection, this.#config, text, signal)).bytes };
  }

  count(request: SliceRequest, signal: AbortSignal): Promise<number> {
    return countRows(this, request, BIGQUERY_DIALECT, signal);
  }

  readonly views: WarehouseViews = {
    tables: (place) => new SqlViewTables(new BigQueryViewEngine(this.#connection, this.#config, place), place),
    openScan: (request, signal) => this.#openComparedScan(request, signal),
    ddl: (places, role) => ddlText(this.#config, places, role),
  };

  async #openComparedScan(request: ComparedScanRequest, signal: AbortSignal): Promise<ComparedScan> {
    throwIfAborted(signal);
    const { relation, place, changedOnly, purpose } = request;
    const { columns, described } = await this.#columns(relation, signal);
    const picked = pickColumns(request, columns);
    const { text, items, fields, layout } = planScan(request, picked);
    if (request.slice?.where !== undefined) await dryRun(this.#connection, this.#config, text, signal);
    const now = clockText(picked.cursor, described.nowMs);
    const scan: ComparedScan = comparedScan({
      connection: this.#connection,
      config: this.#config,
      signal,
      purpose,
      columns: picked.columns.map(publicColumn),
      now,
      estimatedRows: changedOnly ? undefined : await this.#rowsOf(request, signal),
      texts: compareStatement(request, picked, namesOf(this.#config, place).rows, now, hashing(items)),
      fields,
      layout,
      place,
      onClose: () => this.#open.delete(scan),
    });
    this.#open.add(scan);
    return scan;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((scan) => scan.close()));
  }

  #scan(state: Omit<BigQueryScanState, 'connection' | 'config' | 'onClose'>): BigQueryScan {
    const onClose = () => this.#open.delete(scan);
    const scan = new BigQueryScan({ ...state, connection: this.#connection, config: this.#config, onClose });
    this.#open.add(scan);
    return scan;
  }

  #feed(request: ScanRequest, { cursor }: PickedColumns, { items }: ScanPlan, nowMs: number, signal: AbortSignal): Promise<Feed> {
    return openFeed(request, items, cursor, {
      nowMs,
      table: async () => {
        const { type, creationTime } = (await this.#table(request.relation, signal)) ?? {};
        return typeof type === 'string' && Number(creationTime) > 0 ? { type, createdMs: Number(creationTime) } : undefined;
      },
      dryRun: (text) => dryRun(this.#connection, this.#config, text, signal),
    });
  }

  async #columns(relation: Relation, signal?: AbortSignal): Promise<{ columns: readonly BigQueryColumn[]; described: DryRun }> {
    const text = describeQuery(relation, BIGQUERY_DIALECT);
    const described = await dryRun(this.#connection, this.#config, text, signal, 'sql' in relation ? 1 : undefined);
    const columns = described.fields.map(columnOf);
    checkUnique(columns);
    return { columns, described };
  }

  /** How many rows a table has, where a whole table is read; undefined for views and queries. For progress only. */
  async #rowsOf({ relation, cursor }: ScanRequest, signal: AbortSignal): Promise<number | undefined> {
    if (cursor?.from !== undefined) return undefined;
    const { type, numRows } = (await this.#table(relation, signal)) ?? {};
    const rows = Number(numRows);
    return type === 'TABLE' && Number.isSafeInteger(rows) ? rows : undefined;
  }

  /** What the API says of a table or view; undefined for queries, and where the account may not look. */
  async #table(relation: Relation, signal: AbortSignal): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (!('table' in relation)) return undefined;
    const [table, dataset, project] = [...splitTableName(relation.table)].reverse();
    const { datasetId = dataset, projectId = project ?? this.#config.project } = dataset === undefined ? (this.#config.dataset ?? {}) : {};
    if (table === undefined || datasetId === undefined) return undefined;
    const uri = `/datasets/${encodeURIComponent(datasetId)}/tables/${encodeURIComponent(table)}`;
    const call = { method: 'GET', uri, projectId, qs: { fields: 'type,numRows,creationTime' } } as const;
    try {
      return (await this.#connection.call(call, { limitMs: ANSWER_MS, signal })).body;
    } catch (error) {
      throwIfAborted(signal);
      if (error instanceof HeadraceError && (error.code === 'WAREHOUSE_DENIED' || error.code === 'QUERY_INVALID')) return undefined;
      throw error;
    }
  }
}

interface ScanPlan {
  readonly text: string;
  readonly items: readonly SelectItem[];
  readonly fields: readonly TableField[];
  readonly layout: RowLayout;
}

function planScan(request: ScanRequest, picked: PickedColumns): ScanPlan {
  const columns = picked.columns as readonly BigQueryColumn[];
  const cursor = picked.cursor as BigQueryColumn | undefined;
  const asked = cursor === undefined ? -1 : request.columns.indexOf(cursor.name);
  const hidden = cursor !== undefined && asked < 0;
  const selected = hidden ? [...columns, cursor] : columns;
  const items = selected.map(selectItem);
  return {
    text: scanQuery(request, items, cursor, BIGQUERY_DIALECT),
    items,
    fields: selected.map(({ field }) => field),
    layout: {
      keyLength: request.keyLength,
      cursorIndex: hidden ? columns.length : asked,
      decoders: columns.map(({ field }, i) => cellDecoder(field, i < request.keyLength)),
      decodeCursor: cursor === undefined ? () => null : cellDecoder(cursor.field, false),
    },
  };
}

function feedResult({ note, isReadable }: Feed, nowMs: number): Pick<BigQueryScanState, 'notes' | 'feedAtMs'> {
  return { notes: note === undefined ? [] : [note], feedAtMs: isReadable ? nowMs : undefined };
}

/** BigQuery's clock at the dry run that described the relation, before the job that reads it: in UTC, as CURRENT_DATETIME() and CURRENT_DATE() are by default. */
function clockText(cursor: Column | undefined, nowMs: number): string | null {
  if (cursor === undefined || !isTimeCursor(cursor)) return null;
  const iso = new Date(nowMs).toISOString();
  if (cursor.kind === 'date') return iso.slice(0, 10);
  const text = `${iso.slice(0, 10)} ${iso.slice(11, 23)}`;
  return cursor.kind === 'timestamptz' ? `${text}+00` : text;
}

function publicColumn({ name, kind, sourceType, element }: Column): Column {
  return { name, kind, sourceType, ...(element === undefined ? {} : { element }) };
}
