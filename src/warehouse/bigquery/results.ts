import type { BigQueryConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { ScanPurpose } from '../warehouse.ts';
import { sameShape, sourceType, type TableField } from './columns.ts';
import { type BigQueryConnection, throwIfAborted } from './connection.ts';
import { type JobQuery, QueryJob, type ResultPage } from './jobs.ts';
import type { ApiRow } from './rows.ts';

/** Rows of one page at most; BigQuery ends a page at 10 MB in any case. Two pages are in memory at a time. */
const PAGE_ROWS = 20_000;

/** A statement or a script to be run. */
export interface StatementRequest {
  readonly connection: BigQueryConnection;
  readonly config: BigQueryConfig;
  readonly signal: AbortSignal;
  readonly purpose: Partial<ScanPurpose> | undefined;
  readonly query: JobQuery;
}

/** One query job and its result; it is started when it is first needed. */
export class QueryResult {
  readonly #request: StatementRequest;
  readonly #fields: readonly TableField[] | undefined;
  /** Ends the requests that are on their way when the result is closed. */
  readonly #closed = new AbortController();
  readonly #signal: AbortSignal;
  #job: QueryJob | undefined;
  #first: Promise<{ readonly job: QueryJob; readonly page: ResultPage }> | undefined;

  /** `fields`: what the result's columns must be; undefined where nobody has described them. */
  constructor(request: StatementRequest, fields?: readonly TableField[]) {
    this.#request = request;
    this.#fields = fields;
    this.#signal = AbortSignal.any([request.signal, this.#closed.signal]);
  }

  /** Starts the job now, and waits for its result: for what BigQuery refuses only then. */
  async begin(): Promise<void> {
    await this.#begun();
  }

  /** The rows, by the page. Ends normally only where BigQuery says that the job is done, and all rows that it reports arrived; an error cancels the job. */
  async *pages(): AsyncGenerator<readonly ApiRow[], void, undefined> {
    const { signal } = this.#request;
    throwIfAborted(signal);
    try {
      const { job, page: first } = await this.#begun();
      let page = first;
      const { totalRows } = page;
      let rows = 0;
      for (;;) {
        checkPage(page, this.#fields ?? first.fields, totalRows);
        const next = page.pageToken === undefined ? undefined : this.#prefetch(job, page.pageToken);
        rows += page.rows.length;
        if (page.rows.length > 0) yield page.rows as readonly ApiRow[];
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

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#job?.cancel();
  }

  #begun(): Promise<{ readonly job: QueryJob; readonly page: ResultPage }> {
    this.#first ??= this.#start();
    return this.#first;
  }

  async #start(): Promise<{ readonly job: QueryJob; readonly page: ResultPage }> {
    const { connection, config, query, purpose } = this.#request;
    const job = await QueryJob.start(connection, config, query, purpose, this.#signal, (started) => {
      this.#job = started;
    });
    const page = await firstPage(job, this.#signal);
    await job.confirm(this.#signal);
    return { job, page };
  }

  /** Asked for while the caller works on the page before. */
  #prefetch(job: QueryJob, pageToken: string): Promise<ResultPage> {
    const asked = job.page(pageToken, PAGE_ROWS, this.#signal).then((page) => page ?? never());
    asked.catch(() => undefined);
    return asked;
  }
}

/** Runs a statement that has no result. */
export async function runStatement({ connection, config, query, purpose, signal }: StatementRequest): Promise<void> {
  let job: QueryJob | undefined;
  try {
    const running = await QueryJob.start(connection, config, query, purpose, signal, (started) => {
      job = started;
    });
    await running.finish(signal);
  } catch (error) {
    await job?.cancel();
    throw error;
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
