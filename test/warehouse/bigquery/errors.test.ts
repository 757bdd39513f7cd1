import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BigQueryConfig } from '../../../src/config/project.ts';
import { HeadraceError } from '../../../src/core/errors.ts';
import { bigqueryError } from '../../../src/warehouse/bigquery/errors.ts';
import { BigQueryWarehouse } from '../../../src/warehouse/bigquery/warehouse.ts';
import { readAll } from '../../conformance/warehouse-read.ts';
import { freePort } from '../../systems/free-port.ts';
import { type ApiResponse, dryRunOf, exchangeOf, isDryRun, jobOf, type RecordedApi, recordedApi } from './recorded-api.ts';

const FIELDS = [{ name: 'a', type: 'INTEGER' }];
const SQL = { sql: 'select a\nfrom t' };

let api: RecordedApi | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  await api?.stop();
  api = undefined;
});

const refusal = (code: number, reason: string, message: string): ApiResponse => ({
  status: code,
  body: { error: { code, message, errors: [{ message, domain: 'global', reason }], status: 'X' } },
});

/** What a person is told, on one line each. */
async function told(reading: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await reading.then(
    () => 'no error',
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof HeadraceError)) throw error;
  return [`${error.code} ${error.exitCode}`, error.message, error.suggestion ?? ''];
}

async function describing(response: ApiResponse, config: Partial<BigQueryConfig> = {}): Promise<readonly string[]> {
  api = await recordedApi(() => response, config);
  return told(new BigQueryWarehouse(api.config).describe(SQL));
}

async function running(reason: string, message: string, config: Partial<BigQueryConfig> = {}): Promise<readonly string[]> {
  api = await recordedApi((request) => ({ body: isDryRun(request) ? dryRunOf(FIELDS) : jobOf('DONE', { reason, message }) }), config);
  return told(readAll(new BigQueryWarehouse(api.config), { relation: SQL, columns: ['a'], keyLength: 1 }));
}

