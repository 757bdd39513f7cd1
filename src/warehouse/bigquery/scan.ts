import type { BigQueryConfig } from '../../config/project.ts';
import type { Column, RowBatch } from '../../core/row.ts';
import type { Scan, ScanPurpose } from '../warehouse.ts';
import type { TableField } from './columns.ts';
import type { BigQueryConnection } from './connection.ts';
import { QueryResult } from './results.ts';
import { ApiRows, type RowLayout } from './rows.ts';

/** What a scan was opened with. */
export interface BigQueryScanState {
  readonly connection: BigQueryConnection;
  readonly config: BigQueryConfig;
  readonly signal: AbortSignal;
  readonly purpose: ScanPurpose | undefined;
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes?: readonly string[] | undefined;
  readonly byChangeFeed?: boolean | undefined;
  readonly feedAtMs?: number | undefined;
  readonly estimatedRows: number | undefined;
  readonly text: string;
  /** The result's fields, hidden cursor included. */
  readonly fields: readonly TableField[];
  readonly layout: RowLayout;
  readonly onClose: () => void;
}

/** One query job, started with the first batch unless it was begun before: a scan that is closed unread costs nothing. */
export class BigQueryScan implements Scan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[] | undefined;
  readonly byChangeFeed: boolean | undefined;
  readonly feedAtMs: number | undefined;
  readonly estimatedRows: number | undefined;
  readonly #state: BigQueryScanState;
  readonly #result: QueryResult;
  #started = false;

  constructor(state: BigQueryScanState) {
    this.#state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.notes = state.notes;
    this.byChangeFeed = state.byChangeFeed;
    this.feedAtMs = state.feedAtMs;
    this.estimatedRows = state.estimatedRows;
    this.#result = new QueryResult({ ...state, query: { text: state.text } }, state.fields);
  }

  async *batches(): AsyncGenerator<RowBatch, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    for await (const rows of this.#result.pages()) yield new ApiRows(rows, this.#state.layout);
  }

  /** Starts the job now, and waits for its result: for what BigQuery refuses only then. */
  async begin(): Promise<void> {
    await this.#result.begin();
  }

  async close(): Promise<void> {
    this.#state.onClose();
    await this.#result.close();
  }
}
