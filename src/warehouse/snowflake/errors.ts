import type { Relation, SnowflakeConfig } from '../../config/project.ts';
import { type ErrorCode, HeadraceError } from '../../core/errors.ts';

/** Where an error happened, for its message; never holds a secret. */
export interface ErrorContext {
  /** Host name. */
  readonly address: string;
  readonly account: string;
  readonly user: string;
  readonly role: string | undefined;
  readonly warehouse: string | undefined;
  readonly statementTimeoutMs: number;
  /** What was read. */
  readonly relation?: Relation | undefined;
}

/** The fields of the driver's error that are read here. The others hold requests and responses, tokens included. */
interface DriverError {
  readonly message: string;
  /** Snowflake's own number in six digits, or one of the driver's from 401001. */
  readonly code: string;
  readonly sqlState: string | undefined;
  /** HTTP's. */
  readonly status: number | undefined;
  /** Of the network: `ECONNREFUSED`. */
  readonly network: string | undefined;
}

export function addressOf({ account, accessUrl }: SnowflakeConfig): string {
  return accessUrl === undefined ? `${account}.snowflakecomputing.com` : new URL(accessUrl).host;
}

/** Any error of the driver, the network or Snowflake as one of ours. Messages that may hold values of rows are left out. */
export function snowflakeError(error: unknown, context: ErrorContext): HeadraceError {
  if (error instanceof HeadraceError) return error;
  const read = readError(error);
  if (error instanceof TypeError) return driverBug(context);
  const known = KNOWN.find(({ codes }) => codes.includes(read.code));
  if (known !== undefined)
    return make(known.code, `${at(context)} ${known.says}${of(context)}: ${sentence(read)}.`, known.suggestion(context), read);
  const state = read.sqlState ?? '';
  if (state === '42501') return denied(read, context);
  if (/^39\d{4}$/.test(read.code))
    return make('WAREHOUSE_UNREACHABLE', `${at(context)} refuses the login of ${context.user}: ${sentence(read)}.`, LOGIN, read);
  if (/^40[1-9]\d{3}$/.test(read.code)) return driverError(read, context);
  if (/^(42|02000|0A000)/.test(state)) return queryError(read, context);
  // 22… and the like may quote a value of a row (`Numeric value '…' is not recognized`): only the numbers are passed on.
  return make(
    'WAREHOUSE_FAILED',
    `${at(context)} failed on the query with error ${read.code}${state === '' ? '' : ` (SQLSTATE ${state})`}.`,
    "Run the model's query in a worksheet to see the value that it fails on.",
    read,
    false,
  );
}

export function connectTimeout(context: ErrorContext, limitMs: number): HeadraceError {
  return new HeadraceError('WAREHOUSE_UNREACHABLE', `${at(context)} did not let ${context.user} in within ${limitMs} ms.`, {
    suggestion:
      'Check that this machine may reach the address (a proxy is read from HTTPS_PROXY), or raise `connect_timeout` of the warehouse.',
  });
}

export function statementTimeout(context: ErrorContext): HeadraceError {
  return new HeadraceError(
    'WAREHOUSE_TIMEOUT',
    `${at(context)} did not complete the query within the statement timeout of ${context.statementTimeoutMs} ms; it was cancelled.`,
    { suggestion: TOO_SLOW },
  );
}

export function silence(context: ErrorContext, limitMs: number): HeadraceError {
  return new HeadraceError('WAREHOUSE_UNREACHABLE', `${at(context)} sent no row of the result for ${limitMs} ms.`, {
    suggestion: 'Nothing was changed, and nothing that was read is taken for the whole. The next run reads again.',
  });
}

const LOGIN = 'Check `user`, and that the key, password or token of the warehouse is the one that this user has now.';
const TOO_SLOW = 'Raise `statement_timeout` of the warehouse, use a larger virtual warehouse, or make the query faster.';

interface KnownError {
  readonly codes: readonly string[];
  readonly code: ErrorCode;
  readonly says: string;
  suggestion(context: ErrorContext): string;
}

