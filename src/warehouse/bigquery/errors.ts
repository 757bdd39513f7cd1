import { HeadraceError } from '../../core/errors.ts';
import { credentialsError } from './credentials-errors.ts';
import { BY_STATUS, type ErrorContext, RAISE_TIMEOUT, REPORTS, type Report, TRANSIENT } from './reports.ts';

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/ErrorProto */
export interface ReportedError {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

/** What BigQuery reported, kept as the cause: its own words may quote a row, so only the reason is in it. */
class ReportedReason extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(`BigQuery's reason: ${reason}`);
    this.reason = reason;
  }
}

/** Whether a job of that id exists already. */
export const isDuplicate = hasReason('duplicate');
/** Whether a dataset, a table or the like is not there, or not where it was looked for. */
export const isNotFound = hasReason('notFound');
/** Whether another transaction or statement was changing the same table: nothing of this one's is left. */
export const isConcurrentUpdate = hasReason('concurrentUpdate');

function hasReason(reason: string): (error: unknown) => boolean {
  return (error) => error instanceof HeadraceError && error.cause instanceof ReportedReason && error.cause.reason === reason;
}

/** Any error of the client, the credentials, the network or the API as one of ours. */
export function bigqueryError(error: unknown, context: ErrorContext): HeadraceError {
  if (error instanceof HeadraceError) return error;
  const answered = apiErrorOf(error);
  if (answered !== undefined) return reportedError(answered, context, answered.status);
  return credentialsError(error, context) ?? networkError(error, context);
}

/** The client's ApiError, or an error of the transport: an HTTP status, and what the API wrote into the answer's body. */
function apiErrorOf(error: unknown): (ReportedError & { readonly status: number }) | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('response' in error && !('errors' in error)) return answeredError(error.response);
  if (!('code' in error) || typeof error.code !== 'number' || !('errors' in error)) return undefined;
  const [first] = Array.isArray(error.errors) ? (error.errors as readonly ReportedError[]) : [];
  return { status: error.code, reason: first?.reason, message: first?.message };
}

/** Of an answer without an error object undefined, unless its status says enough: the token's endpoint writes a word (`invalid_grant`). */
function answeredError(response: unknown): (ReportedError & { readonly status: number }) | undefined {
  const { status, data } = (response ?? {}) as { readonly status?: unknown; readonly data?: { readonly error?: unknown } | string };
  if (typeof status !== 'number') return undefined;
  const body = typeof data === 'object' && data !== null ? data.error : undefined;
  if (typeof body !== 'object' || body === null) return status >= 500 ? { status } : undefined;
  const { errors = [], message } = body as { readonly errors?: readonly ReportedError[]; readonly message?: string };
  return { status, reason: errors[0]?.reason, message: errors[0]?.message ?? message };
}

/** An error that the API reported: of a request, or of a job. https://cloud.google.com/bigquery/docs/error-messages */
export function reportedError(reported: ReportedError, context: ErrorContext, status?: number): HeadraceError {
  const { reason = '', message = '' } = reported;
  if (CONCURRENT.test(message)) return concurrentUpdate();
  const known =
    REPORTS.find((report) => report.reasons.includes(reason)) ?? BY_STATUS.find((report) => report.statuses?.includes(status ?? 0));
  if (known !== undefined) return make(known, reported, context);
  if (reason === 'notFound') return notFound(message, context);
  if (status !== undefined && status >= 500) return make(TRANSIENT, reported, context);
  const isOfTheQuery = status === undefined || status === 400;
  if (isOfTheQuery && (context.isAnalysis === true || OF_THE_QUERY.test(message))) return refusedQuery(reported, context);
  // What a query says while it runs may quote the value that it fails on (`Bad int64 value: …`): only the reason is passed on.
  return new HeadraceError(
    'WAREHOUSE_FAILED',
    `BigQuery failed on the query with ${reason === '' ? `HTTP ${status ?? 'status unknown'}` : reason}${position(message, context)}.`,
    {
      suggestion: "Run the model's query in BigQuery's console to see the value that it fails on.",
      cause: new ReportedReason(reason),
    },
  );
}

/** https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency; the reason is that of any query that fails. */
const CONCURRENT = /aborted due to concurrent update|Could not serialize access to table/;

function concurrentUpdate(): HeadraceError {
  return new HeadraceError('WAREHOUSE_FAILED', 'BigQuery undid a transaction, because another one was changing the same table.', {
    suggestion: 'Nothing of it is left. Run again.',
    cause: new ReportedReason('concurrentUpdate'),
  });
}

/** What the analyser says before any row is read, and never quotes a value in. */
const OF_THE_QUERY = /^(Syntax error|Unrecognized name|ORDER BY does not support)/;

