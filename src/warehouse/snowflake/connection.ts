import type { Column, Connection, ConnectionOptions, RowStatement, SnowflakeError, StatementOption } from 'snowflake-sdk';
import type { Relation, SnowflakeConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { ScanPurpose } from '../warehouse.ts';
import { loadDriver } from './driver.ts';
import { addressOf, connectTimeout, type ErrorContext, snowflakeError, statementTimeout } from './errors.ts';
import { loginOptions } from './login.ts';
import type { TextRow } from './rows.ts';

/** How many rows the driver keeps ready: of 10 (its own default) nearly all the time goes into waking the reader. */
const READY_ROWS = 1_000;
/** Files of a result that are fetched ahead. Snowflake makes them of up to about 16 MB each. */
const PREFETCH = 2;
/** How long we wait for the answer to a cancellation, or to the end of the session, before we go on without it. */
const GOODBYE_MS = 2_000;

/**
 * What is pinned with every statement, so that texts, and so raw fingerprints, depend on nothing that an administrator or the user's defaults set.
 * https://docs.snowflake.com/en/sql-reference/parameters
 */
export const STATEMENT_PARAMETERS: Readonly<Record<string, string | number | boolean>> = {
  TIMEZONE: 'UTC',
  TIMESTAMP_TYPE_MAPPING: 'TIMESTAMP_NTZ',
  DATE_INPUT_FORMAT: 'AUTO',
  TIME_INPUT_FORMAT: 'AUTO',
  TIMESTAMP_INPUT_FORMAT: 'AUTO',
  BINARY_OUTPUT_FORMAT: 'HEX',
  STRICT_JSON_OUTPUT: true,
  QUOTED_IDENTIFIERS_IGNORE_CASE: false,
  // Another value cuts results short without a word.
  ROWS_PER_RESULTSET: 0,
  // A model is one statement.
  MULTI_STATEMENT_COUNT: 1,
};

export interface StatementOptions {
  readonly signal?: AbortSignal | undefined;
  readonly relation?: Relation | undefined;
  readonly purpose?: ScanPurpose | undefined;
  /** In the order of the question marks. */
  readonly binds?: readonly string[] | undefined;
  /** The session's own time zone in place of UTC. */
  readonly ownTimeZone?: boolean;
}

/** One session. Its statements end at the statement timeout or with their signal. */
export class SnowflakeConnection {
  readonly context: ErrorContext;
  readonly #config: SnowflakeConfig;
  readonly #connection: Connection;
  readonly #running = new Set<RowStatement>();
  #over = false;

  private constructor(config: SnowflakeConfig, connection: Connection, context: ErrorContext) {
    this.#config = config;
    this.#connection = connection;
    this.context = context;
  }

  /** Logs in; throws CONFIG_INVALID for a key that cannot be read, WAREHOUSE_UNREACHABLE within connectTimeoutMs, or INTERRUPTED. */
  static async open(config: SnowflakeConfig, signal?: AbortSignal): Promise<SnowflakeConnection> {
    throwIfAborted(signal);
    const context: ErrorContext = {
      address: addressOf(config),
      account: config.account,
      user: config.user,
      role: config.role,
      warehouse: config.warehouse,
      statementTimeoutMs: config.statementTimeoutMs,
    };
    const options = connectionOptions(config);
    const driver = await loadDriver();
    throwIfAborted(signal);
    const connection = driver.createConnection(options);
    await bounded(
      config.connectTimeoutMs,
      signal,
      () => connectTimeout(context, config.connectTimeoutMs),
      (settle) => {
        connection.connect((error) => settle(error ? snowflakeError(error, context) : undefined));
      },
    );
    return new SnowflakeConnection(config, connection, context);
  }

  /** The columns of a query that Snowflake compiles and does not run. */
  async describe(sqlText: string, options: StatementOptions): Promise<readonly Column[]> {
    const statement = await this.#execute({ sqlText, describeOnly: true, streamResult: true }, options);
    return statement.getColumns() ?? [];
  }

  /** Runs a query that yields few rows: all of them, numbers as texts. */
  async rows(
    sqlText: string,
    options: StatementOptions = {},
  ): Promise<{ readonly names: readonly string[]; readonly rows: readonly TextRow[] }> {
    const { binds } = options;
    const statement = await this.#execute(
      { sqlText, streamResult: true, rowMode: 'array', fetchAsString: ['Number'], ...(binds === undefined ? {} : { binds: [...binds] }) },
      options,
    );
    const rows: TextRow[] = [];
    try {
      for await (const row of statement.streamRows()) rows.push(row as TextRow);
    } catch (error) {
      throw snowflakeError(error, this.context);
    }
    return { names: (statement.getColumns() ?? []).map((column) => column.getName()), rows };
  }

  /** Runs a query whose rows are to be streamed; resolves when its result is there. */
  async stream(sqlText: string, options: StatementOptions): Promise<RowStatement> {
    return this.#execute({ sqlText, streamResult: true, rowMode: 'array' }, options);
  }

  /** Cancels what runs on the server; waits for its answer, but not long. */
  async cancel(statement: RowStatement): Promise<void> {
    this.#running.delete(statement);
    await atMost(GOODBYE_MS, (done) => statement.cancel(done));
  }

  /** Cancels what runs, and ends the session; may be called twice. */
  async close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await Promise.all([...this.#running].map((statement) => this.cancel(statement)));
    await atMost(GOODBYE_MS, (done) => this.#connection.destroy(done));
  }

  /** Always with `streamResult`: without it the driver runs a statement that failed a second time. */
  async #execute(option: StatementOption & { streamResult: true }, options: StatementOptions): Promise<RowStatement> {
    const { signal, relation, purpose } = options;
    throwIfAborted(signal);
    const context = { ...this.context, relation };
    const limitMs = this.#config.statementTimeoutMs;
    let statement: RowStatement | undefined;
    try {
      await bounded(
        limitMs,
        signal,
        () => statementTimeout(context),
        (settle) => {
          statement = this.#connection.execute({
            ...option,
            parameters: this.#parameters(purpose, options.ownTimeZone ?? false),
            complete: (error: SnowflakeError | undefined | null) => settle(error ? snowflakeError(error, context) : undefined),
          } as StatementOption) as RowStatement;
          this.#running.add(statement);
        },
      );
    } catch (error) {
      if (statement !== undefined && error instanceof HeadraceError && gaveUp.has(error)) await this.cancel(statement);
      throw error;
    } finally {
      if (statement !== undefined) this.#running.delete(statement);
    }
    if (statement === undefined) throw new Error('the driver gave no statement');
    return statement;
  }

  #parameters(purpose: ScanPurpose | undefined, ownTimeZone: boolean): Record<string, string | number | boolean> {
    const { TIMEZONE, ...pinned } = STATEMENT_PARAMETERS;
    return {
      ...pinned,
      ...(ownTimeZone || TIMEZONE === undefined ? {} : { TIMEZONE }),
      STATEMENT_TIMEOUT_IN_SECONDS: Math.ceil(this.#config.statementTimeoutMs / 1_000),
      QUERY_TAG: JSON.stringify({ application: 'headrace', ...purpose }),
    };
  }
}

