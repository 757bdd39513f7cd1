import type { BigQueryConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Column, RowBatch } from '../../core/row.ts';
import type { Scan, ScanPurpose } from '../warehouse.ts';
import { sameShape, sourceType, type TableField } from './columns.ts';
import { type BigQueryConnection, throwIfAborted } from './connection.ts';
import { QueryJob, type ResultPage } from './jobs.ts';
import { type ApiRow, ApiRows, type RowLayout } from './rows.ts';

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

/** Rows of one page at most; BigQuery ends a page at 10 MB in any case. Two pages are in memory at a time. */
const PAGE_ROWS = 20_000;

/** One query job, started with the first batch unless it was begun before: a scan that is closed unread costs nothing. */
export class BigQueryScan implements Scan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[] | undefined;
  readonly byChangeFeed: boolean | undefined;
  readonly feedAtMs: number | undefined;
  readonly estimatedRows: number | undefined;
  readonly #state: BigQueryScanState;
  /** Ends the requests that are on their way when the scan is closed. */
  readonly #closed = new AbortController();
  readonly #signal: AbortSignal;
  #job: QueryJob | undefined;
  #first: Promise<{ readonly job: QueryJob; readonly page: ResultPage }> | undefined;
  #started = false;

  constructor(state: BigQueryScanState) {
    this.#state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.notes = state.notes;
    this.byChangeFeed = state.byChangeFeed;
    this.feedAtMs = state.feedAtMs;
    this.estimatedRows = state.estimatedRows;
    this.#signal = AbortSignal.any([state.signal, this.#closed.signal]);
  }

  async *batches(): AsyncGenerator<RowBatch, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    const { signal, layout, fields } = this.#state;
    throwIfAborted(signal);
    try {
      const { job, page: first } = await this.#begun();
      let page = first;
      const { totalRows } = page;
      let rows = 0;
      for (;;) {
        checkPage(page, fields, totalRows);
        const next = page.pageToken === undefined ? undefined : this.#prefetch(job, page.pageToken);
        rows += page.rows.length;
        if (page.rows.length > 0) yield new ApiRows(page.rows as readonly ApiRow[], layout);
        throwIfAborted(signal);
        if (next === undefined) break;
        if (page.rows.length === 0) throw incomplete(totalRows, rows);
        page = await next;
      }
      if (rows !== totalRows) throw incomplete(totalRows, rows);
    } catch (error) {
      await this.#job?.cancel();
      throwIfAborted(signal);
      throw error;
    }
  }

  /** Starts the job now, and waits for its result: for what BigQuery refuses only then. */
  async begin(): Promise<void> {
    await this.#begun();
  }

  #begun(): Promise<{ readonly job: QueryJob; readonly page: ResultPage }> {
    this.#first ??= this.#start();
    return this.#first;
  }

  async #start(): Promise<{ readonly job: QueryJob; readonly page: ResultPage }> {
    const { connection, config, text, purpose } = this.#state;
    const job = await QueryJob.start(connection, config, text, purpose, this.#signal, (started) => {
      this.#job = started;
    });
    const page = await firstPage(job, this.#signal);
    await job.confirm(this.#signal);
    return { job, page };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#state.onClose();
    await this.#job?.cancel();
  }

  /** Asked for while the caller works on the page before. */
  #prefetch(job: QueryJob, pageToken: string): Promise<ResultPage> {
    const asked = job.page(pageToken, PAGE_ROWS, this.#signal).then((page) => page ?? never());
    asked.catch(() => undefined);
    return asked;
  }
}

async function firstPage(job: QueryJob, signal: AbortSignal): Promise<ResultPage> {
  for (;;) {
    const page = await job.page(undefined, PAGE_ROWS, signal);
    if (page !== undefined) return page;
  }
}

/** Every page says what the result's columns are, and how many rows it has: they are the same, and they are those that were described. */
function checkPage(page: ResultPage, fields: readonly TableField[], totalRows: number): void {
  if (page.totalRows !== totalRows) throw incomplete(totalRows, page.totalRows);
  const changed = page.fields.length !== fields.length || !fields.every((field, i) => sameShape(field, page.fields[i] as TableField));
  if (changed) throw drift(page.fields, fields);
  for (const row of page.rows) if (!Array.isArray(row.f) || row.f.length !== fields.length) throw incomplete(totalRows, 0);
}

function drift(found: readonly TableField[], described: readonly TableField[]): HeadraceError {
  const list = (fields: readonly TableField[]): string => fields.map((field) => `${field.name} ${sourceType(field)}`).join(', ');
  return new HeadraceError('SCHEMA_DRIFT', `BigQuery yields the columns ${list(found)}, and described ${list(described)} a moment ago.`, {
    suggestion: 'Nothing was published. Run again once the change to the table is complete.',
  });
}

function incomplete(reported: number, read: number): HeadraceError {
  return new HeadraceError('WAREHOUSE_FAILED', `BigQuery reports ${reported} rows, but ${read} arrived: the scan is not complete.`, {
    suggestion: 'Nothing was changed. Run again; if it happens again, look at what stands between this machine and BigQuery.',
  });
}

function never(): never {
  throw new Error('BigQuery runs a query again that was complete.');
}
