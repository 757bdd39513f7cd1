import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BigQueryConfig } from '../../../src/config/project.ts';

/** A request as BigQuery would get it. */
export interface ApiRequest {
  readonly method: string;
  /** Below `/bigquery/v2/projects/<project>`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  readonly authorization: string | undefined;
}

export interface ApiResponse {
  readonly status?: number;
  /** An object is sent as JSON, a text as HTML. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RecordedApi {
  readonly requests: readonly ApiRequest[];
  readonly config: BigQueryConfig;
  stop(): Promise<void>;
}

/**
 * A server that answers as BigQuery's REST API documents it (https://cloud.google.com/bigquery/docs/reference/rest), so that the vendor's client reads real HTTP. It stands for
 * what the emulator does not have. What it says was written after the documentation: it is not verified against the vendor.
 */
export async function recordedApi(
  answer: (request: ApiRequest, nth: number) => ApiResponse | Promise<ApiResponse>,
  config: Partial<BigQueryConfig> = {},
): Promise<RecordedApi> {
  const requests: ApiRequest[] = [];
  const server: Server = createServer((incoming, outgoing) => {
    void (async () => {
      const url = new URL(incoming.url ?? '/', 'http://localhost');
      const text = await textOf(incoming);
      const path = url.pathname.replace(/^\/bigquery\/v2\/projects\/[^/]+/, '');
      const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
      const request: ApiRequest = {
        method: incoming.method ?? '',
        path,
        query: url.searchParams,
        body,
        authorization: incoming.headers.authorization,
      };
      requests.push(request);
      const { status = 200, body: said, headers = {} } = await answer(request, requests.length);
      const isText = typeof said === 'string';
      outgoing.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json; charset=UTF-8', ...headers });
      outgoing.end(isText ? said : JSON.stringify(said));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    config: {
      type: 'bigquery',
      name: 'test',
      location: { file: 'headrace.yml' },
      project: 'billing-project',
      credentials: { kind: 'none' },
      labels: {},
      priority: 'interactive',
      statementTimeoutMs: 60_000,
      connectTimeoutMs: 2_000,
      ...config,
      apiEndpoint: `http://127.0.0.1:${port}`,
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

type Field = Readonly<Record<string, unknown>>;

/** The text of the query that a request is about. */
export function queryOf({ body }: ApiRequest): string {
  return (body.configuration as { query?: { query?: string } } | undefined)?.query?.query ?? '';
}

/** How the API refuses a request. https://cloud.google.com/bigquery/docs/error-messages */
export function refusalOf(message: string, reason = 'invalidQuery', status = 400): ApiResponse {
  return {
    status,
    body: { error: { code: status, message, errors: [{ message, domain: 'global', reason }], status: 'INVALID_ARGUMENT' } },
  };
}

/** What a dry run answers, at a time of the server's clock. */
export function dryRunOf(fields: readonly Field[], bytes = 0, nowMs = 1_774_000_000_123): unknown {
  return {
    kind: 'bigquery#job',
    status: { state: 'DONE' },
    statistics: {
      creationTime: String(nowMs),
      totalBytesProcessed: String(bytes),
      query: { statementType: 'SELECT', totalBytesProcessed: String(bytes), cacheHit: false, schema: { fields } },
    },
  };
}

/** What starting a job, or asking for it, answers. */
export function jobOf(state: 'PENDING' | 'RUNNING' | 'DONE', errorResult?: { reason: string; message: string }): unknown {
  return {
    kind: 'bigquery#job',
    status: { state, ...(errorResult === undefined ? {} : { errorResult, errors: [errorResult] }) },
    statistics: {},
  };
}

/** One page of a result. */
export function pageOf(fields: readonly Field[], rows: readonly (readonly unknown[])[], totalRows: number, pageToken?: string): unknown {
  return {
    kind: 'bigquery#getQueryResultsResponse',
    jobComplete: true,
    schema: { fields },
    totalRows: String(totalRows),
    rows: rows.map((row) => ({ f: row.map((v) => ({ v })) })),
    ...(pageToken === undefined ? {} : { pageToken }),
  };
}

export function isDryRun({ body }: ApiRequest): boolean {
  return (body.configuration as { dryRun?: boolean } | undefined)?.dryRun === true;
}

/** A whole, good exchange: describe, start, one page, ask. */
export function exchangeOf(fields: readonly Field[], rows: readonly (readonly unknown[])[]): (request: ApiRequest) => ApiResponse {
  return (request) => {
    if (request.path === '/jobs') return { body: isDryRun(request) ? dryRunOf(fields, 12_345) : jobOf('RUNNING') };
    if (request.path.startsWith('/queries/')) return { body: pageOf(fields, rows, rows.length) };
    return { body: jobOf('DONE') };
  };
}
