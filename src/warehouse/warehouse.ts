import type { ChangeFeed, Relation } from '../config/project.ts';
import type { RowVerdict } from '../core/change.ts';
import type { Column, ComparedRows, MarkedRow, RowBatch } from '../core/row.ts';
import type { ViewPlace, ViewTables } from '../core/view-tables.ts';

/** The role of a warehouse: describe a relation, and read it in one consistent snapshot. Throws HeadraceError with the codes QUERY_INVALID, WAREHOUSE_*. */
export interface Warehouse {
  /** `postgres`, `duckdb` … */
  readonly type: string;
  /** Connects if needed, and says what answered. For doctor and for clear errors before work starts. */
  ping(): Promise<WarehouseInfo>;
  /** The relation's columns in its order, without reading rows. */
  describe(relation: Relation): Promise<readonly Column[]>;
  /** Opens one consistent read-only snapshot. The caller closes the scan, whatever happens. */
  openScan(request: ScanRequest, signal: AbortSignal): Promise<Scan>;
  /** What a scan would read, as the warehouse reckons it without running it. Only where what is read is what is paid for. */
  estimate?(request: ScanRequest, signal: AbortSignal): Promise<ScanEstimate>;
  /** How many rows a slice has. */
  count(request: SliceRequest, signal: AbortSignal): Promise<number>;
  readonly views: WarehouseViews;
  close(): Promise<void>;
}

export interface WarehouseInfo {
  readonly version: string;
  /** The source's clock, milliseconds since 1970. */
  readonly nowMs: number;
  /** host:port or path: no secret. */
  readonly address: string;
  /** What a person should know or grant although everything works. */
  readonly notes?: readonly string[] | undefined;
}

export interface ScanRequest {
  readonly relation: Relation;
  /** Columns to yield, in this order, each once. Key columns come first, in the order of `key`. */
  readonly columns: readonly string[];
  /** How many of the leading columns form the model key. */
  readonly keyLength: number;
  readonly cursor?: ScanCursor | undefined;
  /** Columns to order by, ascending. */
  readonly orderBy?: readonly string[] | undefined;
  /** Absent: all rows. */
  readonly slice?: ScanSlice | undefined;
  /** Who asks, for the warehouse's own history of queries and its bill, where it can tell queries apart. */
  readonly purpose?: ScanPurpose | undefined;
}

/**
 * A part of a relation's rows, cut out in the order of the model key; rows with NULL in a key column are in none. Values are canonical texts. Its columns are never of
 * the kinds float64, json, array and other.
 */
export interface ScanSlice {
  readonly key: readonly Column[];
  /** Rows whose cursor lies from `from` on, or only above it, and below `to`. */
  readonly range?:
    | { readonly cursor: Column; readonly from: string | null; readonly isAbove?: true; readonly to: string | null }
    | undefined;
  /** A condition over the relation's columns in the warehouse's own SQL. QUERY_INVALID where it is not one. */
  readonly where?: string | undefined;
  /** Rows with one of these keys. */
  readonly keys?: readonly (readonly string[])[] | undefined;
  /** Rows behind this key. */
  readonly after?: readonly string[] | undefined;
  /** The first ones, at most so many. */
  readonly limit?: number | undefined;
}

export type SliceRequest = Pick<ScanRequest, 'relation' | 'purpose'> & { readonly slice: ScanSlice };

export interface ScanPurpose {
  readonly project: string;
  readonly mapping: string;
  readonly model: string;
  /** The id of the run. */
  readonly run: string;
}

export interface ScanEstimate {
  /** Bytes that the warehouse bills at most for the scan. */
  readonly bytes: number;
}

export interface ScanCursor {
  readonly column: string;
  /** Whether rows whose cursor is NULL are yielded. */
  readonly nulls: boolean;
  /** Absent: rows of every cursor value. Otherwise only those with cursor >= watermark − lookback (and NULLs, if asked for). */
  readonly from?: { readonly watermark: string; readonly lookback: { readonly ms: number } | { readonly count: number } } | undefined;
  /** The warehouse's own record of changes, where the model names it. */
  readonly changeFeed?: FeedRequest | undefined;
}

export interface FeedRequest {
  readonly kind: ChangeFeed;
  /**
   * Whether it is asked for the rows that were committed since the last scan, in place of those whose cursor reached `from`; otherwise the scan only finds out whether it could
   * be. Where it cannot be read, the cursor decides, and a note says why.
   */
  readonly isRead: boolean;
  /** The last complete scan's `feedAtMs`. Absent where it found none. */
  readonly sinceMs?: number | undefined;
}

export interface Scan {
  /** The columns of the request, as the query really yields them. */
  readonly columns: readonly Column[];
  /**
   * The source's now() before the scan, or, where the warehouse can tell, the earlier time that no transaction still open can undercut; in the cursor column's
   * canonical text. Null for a cursor that is not a time, or none.
   */
  readonly now: string | null;
  /** What a person should know although the scan goes on: above all, why `now` may be later than what an open transaction will write. */
  readonly notes?: readonly string[] | undefined;
  /** The rows come from the change feed: none means that nothing changed. */
  readonly byChangeFeed?: boolean | undefined;
  /**
   * The source's clock before the scan, milliseconds since 1970, where its change feed could be read then: the next scan may ask it for what was committed since. Of warehouses
   * whose feed does not say itself that it lacks something.
   */
  readonly feedAtMs?: number | undefined;
  /** The planner's estimate, for progress only. */
  readonly estimatedRows: number | undefined;
  /**
   * Every row once. Ends normally only after the warehouse said that the result is complete: a broken connection, a cancelled
   * statement or a changed schema throws, so that a partial scan is never taken for a whole one. To be iterated once.
   */
  batches(): AsyncIterable<RowBatch>;
  close(): Promise<void>;
}

/** The warehouse's part where views lie beside its models, and its engine compares. */
export interface WarehouseViews {
  tables(place: ViewPlace): ViewTables;
  /** One consistent, read-only snapshot of model and view. The caller closes the scan, whatever happens. */
  openScan(request: ComparedScanRequest, signal: AbortSignal): Promise<ComparedScan>;
  /** The statements that create schema and tables, and those that give a role what a run needs. */
  ddl(places: readonly ViewPlace[], role: string): string;
}

export interface ComparedScanRequest extends ScanRequest {
  readonly place: ViewPlace;
  /** In front of a row's values, and of its key, before they are hashed. */
  readonly salts: { readonly raw: string; readonly key: string };
  /** Whether rows that are as the view knows them stay in the warehouse. */
  readonly changedOnly: boolean;
}

/** The batches come first; then the rest may be asked, in the same snapshot. */
export interface ComparedScan extends Scan {
  batches(): AsyncIterable<ComparedRows>;
  /** Of everything that the request covers, read or not. */
  totals(): Promise<ScanTotals>;
  /** Rows that the view knows and the model does not have, by the page. */
  missing(): AsyncIterable<readonly MarkedRow[]>;
  /** Some of the rows whose key stands more than once; empty where there are none. */
  repeated(): AsyncIterable<ComparedRows>;
}

export interface ScanTotals {
  readonly rows: number;
  /** Rows that the view knows, by what they came to when they were mapped last. */
  readonly known: Readonly<Record<RowVerdict, number>>;
  /** Canonical texts: the highest cursor up to `now`, and any; null where no row has one. */
  readonly cursor: { readonly highest: string | null; readonly any: string | null };
}