function refusedQuery({ reason = '', message = '' }: ReportedError, context: ErrorContext): HeadraceError {
  const [, twice] = /Duplicate column names in the result are not supported.*Found duplicate\(s\): ([^,\s]+)/.exec(message) ?? [];
  if (twice !== undefined) {
    return new HeadraceError('QUERY_INVALID', `The query yields two columns of the name "${twice}".`, {
      suggestion: 'Give one of them another name with `as`.',
      cause: new ReportedReason(reason),
    });
  }
  return new HeadraceError(
    'QUERY_INVALID',
    `BigQuery refuses the query: ${oneLine(message).replace(/ at \[\d+:\d+\]$/, '')}${position(message, context)}.`,
    {
      suggestion: "Check the model's `table` or `sql`.",
      cause: new ReportedReason(reason),
    },
  );
}

function notFound(message: string, { project, location, address }: ErrorContext): HeadraceError {
  const [, kind = 'object'] = /^Not found: (\w+)/.exec(message) ?? [];
  const cause = new ReportedReason('notFound');
  const where =
    location === undefined
      ? "`location` is not set, so BigQuery looks where the query's datasets seem to be"
      : `\`location\` is ${location}`;
  switch (kind) {
    case 'Project':
      return new HeadraceError('WAREHOUSE_UNREACHABLE', `BigQuery at ${address} knows no such project: ${oneLine(message)}.`, {
        suggestion: `Check \`project\` (${project}), or the project that the model's table is named with: it is the id, not the name or the number.`,
        cause,
      });
    case 'Job':
      return new HeadraceError('WAREHOUSE_FAILED', `BigQuery lost the job: ${oneLine(message)}.`, {
        suggestion: `Nothing was changed; the next run reads again. If it happens again, check \`location\`: ${where}.`,
        cause,
      });
    default:
      return new HeadraceError('QUERY_INVALID', `BigQuery refuses the query: ${oneLine(message)}.`, {
        suggestion: `Check the model's \`table\` or \`sql\`, \`dataset\`, and \`location\`: ${where}.`,
        cause,
      });
  }
}

function make(report: Report, { reason = '', message = '' }: ReportedError, context: ErrorContext): HeadraceError {
  const isTimeout = reason === 'stopped' && /timed? ?out/i.test(message);
  if (isTimeout) return timedOut(context);
  const words = report.hasSafeMessage && message !== '' ? `: ${oneLine(message)}` : '';
  return new HeadraceError(report.code, `${report.says(context)}${words}.`, {
    suggestion: report.suggestion(context, message),
    cause: new ReportedReason(reason),
  });
}

/** The statement timeout, as this machine measures it. */
export function timedOut({ statementTimeoutMs }: ErrorContext): HeadraceError {
  return new HeadraceError(
    'WAREHOUSE_TIMEOUT',
    `BigQuery did not finish the query within the statement timeout of ${statementTimeoutMs} ms.`,
    {
      suggestion: RAISE_TIMEOUT,
    },
  );
}

const NETWORK = /^(E[A-Z_]+|ERR_TLS.*|CERT_.*|.*_CERT.*|UNABLE_TO_.*|UND_ERR.*)$/;

function networkError(error: unknown, { address }: ErrorContext): HeadraceError {
  const code = networkCode(error);
  return new HeadraceError(
    'WAREHOUSE_UNREACHABLE',
    `BigQuery at ${hostOf(error) ?? address} cannot be reached: ${code ?? 'the connection broke'}.`,
    {
      suggestion:
        'Check the network, name resolution and proxy settings (HTTPS_PROXY) of this machine. Nothing was changed; the next run reads again.',
      cause: new Error(code ?? (error instanceof Error ? error.name : 'unknown')),
    },
  );
}

/** ECONNREFUSED and the like, wherever the client has put it. */
function networkCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string' && NETWORK.test(error.code)) return error.code;
  if (error instanceof AggregateError && error.errors.length > 0) return networkCode(error.errors[0]);
  return networkCode(error.cause);
}

/** A token comes from another host than the data. */
function hostOf(error: unknown): string | undefined {
  const url = /request to (https?:\/\/[^\s/]+)/.exec(error instanceof Error ? error.message : '')?.[1];
  return url !== undefined && URL.canParse(url) ? new URL(url).host : undefined;
}

function position(message: string, { linesBefore }: ErrorContext): string {
  const [, line, column] = / at \[(\d+):(\d+)\]/.exec(message) ?? [];
  if (line === undefined || linesBefore === undefined) return '';
  const own = Number(line) - linesBefore;
  return own >= 1 ? ` (line ${own}, column ${column} of the model's query)` : '';
}

function oneLine(message: string): string {
  return message
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .replace(/\.$/, '');
}