/** By Snowflake's numbers. The messages of these name objects and users, and never a value of a row. */
const KNOWN: readonly KnownError[] = [
  {
    codes: ['390144'],
    code: 'WAREHOUSE_UNREACHABLE',
    says: 'does not accept the key',
    suggestion: ({ user, account }) =>
      `Check that the public key is set (desc user ${user}: RSA_PUBLIC_KEY_FP), that \`account\` (${account}) and \`user\` are right, and that the clock of this machine is.`,
  },
  {
    codes: ['390303', '390318', '390394', '390395', '390397', '390398'],
    code: 'WAREHOUSE_UNREACHABLE',
    says: 'does not accept the token',
    suggestion: () =>
      'It is expired, revoked, or made for another user or role: issue a new one. For unattended use a key pair lasts longer.',
  },
  {
    codes: ['390100', '390101', '390102', '390110', '390111', '390112', '390114', '390195'],
    code: 'WAREHOUSE_UNREACHABLE',
    says: 'refuses the login',
    suggestion: () => LOGIN,
  },
  {
    codes: ['390422', '390420', '390432'],
    code: 'WAREHOUSE_UNREACHABLE',
    says: 'refuses this machine',
    suggestion: () => "Add its address to the account's or the user's network policy.",
  },
  {
    codes: ['390189', '390186'],
    code: 'WAREHOUSE_DENIED',
    says: 'does not let the user take the role',
    suggestion: ({ user, role }) => `Run as an administrator: grant role ${role ?? '<role>'} to user ${user};`,
  },
  {
    codes: ['390201'],
    code: 'WAREHOUSE_DENIED',
    says: 'does not know the database, schema or virtual warehouse, or the role may not use it',
    suggestion: ({ role }) =>
      `Check \`database\`, \`schema\` and \`warehouse\`; or grant usage on it to role ${role ?? '<the default role of the user>'};`,
  },
  {
    codes: ['000606', '000607', '000608', '000609'],
    code: 'WAREHOUSE_DENIED',
    says: 'has no virtual warehouse that the query may run on',
    suggestion: ({ warehouse, role }) =>
      warehouse === undefined
        ? 'Name one: warehouse: <name>.'
        : `If it is suspended: alter warehouse ${warehouse} set auto_resume = true; if the role may not use it: grant usage, operate on warehouse ${warehouse} to role ${role ?? '<role>'};`,
  },
  {
    codes: ['090073', '090074'],
    code: 'WAREHOUSE_DENIED',
    says: 'does not resume the virtual warehouse',
    suggestion: () => 'A resource monitor has used up its quota: raise it, wait for the next period, or name another virtual warehouse.',
  },
  { codes: ['003001'], code: 'WAREHOUSE_DENIED', says: 'denies the query', suggestion: grants },
  {
    codes: ['002003', '002043'],
    code: 'QUERY_INVALID',
    says: 'does not know what is asked for, or the role may not see it',
    suggestion: (context) =>
      `Check the model's \`table\` or \`sql\` (names without quotes stand for capitals). If it is there: ${grants(context)}`,
  },
  {
    codes: ['000630'],
    code: 'WAREHOUSE_TIMEOUT',
    says: 'stopped the query after a statement timeout',
    suggestion: () => `${TOO_SLOW} The virtual warehouse may have a shorter timeout of its own (STATEMENT_TIMEOUT_IN_SECONDS).`,
  },
  {
    codes: ['000604', '000605'],
    code: 'WAREHOUSE_FAILED',
    says: 'cancelled the query',
    suggestion: () => 'Somebody cancelled it. The next run reads again.',
  },
];

function denied(read: DriverError, context: ErrorContext): HeadraceError {
  return make('WAREHOUSE_DENIED', `${at(context)} denies the query: ${sentence(read)}.`, grants(context), read);
}

function queryError(read: DriverError, context: ErrorContext): HeadraceError {
  return make(
    'QUERY_INVALID',
    `${at(context)} refuses the query${of(context)}: ${sentence(read)}.`,
    "Check the model's `table` or `sql`.",
    read,
  );
}

/** The driver's own: the network, or an answer that is not Snowflake's. */
function driverError(read: DriverError, context: ErrorContext): HeadraceError {
  if (read.status === 403 || read.status === 404)
    return make(
      'WAREHOUSE_UNREACHABLE',
      `There is no Snowflake account at ${context.address} (HTTP ${read.status}).`,
      'Check `account`: MYORG-MYACCOUNT, as Snowflake shows it under Account details.',
      read,
    );
  const reason = read.network ?? (read.status === undefined ? sentence(read) : `HTTP ${read.status}`);
  if (read.code.startsWith('402'))
    return make(
      'WAREHOUSE_UNREACHABLE',
      `A part of the result could not be fetched from ${context.address}'s storage: ${reason}.`,
      "Check that this machine may reach the account's stage (select system$allowlist()). The next run reads again.",
      read,
    );
  return make(
    'WAREHOUSE_UNREACHABLE',
    `${at(context)} cannot be reached: ${reason}.`,
    'Check `account`, that this machine may reach it, and the proxy (HTTPS_PROXY) if it needs one.',
    read,
  );
}

/** It keeps columns in an object, and trips over the names that every object has. */
function driverBug(context: ErrorContext): HeadraceError {
  return new HeadraceError(
    'QUERY_INVALID',
    `Snowflake's driver cannot read the columns${of(context)}: one of them has a name such as \`constructor\` or \`__proto__\`.`,
    {
      suggestion: "Give it another name with `as` in the model's query.",
    },
  );
}

function grants({ role, relation }: ErrorContext): string {
  const to = `to role ${role ?? '<the default role of the user>'};`;
  const object = relation !== undefined && 'table' in relation ? relation.table : '<its tables or views>';
  return `run as its owner: grant usage on database … ${to} grant usage on schema … ${to} grant select on ${object} ${to}`;
}

function at({ address }: ErrorContext): string {
  return `Snowflake at ${address}`;
}

function of({ relation }: ErrorContext): string {
  return relation !== undefined && 'table' in relation ? ` (table ${relation.table})` : '';
}

function readError(error: unknown): DriverError {
  if (!(error instanceof Error)) return { message: String(error), code: '', sqlState: undefined, status: undefined, network: undefined };
  const { code, sqlState, response, cause } = error as Error & Readonly<Record<'code' | 'sqlState' | 'response' | 'cause', unknown>>;
  const status = member(response, 'statusCode') ?? member(response, 'status');
  const network = member(cause, 'code');
  return {
    message: error.message,
    code: String(code ?? ''),
    sqlState: typeof sqlState === 'string' ? sqlState : undefined,
    status: typeof status === 'number' ? status : undefined,
    network: typeof network === 'string' ? network : undefined,
  };
}

function member(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null && name in of ? (of as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** Snowflake's message as the end of a sentence, without its own number in front and on one line. */
function sentence({ message }: DriverError): string {
  return message
    .replace(/^\d{6} \([0-9A-Z]{5}\): /, '')
    .replace(/\s+/g, ' ')
    .replace(/\.?\s*$/, '');
}

function make(code: ErrorCode, message: string, suggestion: string, read: DriverError, quotes = true): HeadraceError {
  // A fresh cause: the driver's own error carries the request, and with it the session's token.
  return new HeadraceError(code, message, {
    suggestion: capital(suggestion),
    cause: new Error(`${read.code} ${read.sqlState ?? ''}${quotes ? `: ${sentence(read)}` : ''}`),
  });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
