import type { BigQuery } from '@google-cloud/bigquery';
import type { AuthClient } from 'google-auth-library';
import type { BigQueryConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import { bigqueryError } from './errors.ts';
import type { ErrorContext } from './reports.ts';

/** One call of the REST API, below `projects/<project>`. */
export interface ApiCall {
  readonly method: 'GET' | 'POST';
  readonly uri: string;
  readonly qs?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly json?: unknown;
  /** By default the project that pays. */
  readonly projectId?: string | undefined;
  /** A page of rows: large. */
  readonly isPage?: boolean | undefined;
}

/** Google's client, and what it authenticates with. */
interface Clients {
  readonly client: BigQuery;
  readonly auth: AuthClient;
}

export interface ApiAnswer {
  readonly body: Readonly<Record<string, unknown>>;
  /** The server's clock, by the header `Date`, milliseconds since 1970. */
  readonly dateMs: number | undefined;
}

export interface CallLimits {
  /** The longest that the answer may take, retries included, in milliseconds. */
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Thrown when the time is up; by default that BigQuery did not answer. */
  readonly expired?: (() => HeadraceError) | undefined;
  /** What an error of this call needs to know beyond the connection. */
  readonly context?: Pick<ErrorContext, 'isAnalysis' | 'linesBefore'> | undefined;
}

const DEFAULT_ENDPOINT = 'https://bigquery.googleapis.com';
const SCOPES = ['https://www.googleapis.com/auth/bigquery', 'https://www.googleapis.com/auth/cloud-platform'];

/**
 * The vendor's client, used for what is hard: credentials, their renewal, retries of requests that BigQuery wants repeated. Its own reading of results is not used:
 * it rounds (TIMESTAMP by way of doubles, INT64 unless told otherwise), and `query()` gives an empty result where the answer is an error in a form that it
 * does not expect. What comes back from here is the JSON as BigQuery sent it, an object in any case.
 */
export class BigQueryConnection {
  readonly context: ErrorContext;
  readonly #config: BigQueryConfig;
  #clients: Promise<Clients> | undefined;

  constructor(config: BigQueryConfig) {
    this.#config = config;
    this.context = {
      address: new URL(config.apiEndpoint ?? DEFAULT_ENDPOINT).host,
      project: config.project,
      location: config.dataLocation,
      account: config.impersonate ?? emailOf(config.credentials),
      statementTimeoutMs: config.statementTimeoutMs,
      maximumBytesBilled: config.maximumBytesBilled,
    };
  }

  /** Throws every error as a HeadraceError: of BigQuery, of the credentials, of the network, of the signal. */
  async call(call: ApiCall, limits: CallLimits): Promise<ApiAnswer> {
    const { limitMs, signal } = limits;
    throwIfAborted(signal);
    const late = limits.expired ?? (() => noAnswer(this.context, limitMs));
    try {
      const { body, dateMs } = await raced(
        this.#open(signal).then((clients) =>
          call.isPage === true ? fetchPage(clients, call, this.#config, signal) : send(clients.client, call),
        ),
        limitMs,
        signal,
        late,
      );
      if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { body: body as Record<string, unknown>, dateMs };
      throw notAnApi(this.context);
    } catch (error) {
      throwIfAborted(signal);
      throw bigqueryError(error, { ...this.context, ...limits.context });
    }
  }

  /** Made once, unless making it failed: a credentials file may appear later. */
  #open(signal: AbortSignal | undefined): Promise<Clients> {
    const opening = this.#clients ?? openClients(this.#config);
    this.#clients = opening;
    opening.catch(() => {
      this.#clients = undefined;
    });
    const { connectTimeoutMs } = this.#config;
    return raced(opening, connectTimeoutMs, signal, () => noAnswer(this.context, connectTimeoutMs));
  }
}