describe('an error of BigQuery', () => {
  it('says in one sentence what is wrong, and what to do', async () => {
    const cases: readonly (readonly [string, () => Promise<readonly string[]>])[] = [
      [
        'no right to run jobs',
        () =>
          describing(
            refusal(
              403,
              'accessDenied',
              'Access Denied: Project billing-project: User does not have bigquery.jobs.create permission in project billing-project.',
            ),
            { impersonate: undefined, credentials: { kind: 'none' } },
          ),
      ],
      [
        'no right to read a table',
        () =>
          describing(
            refusal(
              403,
              'accessDenied',
              'Access Denied: Table data:marts.t: User does not have permission to query table data:marts.t, or perhaps it does not exist.',
            ),
          ),
      ],
      [
        'a column with a policy tag',
        () =>
          describing(
            refusal(
              403,
              'accessDenied',
              'Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission to get data protected by policy tag "pii" on columns t.a.',
            ),
          ),
      ],
      [
        'API not enabled',
        () => describing(refusal(403, 'accessNotConfigured', 'BigQuery API has not been used in project 123 before or it is disabled.')),
      ],
      [
        'a perimeter',
        () => describing(refusal(403, 'vpcServiceControls', 'VPC Service Controls: Request is prohibited by organization policy.')),
      ],
      ['no billing', () => describing(refusal(403, 'billingNotEnabled', 'Billing has not been enabled for this project.'))],
      ['expired credentials', () => describing(refusal(401, 'authError', 'Request had invalid authentication credentials.'))],
      ['a wrong project', () => describing(refusal(404, 'notFound', 'Not found: Project nowhere'))],
      ['a missing table', () => describing(refusal(404, 'notFound', 'Not found: Table data:marts.t was not found in location US'))],
      [
        'a wrong location',
        () => describing(refusal(404, 'notFound', 'Not found: Dataset data:marts was not found in location US'), { dataLocation: 'US' }),
      ],
      [
        'a misspelled column',
        () => describing(refusal(400, 'invalidQuery', 'Unrecognized name: custmer_id; Did you mean customer_id? at [2:8]')),
      ],
      [
        'a syntax error',
        () => describing(refusal(400, 'invalidQuery', 'Syntax error: Expected end of input but got keyword FROM at [3:1]')),
      ],
      [
        'two columns of one name',
        () =>
          describing(
            refusal(
              400,
              'invalidQuery',
              'Duplicate column names in the result are not supported when a destination table is present. Found duplicate(s): a',
            ),
          ),
      ],
      [
        'more bytes than allowed',
        () => running('bytesBilledLimitExceeded', 'Query exceeded limit for bytes billed: 10485760. 20971520 or higher required.'),
      ],
      ['a quota', () => running('quotaExceeded', 'Quota exceeded: Your project exceeded quota for free query bytes scanned.')],
      ['a value that does not fit', () => running('invalidQuery', 'Bad int64 value: secret-value; while executing at [1:8]')],
      ['too large a result', () => running('responseTooLarge', 'Response too large to return.')],
      [
        'not enough memory',
        () =>
          running(
            'resourcesExceeded',
            'Resources exceeded during query execution: The query could not be executed in the allotted memory.',
          ),
      ],
      [
        'the timeout there',
        () => running('stopped', 'Job execution was cancelled: Job timed out after 60s', { statementTimeoutMs: 60_000 }),
      ],
      ['cancelled by somebody', () => running('stopped', 'Job execution was cancelled: User requested cancellation')],
      ['an internal error', () => running('backendError', 'Error encountered during execution. Retrying may solve the problem.')],
      ['words that nobody knows', () => describing({ status: 418, body: { error: { code: 418, message: 'teapot' } } })],
    ];
    const said: string[] = [];
    for (const [name, make] of cases) {
      const lines = await make();
      await api?.stop();
      said.push([name, ...lines].join('\n  '));
    }
    const text = `${said.join('\n').replaceAll(/127\.0\.0\.1:\d+/g, 'bigquery.googleapis.com')}\n`;
    expect(text).not.toContain('secret-value');
    await expect(text).toMatchFileSnapshot('../../golden/warehouse/bigquery-errors.txt');
  });

  it('of a query that takes too long cancels it, and is WAREHOUSE_TIMEOUT', async () => {
    api = await recordedApi(
      (request) => {
        if (request.path === '/jobs') return { body: isDryRun(request) ? dryRunOf(FIELDS) : jobOf('RUNNING') };
        if (request.path.endsWith('/cancel')) return { body: {} };
        return new Promise((resolve) => setTimeout(() => resolve({ body: { jobComplete: false } }), 100));
      },
      { statementTimeoutMs: 700 },
    );
    const reading = readAll(new BigQueryWarehouse(api.config), { relation: SQL, columns: ['a'], keyLength: 1 });
    await expect(reading).rejects.toMatchObject({ code: 'WAREHOUSE_TIMEOUT', message: expect.stringContaining('700 ms') });
    expect(api.requests.some(({ path }) => path.endsWith('/cancel'))).toBe(true);
  });
});

