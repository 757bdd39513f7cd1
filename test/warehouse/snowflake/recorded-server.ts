import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';

/** One column of an answer, as Snowflake's metadata of a result names it. */
export interface RecordedColumn {
  readonly name: string;
  readonly type: string;
  readonly precision?: number;
  readonly scale?: number;
  readonly length?: number;
}

/** What a statement is answered with. */
export type RecordedAnswer =
  | {
      readonly columns: readonly RecordedColumn[];
      readonly rows?: readonly (readonly (string | null)[])[];
      /** Files of the result beyond `rows`; `body` where it is not what its `rows` should look like. */
      readonly files?: readonly {
        readonly rows: readonly (readonly (string | null)[])[];
        readonly body?: string;
        readonly rowCount?: number;
      }[];
      /** How often it is said before that the query still runs. */
      readonly inProgress?: number;
    }
  | { readonly code: string; readonly sqlState: string; readonly message: string }
  /** No answer at all. */
  | 'silence';

export interface RecordedStatement {
  readonly sqlText: string;
  readonly describeOnly: boolean;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly requestId: string;
}

export interface RecordedSnowflake {
  readonly url: string;
  /** What was asked, in order. */
  readonly statements: readonly RecordedStatement[];
  /** The bodies of logins. */
  readonly logins: readonly Readonly<Record<string, unknown>>[];
  /** Ids of requests that were cancelled. */
  readonly cancelled: readonly string[];
  /** Paths of the files of results that were fetched. */
  readonly fetched: readonly string[];
  stop(): Promise<void>;
}

export interface Recording {
  readonly login?: { readonly code: string; readonly message: string } | { readonly status: number };
  answer(statement: RecordedStatement): RecordedAnswer;
}

/**
 * Answers as Snowflake does: requests and answers have the form in which Snowflake's own drivers send and read them (their sources, in Node, Python and Go, are the documentation of
 * this protocol). Nothing here was recorded from a Snowflake account: what rests on it is unverified against the vendor.
 */
export async function startRecorded(recording: Recording): Promise<RecordedSnowflake> {
  const statements: RecordedStatement[] = [];
  const logins: Record<string, unknown>[] = [];
  const cancelled: string[] = [];
  const fetched: string[] = [];
  const files = new Map<string, string>();
  const results = new Map<string, unknown>();
  let queries = 0;

  const login = (body: Readonly<Record<string, unknown>>, response: ServerResponse): void => {
    logins.push(body.data as Record<string, unknown>);
    if (recording.login !== undefined && 'status' in recording.login) {
      response.writeHead(recording.login.status).end('no such account');
      return;
    }
    if (recording.login !== undefined) {
      const { code, message } = recording.login;
      send(response, { data: { nextAction: 'RETRY_LOGIN', pwdLastSetTime: 0 }, code, message, success: false, headers: null });
      return;
    }
    send(response, { data: SESSION, code: null, message: null, success: true });
  };

  const query = (body: Readonly<Record<string, unknown>>, requestId: string, response: ServerResponse): void => {
    const { sqlText = '', describeOnly = false, parameters = {} } = body as Partial<RecordedStatement>;
    const statement = { sqlText, describeOnly, parameters, requestId };
    statements.push(statement);
    const answer = recording.answer(statement);
    if (answer === 'silence') return;
    queries += 1;
    const queryId = `01b0c0de-0000-${String(queries).padStart(4, '0')}-0000-000000000001`;
    if ('code' in answer) {
      const { code, sqlState, message } = answer;
      const data = { internalError: false, errorCode: code, age: 0, sqlState, queryId, line: -1, pos: -1, type: 'COMPILATION' };
      send(response, { data, code, message, success: false, headers: null });
      return;
    }
    const whole = {
      data: resultOf(answer, queryId, `http://${response.req.headers.host}`, files),
      code: null,
      message: null,
      success: true,
    };
    const { inProgress = 0 } = answer;
    if (inProgress === 0) {
      send(response, whole);
      return;
    }
    const running = { queryId, getResultUrl: `/queries/${queryId}/result`, queryAbortsAfterSecs: 300, progressDesc: null };
    const still = { data: running, code: '333333', message: 'Query execution in progress.', success: true };
    results.set(queryId, [...Array.from({ length: inProgress - 1 }, () => still), whole]);
    send(response, still);
  };

  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
      const file = files.get(pathname);
      if (pathname === '/session/v1/login-request') login(body, response);
      else if (pathname === '/queries/v1/query-request') query(body, searchParams.get('requestId') ?? '', response);
      else if (pathname === '/queries/v1/abort-request') {
        cancelled.push(String(body.requestId));
        send(response, { data: null, code: null, message: null, success: true });
      } else if (file !== undefined) {
        fetched.push(pathname);
        response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' }).end(gzipSync(file));
      } else if (/^\/queries\/[^/]+\/result$/.test(pathname)) {
        const waiting = results.get(pathname.split('/')[2] ?? '') as unknown[];
        send(response, waiting.length > 1 ? waiting.shift() : waiting[0]);
      } else send(response, { data: null, code: null, message: null, success: true });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    statements,
    logins,
    cancelled,
    fetched,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

const SESSION = {
  masterToken: 'ver:1-hint:1-master-token',
  token: 'ver:1-hint:1-session-token',
  validityInSeconds: 3600,
  masterValidityInSeconds: 14_400,
  displayUserName: 'HEADRACE',
  serverVersion: '9.30.0',
  firstLogin: false,
  sessionId: 4_711,
  parameters: [{ name: 'CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY', value: 3600 }],
  sessionInfo: { databaseName: 'ANALYTICS', schemaName: 'MARTS', warehouseName: 'HEADRACE_WH', roleName: 'HEADRACE' },
};

function resultOf(
  answer: Extract<RecordedAnswer, { columns: unknown }>,
  queryId: string,
  base: string,
  stored: Map<string, string>,
): Readonly<Record<string, unknown>> {
  const { columns, rows = [], files = [] } = answer;
  const rowtype = columns.map(({ name, type, precision = null, scale = null, length = null }) => ({
    name,
    database: '',
    schema: '',
    table: '',
    nullable: true,
    type,
    byteLength: length,
    length,
    precision,
    scale,
    collation: null,
  }));
  const chunks = files.map(({ rows: of, body, rowCount = of.length }, i) => {
    const path = `/stage/${queryId}/data_0_${i}`;
    // A file has the rows of an array without its outer brackets.
    const text = body ?? JSON.stringify(of).slice(1, -1);
    stored.set(path, text);
    return { url: `${base}${path}`, rowCount, uncompressedSize: text.length, compressedSize: text.length };
  });
  const total = rows.length + chunks.reduce((sum, { rowCount }) => sum + rowCount, 0);
  return {
    parameters: [{ name: 'TIMEZONE', value: 'UTC' }],
    rowtype,
    rowset: rows,
    ...(chunks.length === 0 ? {} : { chunks, qrmk: 'a2V5', chunkHeaders: { 'x-amz-server-side-encryption-customer-key': 'a2V5' } }),
    total,
    returned: total,
    queryId,
    finalDatabaseName: 'ANALYTICS',
    finalSchemaName: 'MARTS',
    finalWarehouseName: 'HEADRACE_WH',
    finalRoleName: 'HEADRACE',
    numberOfBinds: 0,
    statementTypeId: 4_096,
    version: 1,
    queryResultFormat: 'json',
  };
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  if (bytes.length === 0) return {};
  const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
  return JSON.parse(text.toString()) as Readonly<Record<string, unknown>>;
}