/** Throws the signal's own HeadraceError, or INTERRUPTED. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof HeadraceError) throw signal.reason;
  throw new HeadraceError('INTERRUPTED', 'Reading the warehouse was interrupted.');
}

async function openClients(config: BigQueryConfig): Promise<Clients> {
  const { BigQuery } = await import('@google-cloud/bigquery');
  const endpoint = config.apiEndpoint ?? DEFAULT_ENDPOINT;
  const auth = await openCredentials(config);
  const client = new BigQuery({
    projectId: config.project,
    apiEndpoint: endpoint,
    userAgent: 'headrace',
    maxRetries: 3,
    authClient: auth,
  } as ConstructorParameters<typeof BigQuery>[0]);
  // BIGQUERY_EMULATOR_HOST would send everything, tokens included, to another place than the configuration says.
  client.baseUrl = `${endpoint}/bigquery/v2`;
  return { client, auth };
}

async function openCredentials(config: BigQueryConfig): Promise<AuthClient> {
  const { GoogleAuth, Impersonated, PassThroughClient } = await import('google-auth-library');
  if (config.credentials.kind === 'none') return new PassThroughClient();
  const { credentials } = config;
  const auth = new GoogleAuth({
    scopes: SCOPES,
    // Known, so that it is not looked for.
    projectId: config.project,
    ...(credentials.kind === 'key_file' ? { keyFilename: credentials.path } : {}),
    ...(credentials.kind === 'key' ? { credentials: credentials.key } : {}),
  });
  const own = await auth.getClient();
  const client =
    config.impersonate === undefined
      ? own
      : new Impersonated({ sourceClient: own, targetPrincipal: config.impersonate, targetScopes: SCOPES, lifetime: 3600 });
  // Now, because the client would send its requests without credentials where it cannot get any.
  await client.getAccessToken();
  return client;
}

function emailOf(credentials: BigQueryConfig['credentials']): string | undefined {
  const email = credentials.kind === 'key' ? credentials.key.client_email : undefined;
  return typeof email === 'string' ? email : undefined;
}

function send(client: BigQuery, call: ApiCall): Promise<{ readonly body: unknown; readonly dateMs: number | undefined }> {
  const options = Object.fromEntries(Object.entries(call).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    client.request(options as { uri: string }, (error: unknown, body: unknown, response: unknown) => {
      if (error === null || error === undefined) resolve({ body, dateMs: dateOf(response) });
      else reject(error);
    });
  });
}

/** A page by the credentials' own transport: the client would copy it once more, value by value, which costs more than everything else that is done with it. */
async function fetchPage(
  { client, auth }: Clients,
  { uri, qs = {} }: ApiCall,
  { project }: BigQueryConfig,
  signal: AbortSignal | undefined,
): Promise<{ readonly body: unknown; readonly dateMs: undefined }> {
  const { data } = await auth.request({
    url: `${client.baseUrl}/projects/${encodeURIComponent(project)}${uri}`,
    params: qs,
    responseType: 'json',
    retry: true,
    retryConfig: {
      retry: 3,
      noResponseRetries: 3,
      statusCodesToRetry: [
        [408, 408],
        [429, 429],
        [500, 599],
      ],
    },
    ...(signal === undefined ? {} : { signal }),
  });
  return { body: data, dateMs: undefined };
}

function dateOf(response: unknown): number | undefined {
  const { date } = (response as { readonly headers?: { readonly date?: unknown } } | undefined)?.headers ?? {};
  const ms = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** The first of: the work, the end of its time, the signal. Work that comes too late is nobody's any more. */
async function raced<T>(work: Promise<T>, limitMs: number, signal: AbortSignal | undefined, late: () => HeadraceError): Promise<T> {
  let end: () => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(late()), limitMs);
    const abort = (): void => reject(new HeadraceError('INTERRUPTED', 'Reading the warehouse was interrupted.'));
    signal?.addEventListener('abort', abort, { once: true });
    end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    end();
    work.catch(() => undefined);
  }
}

function noAnswer({ address }: ErrorContext, limitMs: number): HeadraceError {
  return new HeadraceError('WAREHOUSE_UNREACHABLE', `BigQuery at ${address} did not answer within ${limitMs} ms.`, {
    suggestion:
      'Check the network between this machine and BigQuery, and its proxy settings. Nothing was changed; the next run reads again.',
  });
}

function notAnApi({ address }: ErrorContext): HeadraceError {
  return new HeadraceError('WAREHOUSE_UNREACHABLE', `What answers at ${address} is not BigQuery: the answer is no JSON object.`, {
    suggestion: 'Check `api_endpoint`, and whether a proxy answers in its place.',
  });
}
