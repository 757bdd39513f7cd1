import { randomUUID } from 'node:crypto';
import type { BigQueryConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { ScanPurpose } from '../warehouse.ts';
import type { TableField } from './columns.ts';
import type { BigQueryConnection } from './connection.ts';
import { isDuplicate, type ReportedError, reportedError, timedOut } from './errors.ts';
import { labelsOf } from './labels.ts';

/** The parts of a job that are read here. https://cloud.google.com/bigquery/docs/reference/rest/v2/Job */
interface ApiJob {
  readonly status?: { readonly state?: string; readonly errorResult?: ReportedError };
  readonly statistics?: {
    readonly creationTime?: string;
    readonly totalBytesProcessed?: string;
    readonly query?: {
      readonly statementType?: string;
      readonly totalBytesProcessed?: string;
      readonly schema?: { readonly fields?: readonly TableField[] };
    };
  };
}

/** What a job runs. */
export interface JobQuery {
  /** A statement, or a script. */
  readonly text: string;
  /** STRINGs, by their names. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

/** What BigQuery says of a query without running it: free, and it reads nothing. */
export interface DryRun {
  readonly fields: readonly TableField[];
  readonly bytes: number;
  /** The server's clock at the dry run, milliseconds since 1970. */
  readonly nowMs: number;
}

/** The longest that a request may take whose answer needs no reading of tables: large views take seconds to analyse. */
export const ANSWER_MS = 120_000;
/** How long BigQuery may hold a question for results open. */
export const POLL_MS = 10_000;

/** Throws QUERY_INVALID where BigQuery refuses the query, or where it is none that only reads. */
export async function dryRun(
  connection: BigQueryConnection,
  config: BigQueryConfig,
  text: string,
  signal?: AbortSignal,
  linesBefore?: number,
): Promise<DryRun> {
  const json = {
    jobReference: { projectId: config.project, ...(config.dataLocation === undefined ? {} : { location: config.dataLocation }) },
    configuration: { dryRun: true, query: queryOf(config, { text }) },
  };
  const context = { isAnalysis: true, linesBefore };
  const isStatement = config.statementTimeoutMs < ANSWER_MS;
  const limits = isStatement ? { limitMs: config.statementTimeoutMs, expired: () => timedOut(connection.context) } : { limitMs: ANSWER_MS };
  const { body, dateMs } = await connection.call({ method: 'POST', uri: '/jobs', json }, { ...limits, signal, context });
  const job = body as ApiJob;
  const failed = job.status?.errorResult;
  if (failed !== undefined) throw reportedError(failed, { ...connection.context, ...context });
  const { statementType, schema, totalBytesProcessed = job.statistics?.totalBytesProcessed } = job.statistics?.query ?? {};
  if (statementType !== undefined && statementType !== 'SELECT') {
    throw new HeadraceError('QUERY_INVALID', `The model's query is no query that only reads: BigQuery takes it for ${statementType}.`, {
      suggestion: 'Write one select.',
    });
  }
  const createdMs = Number(job.statistics?.creationTime);
  // A header's seconds are cut off, not rounded: earlier, never later.
  const nowMs = createdMs > 0 ? createdMs : dateMs;
  if (schema?.fields === undefined || nowMs === undefined) throw incompleteAnswer('a dry run');
  return { fields: schema.fields, bytes: Number(totalBytesProcessed ?? 0), nowMs };
}

/** One query that runs, or has run. Its result is one anonymous table, which no later write changes: the scan's consistent snapshot. */
export class QueryJob {
  readonly id: string;
  readonly #connection: BigQueryConnection;
  readonly #config: BigQueryConfig;
  readonly #deadlineMs: number;
  #inserted: Promise<unknown>;
  #isOver = false;

  private constructor(connection: BigQueryConnection, config: BigQueryConfig, id: string) {
    this.#connection = connection;
    this.#config = config;
    this.id = id;
    this.#deadlineMs = performance.now() + config.statementTimeoutMs;
    this.#inserted = Promise.resolve();
  }

  /** Starts it. With an id of our own, so that a repeated request starts no second job, and so that it can be cancelled before BigQuery has answered. */
  static async start(
    connection: BigQueryConnection,
    config: BigQueryConfig,
    query: JobQuery,
    purpose: Partial<ScanPurpose> | undefined,
    signal: AbortSignal,
    onStart: (job: QueryJob) => void,
  ): Promise<QueryJob> {
    const job = new QueryJob(connection, config, jobId(purpose));
    const { project, dataLocation: location, maximumBytesBilled, priority } = config;
    const json = {
      jobReference: { projectId: project, jobId: job.id, ...(location === undefined ? {} : { location }) },
      configuration: {
        jobTimeoutMs: String(config.statementTimeoutMs),
        labels: labelsOf(config.labels, purpose),
        query: {
          ...queryOf(config, query),
          priority: priority === 'batch' ? 'BATCH' : 'INTERACTIVE',
          ...(maximumBytesBilled === undefined ? {} : { maximumBytesBilled: String(maximumBytesBilled) }),
        },
      },
    };
    const inserted = connection.call({ method: 'POST', uri: '/jobs', json }, job.#limits(signal));
    job.#inserted = inserted.catch(() => undefined);
    onStart(job);
    try {
      job.#judge((await inserted).body as ApiJob);
    } catch (error) {
      // The request before was taken, and its answer lost.
      if (!isDuplicate(error)) throw error;
    }
    return job;
  }

  /** Waits until a statement without a result is done. */
  async finish(signal: AbortSignal): Promise<void> {
    const qs = { maxResults: 0, timeoutMs: POLL_MS, ...this.#location };
    for (;;) {
      const { body } = await this.#connection.call({ method: 'GET', uri: `/queries/${this.id}`, qs }, this.#limits(signal));
      if (body.jobComplete === true) break;
      if (body.jobComplete !== false) throw incompleteAnswer('a job');
    }
    await this.confirm(signal);
  }

  /** One page of the result, or undefined while the query still runs. */
  async page(pageToken: string | undefined, maxResults: number, signal: AbortSignal): Promise<ResultPage | undefined> {
    const qs = {
      maxResults,
      timeoutMs: POLL_MS,
      'formatOptions.useInt64Timestamp': true,
      ...this.#location,
      ...(pageToken === undefined ? {} : { pageToken }),
    };
    const isRunning = pageToken === undefined;
    const limits = isRunning ? this.#limits(signal) : { limitMs: ANSWER_MS, signal };
    const answer = await this.#connection.call({ method: 'GET', uri: `/queries/${this.id}`, qs, isPage: true }, limits);
    const body = answer.body as ApiResults;
    if (body.jobComplete !== true) {
      if (body.jobComplete === false && isRunning) return undefined;
      throw incompleteAnswer('a result');
    }
    return checkedPage(body);
  }

  /** Throws unless BigQuery says that the job is done and did not fail: whatever a result looks like, this is asked before it is taken for whole. */
  async confirm(signal: AbortSignal): Promise<void> {
    const qs = this.#location;
    const answer = await this.#connection.call({ method: 'GET', uri: `/jobs/${this.id}`, qs }, { limitMs: ANSWER_MS, signal });
    const job = answer.body as ApiJob;
    this.#judge(job);
    if (job.status?.state !== 'DONE') throw incompleteAnswer('a job');
    this.#isOver = true;
  }

  /** Tells BigQuery to stop. Its failure changes nothing: the job may have ended meanwhile, and ends at its own timeout at last. */
  async cancel(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const qs = this.#location;
    const send = () =>
      this.#connection
        .call({ method: 'POST', uri: `/jobs/${this.id}/cancel`, qs }, { limitMs: this.#config.connectTimeoutMs })
        .catch(() => undefined);
    // Now, and again once BigQuery has answered the request that starts it: it may have known nothing of the job before.
    const first = send();
    void this.#inserted.then(send);
    await first;
  }

  get #location(): { readonly location?: string } {
    const { dataLocation: location } = this.#config;
    return location === undefined ? {} : { location };
  }

  #judge(job: ApiJob): void {
    const failed = job.status?.errorResult;
    if (failed === undefined) return;
    this.#isOver = true;
    throw reportedError(failed, this.#connection.context);
  }

  #limits(signal: AbortSignal) {
    const limitMs = Math.max(1, this.#deadlineMs - performance.now());
    return { limitMs, signal, expired: () => timedOut(this.#connection.context) };
  }
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults#response-body */
interface ApiResults {
  readonly jobComplete?: unknown;
  readonly totalRows?: unknown;
  readonly pageToken?: unknown;
  readonly rows?: unknown;
  readonly schema?: { readonly fields?: readonly TableField[] };
}

export interface ResultPage {
  readonly fields: readonly TableField[];
  readonly rows: readonly { readonly f?: unknown }[];
  /** Of the whole result. */
  readonly totalRows: number;
  /** Undefined on the last page. */
  readonly pageToken: string | undefined;
}

/** An answer that lacks anything is no empty result. */
function checkedPage({ totalRows, pageToken, rows = [], schema }: ApiResults): ResultPage {
  const total = typeof totalRows === 'string' && /^\d+$/.test(totalRows) ? Number(totalRows) : undefined;
  const isTokenKnown = pageToken === undefined || (typeof pageToken === 'string' && pageToken !== '');
  if (total === undefined || !isTokenKnown || !Array.isArray(rows) || schema?.fields === undefined) throw incompleteAnswer('a result');
  return { fields: schema.fields, rows, totalRows: total, pageToken: pageToken as string | undefined };
}

function queryOf({ dataset }: BigQueryConfig, { text, parameters }: JobQuery): Readonly<Record<string, unknown>> {
  const named = Object.entries(parameters ?? {}).map(([name, value]) => ({
    name,
    parameterType: { type: 'STRING' },
    parameterValue: { value },
  }));
  return {
    query: text,
    useLegacySql: false,
    ...(dataset === undefined ? {} : { defaultDataset: dataset }),
    ...(named.length === 0 ? {} : { parameterMode: 'NAMED', queryParameters: named }),
  };
}

/** Letters, digits, `_` and `-`. */
function jobId({ project, mapping, run }: Partial<ScanPurpose> = {}): string {
  const words = ['headrace', project, mapping, run, randomUUID()].filter((word) => word !== undefined);
  return words.map((word) => word.replaceAll(/[^A-Za-z0-9_-]/g, '_')).join('-');
}

function incompleteAnswer(what: string): HeadraceError {
  return new HeadraceError('WAREHOUSE_FAILED', `BigQuery's answer for ${what} lacks what tells that it is whole.`, {
    suggestion:
      'Nothing was changed: such an answer is never taken for an empty result. Check `api_endpoint`, and what stands between this machine and BigQuery.',
  });
}
