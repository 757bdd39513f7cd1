import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { headrace } from '../cli/in-process.ts';
import { type ApiResponse, dryRunOf, isDryRun, jobOf, recordedApi, refusalOf } from './bigquery/recorded-api.ts';
import { type RecordedAnswer, type Recording, startRecorded } from './snowflake/recorded-server.ts';

interface Opened {
  /** As a warehouse of headrace.yml, on one line. */
  readonly settings: string;
  stop(): Promise<void>;
}

interface Case {
  readonly open: () => Promise<Opened>;
  readonly code: string;
  readonly exitCode: number;
  readonly message: RegExp;
  readonly suggestion: RegExp;
}

/** Of both vendors what goes wrong most, as a person at the command line sees it. */
const CASES: Readonly<Record<string, Case>> = {
  snowflake_wrong_account: {
    open: () => snowflake({ login: { status: 404 } }),
    code: 'WAREHOUSE_UNREACHABLE',
    exitCode: 3,
    message: /HTTP 404/,
    suggestion: /`account`.*MYORG-MYACCOUNT/,
  },
  bigquery_wrong_account: {
    open: () => bigquery(refusalOf('Not found: Project nowhere', 'notFound', 404)),
    code: 'WAREHOUSE_UNREACHABLE',
    exitCode: 3,
    message: /knows no such project: Not found: Project nowhere/,
    suggestion: /`project` \(data-project\)/,
  },
  snowflake_expired_key: {
    open: () => snowflake({ login: { code: '390144', message: 'JWT token is invalid. [0ce9eb56-821d]' } }),
    code: 'WAREHOUSE_UNREACHABLE',
    exitCode: 3,
    message: /JWT token is invalid/,
    suggestion: /RSA_PUBLIC_KEY_FP/,
  },
  bigquery_expired_key: {
    open: () => bigquery(refusalOf('Request had invalid authentication credentials.', 'authError', 401)),
    code: 'WAREHOUSE_UNREACHABLE',
    exitCode: 3,
    message: /refuses the credentials/,
    suggestion: /expired, revoked/,
  },
  snowflake_missing_grant: {
    open: () =>
      snowflake({
        answer: refused('003001', '42501', "SQL access control error:\nInsufficient privileges to operate on table 'CUSTOMERS'"),
      }),
    code: 'WAREHOUSE_DENIED',
    exitCode: 3,
    message: /Insufficient privileges/,
    suggestion: /grant select on marts\.customers to role READER;/,
  },
  bigquery_missing_grant: {
    open: () =>
      bigquery(
        refusalOf(
          'Access Denied: Table p:marts.customers: User does not have permission to query table p:marts.customers.',
          'accessDenied',
          403,
        ),
      ),
    code: 'WAREHOUSE_DENIED',
    exitCode: 3,
    message: /Access Denied: Table p:marts\.customers/,
    suggestion: /Grant it bigquery\.tables\.getData on p\.marts\.customers/,
  },
  snowflake_exceeded_quota: {
    open: () =>
      snowflake({
        answer: refused('090073', '22000', "Warehouse 'WH' cannot be resumed because resource monitor 'M' has exceeded its quota."),
      }),
    code: 'WAREHOUSE_DENIED',
    exitCode: 3,
    message: /exceeded its quota/,
    suggestion: /resource monitor/,
  },
  bigquery_exceeded_byte_limit: {
    open: () =>
      bigquery(undefined, {
        reason: 'bytesBilledLimitExceeded',
        message: 'Query exceeded limit for bytes billed: 10485760. 20971520 or higher required.',
      }),
    code: 'QUERY_INVALID',
    exitCode: 2,
    message: /more than `maximum_bytes_billed` allows.*20971520/,
    suggestion: /Nothing was billed\. `headrace plan` shows/,
  },
  snowflake_suspended_warehouse: {
    open: () => snowflake({ answer: refused('000606', '57P03', 'No active warehouse selected in the current session.') }),
    code: 'WAREHOUSE_DENIED',
    exitCode: 3,
    message: /No active warehouse selected/,
    suggestion: /alter warehouse WH set auto_resume = true/,
  },
  snowflake_unknown_column: {
    open: () =>
      snowflake({ answer: refused('000904', '42000', "SQL compilation error: error line 1 at position 7\ninvalid identifier 'NOPE'") }),
    code: 'QUERY_INVALID',
    exitCode: 2,
    message: /invalid identifier 'NOPE'/,
    suggestion: /`sql`/,
  },
  bigquery_unknown_column: {
    open: () => bigquery(refusalOf('Unrecognized name: nope; Did you mean name? at [2:8]')),
    code: 'QUERY_INVALID',
    exitCode: 2,
    message: /Unrecognized name: nope; Did you mean name\?/,
    suggestion: /`sql`/,
  },
};