function connectionOptions(config: SnowflakeConfig): ConnectionOptions {
  const { account, role, warehouse, database, schema, accessUrl } = config;
  const set = { role, warehouse, schema, accessUrl };
  return {
    account,
    username: config.user,
    database,
    ...(Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)) as Partial<Record<keyof typeof set, string>>),
    ...loginOptions(config),
    application: 'Headrace',
    // Otherwise a database or warehouse that does not exist shows with the first query only.
    validateDefaultParameters: true,
    clientSessionKeepAlive: true,
    clientStoreTemporaryCredential: false,
    // One is enough to survive a lost packet; with the driver's seven, a wrong address would look like a slow one.
    sfRetryMaxLoginRetries: 1,
    resultPrefetch: PREFETCH,
    rowStreamHighWaterMark: READY_ROWS,
  };
}

/** Throws the signal's own HeadraceError, or INTERRUPTED. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedBy(signal);
}

export function abortedBy(signal: AbortSignal): HeadraceError {
  return signal.reason instanceof HeadraceError
    ? signal.reason
    : new HeadraceError('INTERRUPTED', 'Reading the warehouse was interrupted.');
}

/** Errors that we raised while the server went on. */
const gaveUp = new WeakSet<object>();

/** Runs what calls `settle` once, but waits no longer than this, and not beyond the signal: then the work goes on unheard. */
async function bounded(
  limitMs: number,
  signal: AbortSignal | undefined,
  expired: () => HeadraceError,
  work: (settle: (error: Error | undefined) => void) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const giveUp = (error: HeadraceError): void => {
        gaveUp.add(error);
        reject(error);
      };
      timer = setTimeout(() => giveUp(expired()), limitMs);
      if (signal !== undefined) {
        abort = () => giveUp(abortedBy(signal));
        signal.addEventListener('abort', abort, { once: true });
      }
      work((error) => (error === undefined ? resolve() : reject(error)));
    });
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
  }
}

/** Waits for a callback, but not longer than this; its error changes nothing any more. */
async function atMost(limitMs: number, work: (done: () => void) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
    try {
      work(() => resolve());
    } catch {
      // A connection that is gone needs no goodbye.
      resolve();
    }
  });
  clearTimeout(timer);
}
