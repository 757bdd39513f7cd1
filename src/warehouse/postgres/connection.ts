import { connect as connectSocket } from 'node:net';
import type { Client, ClientConfig } from 'pg';
import type { PostgresConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import { type ErrorContext, postgresError } from './errors.ts';

/** One connection, with what errors on it need to say. */
export interface PostgresConnection {
  readonly client: Client;
  readonly context: ErrorContext;
  /** Cancels what runs on the server and cuts the connection at once; may be called at any time and twice. */
  destroy(): void;
  /** Says goodbye to the server, or cuts the connection if it does not answer. */
  end(): Promise<void>;
}

/** What is pinned for every session: the texts of rows, and so raw fingerprints, depend on nothing else. */
export const SESSION_SETTINGS: readonly (readonly [string, string])[] = [
  ['client_encoding', 'UTF8'],
  ['TimeZone', 'UTC'],
  ['DateStyle', 'ISO, YMD'],
  ['IntervalStyle', 'iso_8601'],
  ['extra_float_digits', '3'],
  ['bytea_output', 'hex'],
  ['lc_monetary', 'C'],
  ['standard_conforming_strings', 'on'],
];

/** The statements that open a consistent, read-only snapshot with the pinned settings; they end with its transaction. */
export function beginText(statementTimeoutMs: number): string {
  const settings = [...SESSION_SETTINGS, ['statement_timeout', String(Math.ceil(statementTimeoutMs))] as const];
  return [
    'begin transaction isolation level repeatable read read only',
    ...settings.map(([name, value]) => `set local ${name} = '${value}'`),
  ].join('; ');
}

/** Connects; throws WAREHOUSE_UNREACHABLE within connectTimeoutMs, or INTERRUPTED. */
export async function connect(config: PostgresConfig, signal?: AbortSignal): Promise<PostgresConnection> {
  const { default: pg } = await import('pg');
  throwIfAborted(signal);
  const client = makeClient(pg.Client, config);
  const context: ErrorContext = {
    address: `${client.host}:${client.port}`,
    user: client.user ?? '',
    database: client.database ?? '',
    statementTimeoutMs: config.statementTimeoutMs,
  };
  const connection = new LiveConnection(client, context);
  // A connection that breaks between two queries has no promise to reject; the next query on it does.
  client.on('error', () => undefined);
  const abort = (): void => connection.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await client.connect();
    throwIfAborted(signal);
    return connection;
  } catch (error) {
    connection.destroy();
    throwIfAborted(signal);
    throw postgresError(error, context);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Throws the signal's own HeadraceError, or INTERRUPTED. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof HeadraceError) throw signal.reason;
  throw new HeadraceError('INTERRUPTED', 'Reading the warehouse was interrupted.');
}

function makeClient(Constructor: new (config: ClientConfig) => Client, config: PostgresConfig): Client {
  try {
    return new Constructor(clientConfig(config));
  } catch {
    // No cause: the error of a malformed URL holds the URL, and with it the password.
    throw new HeadraceError('CONFIG_INVALID', `The url of warehouse "${config.name}" is not a postgres:// URL.`, {
      path: `${config.location.file}:${config.location.line ?? 1}`,
      suggestion: 'Write postgres://user:password@host:5432/database, with special characters of the password percent-encoded.',
    });
  }
}

function clientConfig(config: PostgresConfig): ClientConfig {
  const { tls } = config;
  return {
    connectionString: tls === undefined ? config.url : withoutSslParameters(config.url),
    ...(tls === undefined ? {} : { ssl: Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)) }),
    application_name: 'headrace',
    connectionTimeoutMillis: config.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/** pg lets `sslmode` of the URL replace the whole `ssl` object, and with it the certificates that the configuration gives. */
function withoutSslParameters(url: string): string {
  const parsed = new URL(url);
  for (const name of [...parsed.searchParams.keys()]) if (name.startsWith('ssl')) parsed.searchParams.delete(name);
  return parsed.toString();
}

class LiveConnection implements PostgresConnection {
  readonly client: Client;
  readonly context: ErrorContext;
  #over = false;

  constructor(client: Client, context: ErrorContext) {
    this.client = client;
    this.context = context;
  }

  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    const { processID, secretKey, connection } = this.client as unknown as Internals;
    if (processID !== null && secretKey !== null) sendCancel(this.client.host, this.client.port, processID, secretKey);
    connection.stream.destroy();
  }

  async end(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { stream } = (this.client as unknown as Internals).connection;
    const cut = setTimeout(() => stream.destroy(), 1_000);
    try {
      await this.client.end();
    } finally {
      clearTimeout(cut);
    }
  }
}

/** What pg's Client has, and its types leave out. */
interface Internals {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly connection: { readonly stream: { destroy(): void } };
}

/**
 * CancelRequest (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS): without it, a server that is busy sorting
 * notices only with the first row that nobody listens any more. Its failure changes nothing: the connection is cut as well.
 */
function sendCancel(host: string, port: number, processId: number, secretKey: number): void {
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(80877102, 4);
  message.writeInt32BE(processId, 8);
  message.writeInt32BE(secretKey, 12);
  const socket = host.startsWith('/') ? connectSocket(`${host}/.s.PGSQL.${port}`) : connectSocket(port, host);
  socket.setTimeout(2_000, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.end(message);
  socket.unref();
}
