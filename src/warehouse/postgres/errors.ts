import { type ErrorCode, HeadraceError } from '../../core/errors.ts';

/** Where an error happened, for its message; never holds a password. */
export interface ErrorContext {
  /** host:port */
  readonly address: string;
  readonly user: string;
  readonly database: string;
  readonly statementTimeoutMs: number;
  /** How many lines of our own stand before the model's query in the text that was sent. */
  readonly linesBefore?: number | undefined;
  readonly text?: string | undefined;
}

/** The fields of pg's DatabaseError that are read here. */
interface ServerError {
  readonly message: string;
  readonly code: string;
  readonly position?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
}

const NETWORK = /^(E[A-Z_]+|ERR_TLS.*|CERT_.*|.*_CERT.*|UNABLE_TO_.*)$/;

/** Any error of pg, its socket or the server as one of ours. Messages of the server that may hold values of rows are left out. */
export function postgresError(error: unknown, context: ErrorContext): HeadraceError {
  if (error instanceof HeadraceError) return error;
  if (isServerError(error)) return serverError(error, context);
  const reason = networkReason(error);
  if (/^Connection terminated/.test(reason)) {
    return new HeadraceError('WAREHOUSE_UNREACHABLE', `The connection to PostgreSQL at ${context.address} broke.`, {
      suggestion: 'Nothing was changed, and nothing that was read is taken for the whole. The next run reads again.',
      cause: error,
    });
  }
  return new HeadraceError('WAREHOUSE_UNREACHABLE', `PostgreSQL at ${context.address} cannot be reached: ${reason}.`, {
    suggestion: 'Check the host and port of `warehouses.<name>.url`, that the server runs, and that this machine may reach it.',
    cause: error,
  });
}

function isServerError(error: unknown): error is ServerError {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  return /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error;
}

function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return networkReason(error.errors[0]);
  if (error.message === 'timeout expired') return 'no answer within connectTimeoutMs';
  const code = 'code' in error && typeof error.code === 'string' && NETWORK.test(error.code) ? error.code : undefined;
  if (error.message === '') return code ?? error.name;
  return error.message.replace(/\.$/, '');
}

function serverError(error: ServerError, context: ErrorContext): HeadraceError {
  const at = `PostgreSQL at ${context.address}`;
  const { code } = error;
  const known = BY_STATE.find(({ states }) => states.some((state) => code.startsWith(state)));
  if (code === '42501') {
    return make(
      'WAREHOUSE_DENIED',
      `${at} denies ${context.user} the query: ${error.message}${position(error, context)}.`,
      grant(error, context),
      error,
    );
  }
  if (code === '57014') return cancelled(error, at, context);
  if (known !== undefined) {
    return make(known.code, `${at} ${known.says}: ${error.message}${position(error, context)}.`, known.suggestion(context), error);
  }
  if (code === '22021') {
    return new HeadraceError('WAREHOUSE_FAILED', `${at} holds a text in the model that is not valid UTF-8 (SQLSTATE 22021).`, {
      suggestion: "Convert it in the model's query, for example with convert_from(convert_to(column, 'SQL_ASCII'), 'LATIN1').",
    });
  }
  // Class 22 and the like may quote a value of a row (`invalid input syntax for type integer: "…"`): only the state is passed on.
  return new HeadraceError('WAREHOUSE_FAILED', `${at} failed on the query with SQLSTATE ${code}${position(error, context)}.`, {
    suggestion: `Run the model's query in psql to see the value that it fails on (${code}: https://www.postgresql.org/docs/current/errcodes-appendix.html).`,
  });
}

interface KnownState {
  /** SQLSTATEs, or their first characters. */
  readonly states: readonly string[];
  readonly code: ErrorCode;
  readonly says: string;
  suggestion(context: ErrorContext): string;
}

const BY_STATE: readonly KnownState[] = [
  {
    states: ['28'],
    code: 'WAREHOUSE_UNREACHABLE',
    says: 'refuses the login',
    suggestion: ({ user }) => `Check the user "${user}", its password, and the server's pg_hba.conf.`,
  },
  {
    states: ['3D000'],
    code: 'WAREHOUSE_UNREACHABLE',
    says: 'refuses the connection',
    suggestion: ({ database }) => `Check the database "${database}" at the end of \`warehouses.<name>.url\`.`,
  },
  {
    states: ['08', '53300', '57P01', '57P02', '57P03', '57P04', '57P05', '25P03'],
    code: 'WAREHOUSE_UNREACHABLE',
    says: 'ended the connection',
    suggestion: () => 'Nothing was changed. The next run reads again; if it happens often, ask who ends sessions on this server.',
  },
  {
    states: ['55P03'],
    code: 'WAREHOUSE_TIMEOUT',
    says: 'could not get a lock in time',
    suggestion: () => 'Another session holds the table, for example a migration. Run again when it is done.',
  },
  {
    states: ['25006'],
    code: 'QUERY_INVALID',
    says: 'refuses the query',
    suggestion: () => 'A model only reads: its query runs in a read-only transaction.',
  },
  {
    states: ['42', '3F000', '0A000'],
    code: 'QUERY_INVALID',
    says: 'refuses the query',
    suggestion: () => "Check the model's `table` or `sql`.",
  },
  {
    states: ['40001'],
    code: 'WAREHOUSE_FAILED',
    says: 'cancelled the query',
    suggestion: () => 'On a replica, set hot_standby_feedback = on or raise max_standby_streaming_delay. The next run reads again.',
  },
];

function cancelled(error: ServerError, at: string, context: ErrorContext): HeadraceError {
  if (/statement timeout/.test(error.message)) {
    const limit = `${context.statementTimeoutMs} ms`;
    return make(
      'WAREHOUSE_TIMEOUT',
      `${at} stopped the query after its statement timeout of ${limit}.`,
      'Raise `statement_timeout` of the warehouse, or make the query faster: an index on the cursor column, a smaller model.',
      error,
    );
  }
  return make(
    'WAREHOUSE_FAILED',
    `${at} cancelled the query: ${error.message}.`,
    'Somebody cancelled it on the server. The next run reads again.',
    error,
  );
}

/** The statement that gives the missing right, as far as the server's message names the object. */
function grant(error: ServerError, { user, database }: ErrorContext): string {
  const [, kind, name] = /permission denied for ([a-z ]+?) "?([^"]+)"?$/.exec(error.message) ?? [];
  const to = `to "${user.replaceAll('"', '""')}"`;
  const object = error.schema === undefined || name === undefined ? name : `${error.schema}.${name}`;
  if (kind === 'schema') return `Run as its owner: grant usage on schema ${name} ${to}; then grant select on its tables.`;
  if (kind === 'database') return `Run as its owner: grant connect on database ${database} ${to};`;
  if (kind === 'function') return `Run as its owner: grant execute on function ${name} ${to};`;
  if (object !== undefined) return `Run as its owner: grant select on ${object} ${to};`;
  return `Grant ${user} the right that the message names.`;
}

function position(error: ServerError, context: ErrorContext): string {
  if (error.position === undefined || context.text === undefined) return '';
  const line = context.text.slice(0, Number(error.position) - 1).split('\n').length - (context.linesBefore ?? 0);
  return line >= 1 ? ` (line ${line} of the model's query)` : '';
}

function make(code: ErrorCode, message: string, suggestion: string, error: ServerError): HeadraceError {
  // A fresh cause: pg's own error carries `detail` and `where`, which may hold values of rows.
  return new HeadraceError(code, message, { suggestion, cause: new Error(`SQLSTATE ${error.code}: ${error.message}`) });
}
