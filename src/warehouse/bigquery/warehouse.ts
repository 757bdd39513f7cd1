import type { BigQueryConfig, Relation } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Column } from '../../core/row.ts';
import { countRows } from '../count-rows.ts';
import { isTimeCursor } from '../cursor-bound.ts';
import { checkUnique, type PickedColumns, pickColumns } from '../pick-columns.ts';
import { describeQuery, scanQuery, splitTableName } from '../query.ts';
import type { Scan, ScanEstimate, ScanRequest, SliceRequest, Warehouse, WarehouseInfo } from '../warehouse.ts';
import { type BigQueryColumn, columnOf, selectItem, type TableField } from './columns.ts';
import { BigQueryConnection, throwIfAborted } from './connection.ts';
import { BIGQUERY_DIALECT } from './dialect.ts';
import { ANSWER_MS, type DryRun, dryRun } from './jobs.ts';
import type { RowLayout } from './rows.ts';
import { BigQueryScan } from './scan.ts';
import { cellDecoder } from './values.ts';

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
    const scan: Scan = new BigQueryScan({
      connection: this.#connection,
      config: this.#config,
      signal,
      purpose: request.purpose,
      columns: picked.columns.map(publicColumn),
      now: clockText(picked.cursor, described.nowMs),
      estimatedRows: await this.#rowsOf(request, signal),
      onClose: () => this.#open.delete(scan),
      ...plan,
    });
    this.#open.add(scan);
    return scan;
  }

  async estimate(request: ScanRequest, signal: AbortSignal): Promise<ScanEstimate> {
    const { columns } = await this.#columns(request.relation, signal);
    const { text } = planScan(request, pickColumns(request, columns));
    return { bytes: (await dryRun(this.#connection, this.#config, text, signal)).bytes };
  }

  count(request: SliceRequest, signal: AbortSignal): Promise<number> {
    return countRows(this, request, BIGQUERY_DIALECT, signal);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((scan) => scan.close()));
  }

  async #columns(relation: Relation, signal?: AbortSignal): Promise<{ columns: readonly BigQueryColumn[]; described: DryRun }> {
    const text = describeQuery(relation, BIGQUERY_DIALECT);
    const described = await dryRun(this.#connection, this.#config, text, signal, 'sql' in relation ? 1 : undefined);
    const columns = described.fields.map(columnOf);
    checkUnique(columns);
    return { columns, described };
  }

  /** How many rows a table has, where a whole table is read; undefined for views and queries, and where the account may not look. For progress only. */
  async #rowsOf({ relation, cursor }: ScanRequest, signal: AbortSignal): Promise<number | undefined> {
    if (!('table' in relation) || cursor?.from !== undefined) return undefined;
    const [table, dataset, project] = [...splitTableName(relation.table)].reverse();
    const { datasetId = dataset, projectId = project ?? this.#config.project } = dataset === undefined ? (this.#config.dataset ?? {}) : {};
    if (table === undefined || datasetId === undefined) return undefined;
    const uri = `/datasets/${encodeURIComponent(datasetId)}/tables/${encodeURIComponent(table)}`;
    const call = { method: 'GET', uri, projectId, qs: { fields: 'type,numRows' } } as const;
    try {
      const { body } = await this.#connection.call(call, { limitMs: ANSWER_MS, signal });
      const rows = Number(body.numRows);
      return body.type === 'TABLE' && Number.isSafeInteger(rows) ? rows : undefined;
    } catch (error) {
      throwIfAborted(signal);
      if (error instanceof HeadraceError && (error.code === 'WAREHOUSE_DENIED' || error.code === 'QUERY_INVALID')) return undefined;
      throw error;
    }
  }
}

function planScan(
  request: ScanRequest,
  picked: PickedColumns,
): { readonly text: string; readonly fields: readonly TableField[]; readonly layout: RowLayout } {
  const columns = picked.columns as readonly BigQueryColumn[];
  const cursor = picked.cursor as BigQueryColumn | undefined;
  const asked = cursor === undefined ? -1 : request.columns.indexOf(cursor.name);
  const hidden = cursor !== undefined && asked < 0;
  const selected = hidden ? [...columns, cursor] : columns;
  return {
    text: scanQuery(request, selected.map(selectItem), cursor, BIGQUERY_DIALECT),
    fields: selected.map(({ field }) => field),
    layout: {
      keyLength: request.keyLength,
      cursorIndex: hidden ? columns.length : asked,
      decoders: columns.map(({ field }, i) => cellDecoder(field, i < request.keyLength)),
      decodeCursor: cursor === undefined ? () => null : cellDecoder(cursor.field, false),
    },
  };
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