const refused = (code: string, sqlState: string, message: string) => (): RecordedAnswer => ({ code, sqlState, message });

async function snowflake({ login, answer = () => 'silence' }: Partial<Recording>): Promise<Opened> {
  const server = await startRecorded({ ...(login === undefined ? {} : { login }), answer });
  const settings = `{ type: snowflake, account: a, user: u, role: READER, warehouse: WH, password: "\${SECRET}", database: D, access_url: "${server.url}" }`;
  return { settings, stop: () => server.stop() };
}

/** Refuses every request, or else the job that reads. */
async function bigquery(
  refusal: ApiResponse | undefined,
  failure?: { readonly reason: string; readonly message: string },
): Promise<Opened> {
  const columns = [
    { name: 'id', type: 'STRING' },
    { name: 'updated_at', type: 'TIMESTAMP' },
  ];
  const server = await recordedApi((request) => refusal ?? { body: isDryRun(request) ? dryRunOf(columns) : jobOf('DONE', failure) });
  return {
    settings: `{ type: bigquery, project: data-project, maximum_bytes_billed: 10 MB, api_endpoint: "${server.config.apiEndpoint}" }`,
    stop: () => server.stop(),
  };
}

const PROJECT = `errors-${randomBytes(4).toString('hex')}`;
const NAMES = Object.keys(CASES);
const mappingOf = (name: string) => name.replaceAll('_', '-');
const opened: Opened[] = [];
let root: string;

interface Outcome {
  readonly mapping: string;
  readonly exitCode?: number;
  readonly error?: { readonly code: string; readonly message: string; readonly suggestion: string };
}
let outcomes: ReadonlyMap<string, Outcome>;
let said: Awaited<ReturnType<typeof headrace>>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'headrace-errors-'));
  for (const folder of ['models', 'mappings']) mkdirSync(join(root, folder));
  for (const name of NAMES) {
    opened.push(await (CASES[name] as Case).open());
    writeFileSync(join(root, 'models', `${name}.yml`), `model: ${name}\nwarehouse: ${name}\ntable: marts.customers\nkey: [id]\n`);
    writeFileSync(
      join(root, 'mappings', `${name}.yml`),
      `mapping: ${mappingOf(name)}
fact: ${name.replaceAll('_', '.')}
version: "1.0"
class: profile
model: ${name}
topic: ${PROJECT}.${name}
owner: data@example.com
semantics: That a customer is there.
compatibility: backward
key: [id]
data_subject: id
occurred_at: { from: updated_at }
fields:
  id: { from: id, type: string }
`,
    );
  }
  const warehouses = NAMES.map((name, i) => `  ${name}: ${opened[i]?.settings}`).join('\n');
  writeFileSync(
    join(root, 'headrace.yml'),
    `project: ${PROJECT}\nenvironment: dev\nwarehouses:\n${warehouses}\nkafka: { brokers: "\${KAFKA_BROKERS}" }\ntopics: { partitions: 1 }\n`,
  );
  const env = { KAFKA_BROKERS: inject('kafkaBrokers'), SECRET: 'very-secret-word' };
  const applied = await headrace(root, ['topics', 'apply'], env);
  expect(applied.code, applied.stderr).toBe(0);
  said = await headrace(root, ['run', '--json'], env);
  const { mappings } = JSON.parse(said.stdout.trim().split('\n').at(-1) ?? '') as { mappings: readonly Outcome[] };
  outcomes = new Map(mappings.map((outcome) => [outcome.mapping, outcome]));
}, 300_000);

afterAll(async () => {
  await Promise.all(opened.map((each) => each.stop()));
  rmSync(root, { recursive: true, force: true });
});

test.each(NAMES)('%s is one clear error, in words and by its exit code', (name) => {
  const { code, exitCode, message, suggestion } = CASES[name] as Case;
  const outcome = outcomes.get(mappingOf(name));
  expect(outcome).toMatchObject({ exitCode, error: { code } });
  const { error } = outcome ?? {};
  expect(error?.message.replaceAll('\n', ' ')).toMatch(message);
  expect(error?.suggestion).toMatch(suggestion);
  const text = said.stderr.replaceAll(/\s+/g, ' ');
  expect(text).toContain(error?.message.replaceAll(/\s+/g, ' '));
  expect(text).not.toContain('very-secret-word');
});

test('the lowest exit code of all is that of the command', () => {
  expect(said.code).toBe(2);
  expect(outcomes.size).toBe(NAMES.length);
});