describe('the way to BigQuery', () => {
  const config = (more: Partial<BigQueryConfig>): BigQueryConfig => ({
    type: 'bigquery',
    name: 'test',
    location: { file: 'headrace.yml' },
    project: 'billing-project',
    credentials: { kind: 'default' },
    labels: {},
    priority: 'interactive',
    statementTimeoutMs: 60_000,
    connectTimeoutMs: 5_000,
    ...more,
  });
  const pinging = (more: Partial<BigQueryConfig>): Promise<readonly string[]> => told(new BigQueryWarehouse(config(more)).ping());

  it('that nobody listens on is WAREHOUSE_UNREACHABLE, and says which', async () => {
    const port = await freePort();
    const [code, message] = await pinging({ apiEndpoint: `http://127.0.0.1:${port}`, credentials: { kind: 'none' } });
    expect([code, message]).toEqual(['WAREHOUSE_UNREACHABLE 3', `BigQuery at 127.0.0.1:${port} cannot be reached: ECONNREFUSED.`]);
  }, 60_000);

  it('without credentials says how to get some, and sends nothing', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '');
    vi.stubEnv('HOME', mkdtempSync(join(tmpdir(), 'headrace-home-')));
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none');
    const [code, message, suggestion] = await pinging({});
    expect([code, message]).toEqual(['WAREHOUSE_UNREACHABLE 3', 'There are no credentials for BigQuery at bigquery.googleapis.com.']);
    expect(suggestion).toContain('gcloud auth application-default login');
  });

  it('with the credentials of the machine sends their token with every request', async () => {
    const exchange = exchangeOf(FIELDS, [['1']]);
    const metadata: ApiResponse = {
      body: { access_token: 'token-of-the-machine', expires_in: 3600, token_type: 'Bearer' },
      headers: { 'metadata-flavor': 'Google' },
    };
    api = await recordedApi((request) => (request.path.startsWith('/computeMetadata') ? metadata : exchange(request)), {
      credentials: { kind: 'default' },
      connectTimeoutMs: 20_000,
    });
    vi.stubEnv('GCE_METADATA_HOST', new URL(api.config.apiEndpoint ?? '').host);
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '');
    vi.stubEnv('HOME', mkdtempSync(join(tmpdir(), 'headrace-home-')));
    const rows = await readAll(new BigQueryWarehouse(api.config), { relation: SQL, columns: ['a'], keyLength: 1 });
    expect(rows.map(({ values }) => values)).toEqual([['1']]);
    const asked = api.requests.filter(({ path }) => !path.startsWith('/computeMetadata'));
    expect(asked.map(({ authorization }) => authorization)).toEqual(Array.from({ length: 4 }, () => 'Bearer token-of-the-machine'));
  });

  it.each<[string, Error, string, RegExp, RegExp]>([
    [
      'a revoked key',
      Object.assign(new Error('invalid_grant: Invalid JWT Signature.'), {
        response: { status: 400, data: { error: 'invalid_grant', error_description: 'secret' } },
      }),
      'WAREHOUSE_UNREACHABLE',
      /refuses the credentials of h@p\.iam \(invalid_grant\)/,
      /make a new key/,
    ],
    [
      'an account that may not be acted as',
      new Error("PERMISSION_DENIED: unable to impersonate: Permission 'iam.serviceAccounts.getAccessToken' denied secret"),
      'WAREHOUSE_DENIED',
      /refuses to let this account act as h@p\.iam/,
      /roles\/iam\.serviceAccountTokenCreator/,
    ],
    [
      'a token that has no endpoint',
      Object.assign(new Error('request to https://oauth2.googleapis.com/token failed, reason: secret'), { code: 'ENOTFOUND' }),
      'WAREHOUSE_UNREACHABLE',
      /oauth2\.googleapis\.com cannot be reached: ENOTFOUND/,
      /name resolution/,
    ],
  ])('with %s says what to do, in words of ours', (_, thrown, code, message, suggestion) => {
    const context = {
      address: 'bigquery.googleapis.com',
      project: 'p',
      location: undefined,
      account: 'h@p.iam',
      statementTimeoutMs: 1,
      maximumBytesBilled: undefined,
    };
    const error = bigqueryError(thrown, context);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), suggestion: expect.stringMatching(suggestion) });
    expect(JSON.stringify([error.message, error.suggestion, error.stack, String(error.cause)])).not.toContain('secret');
  });

  it.each<[string, string | undefined, RegExp]>([
    ['is missing', undefined, /file cannot be read/],
    ['is no JSON', 'PRIVATE-secret', /no service account's key/],
    ['is another JSON', '{"secret": "PRIVATE-secret"}', /no service account's key|refuses the credentials/],
    [
      'has a broken key',
      '{"type": "service_account", "client_email": "h@p.iam.gserviceaccount.com", "private_key": "PRIVATE-secret", "project_id": "p"}',
      /no service account's key/,
    ],
  ])('with a key file that %s says so, and not what is in it', async (_, text, expected) => {
    const folder = mkdtempSync(join(tmpdir(), 'headrace-key-'));
    const path = join(folder, 'key.json');
    if (text !== undefined) writeFileSync(path, text);
    const error: unknown = await new BigQueryWarehouse(config({ credentials: { kind: 'key_file', path } }))
      .ping()
      .catch((thrown: unknown) => thrown);
    rmSync(folder, { recursive: true });
    expect(error).toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', message: expect.stringMatching(expected) });
    const { message, stack, cause, suggestion } = error as HeadraceError;
    expect(JSON.stringify([message, stack, String(cause), suggestion])).not.toContain('PRIVATE');
  });
});
