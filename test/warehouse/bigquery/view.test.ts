import { afterEach, describe, expect, it } from 'vitest';
import type { BigQueryConfig } from '../../../src/config/project.ts';
import type { ViewWrite } from '../../../src/core/view-tables.ts';
import { BigQueryWarehouse } from '../../../src/warehouse/bigquery/warehouse.ts';
import { type ApiRequest, type ApiResponse, jobOf, pageOf, type RecordedApi, recordedApi } from './recorded-api.ts';

const PLACE = { schema: 'headrace', project: 'shop', mapping: 'customer', topic: 't' };
const refusal = (code: number, reason: string, message: string): ApiResponse => ({
  status: code,
  body: { error: { code, message, errors: [{ message, domain: 'global', reason }] } },
});
const notFound = (what: string) => refusal(404, 'notFound', `Not found: ${what}`);
const result = (...rows: readonly (readonly unknown[])[]): ApiResponse => ({
  body: pageOf(
    (rows[0] ?? []).map((_, i) => ({ name: `f${i}`, type: 'STRING' })),
    rows,
    rows.length,
  ),
});

interface Answers {
  /** Where the dataset lies, or that it is not there. */
  readonly location?: string | null;
  /** To the job of a text; undefined where it has no result. */
  statement?(text: string): ApiResponse | undefined;
  permissions?(): ApiResponse;
}

let api: RecordedApi;
afterEach(() => api.stop());

const queryOf = ({ body }: ApiRequest) =>
  (body.configuration as { query: { query: string; queryParameters?: readonly { parameterValue: { value: string } }[] } }).query;
const started = () => api.requests.filter(({ method, path }) => method === 'POST' && path === '/jobs');
const texts = () => started().map((request) => queryOf(request).query);

async function start({ location = 'EU', statement, permissions }: Answers, config: Partial<BigQueryConfig> = {}) {
  const queries = new Map<string, string>();
  api = await recordedApi((request) => {
    const { method, path, body } = request;
    if (path === '/jobs') {
      queries.set((body.jobReference as { jobId: string }).jobId, queryOf(request).query);
      return { body: jobOf('RUNNING') };
    }
    if (path.startsWith('/queries/'))
      return statement?.(queries.get(path.slice('/queries/'.length)) ?? '') ?? { body: { jobComplete: true } };
    if (path.endsWith(':testIamPermissions')) return permissions?.() ?? notFound('Table');
    if (path === '/datasets/headrace') return location === null ? notFound('Dataset billing-project:headrace') : { body: { location } };
    if (path.startsWith('/datasets/headrace/tables/'))
      return location === null ? notFound('Dataset billing-project:headrace') : { body: { id: 'x' } };
    if (path.startsWith('/datasets/')) return { body: { location: 'europe-west4' } };
    return method === 'POST' ? { body: {} } : { body: jobOf('DONE') };
  }, config);
  return new BigQueryWarehouse(api.config).views.tables(PLACE);
}

const HASH = new Uint8Array(16).fill(171);
const entryOf = (bytes: number) => ({
  slot: HASH,
  bytes: new Uint8Array(bytes),
  state: 'live' as const,
  rowHash: HASH,
  ordinal: 1,
  newOrdinal: 1,
});
const WRITE: ViewWrite = {
  expected: 'a',
  stamp: 'b',
  offset: 7,
  state: '{}',
  clear: false,
  entries: [entryOf(3)],
  relinks: [],
  rows: [],
  forget: [],
};
/** To everything that a write asks for; `outcome` to its script. */
const writing =
  (outcome: ApiResponse) =>
  (text: string): ApiResponse | undefined => {
    if (text.startsWith('begin transaction')) return outcome;
    if (text.includes('`layout`, `topic`')) return result(['1', 't', '5', '10', '9', '1', '4', 'a', '{}', '', 'digest']);
    return text.startsWith('select') ? result(['1', '1', '0', '0']) : undefined;
  };

describe('a write to a view in BigQuery', () => {
  it('brings rows in a parameter, and merges them by one script, labelled, bounded, where the dataset lies', async () => {
    const tables = await start({ statement: writing(result(['written'])) }, { maximumBytesBilled: 1_000_000, priority: 'batch' });
    expect(await tables.write(WRITE)).toEqual({ entries: 10, confirmable: 9, quarantined: 1, rows: 4 });
    await tables.close();
    expect(texts().map((text) => /^(create or replace table|insert|select|begin transaction|drop)/.exec(text)?.[1])).toEqual([
      'create or replace table',
      'insert',
      'select',
      'select',
      'begin transaction',
      'drop',
    ]);
    const [, insert, , , script] = started();
    const staged = /create or replace table (\S+)/.exec(texts()[0] ?? '')?.[1] ?? '';
    expect(staged).toMatch(/^`billing-project`\.`headrace`\.`customer_[0-9a-f]{8}_headrace_entries_[0-9a-f]{12}`$/);
    expect(queryOf(insert as ApiRequest)).toMatchObject({
      parameterMode: 'NAMED',
      queryParameters: [
        {
          name: 'piece',
          parameterType: { type: 'STRING' },
          parameterValue: { value: JSON.stringify(['ab'.repeat(16), 1, 1, 0, 'ab'.repeat(16), '000000']) },
        },
      ],
    });
    expect(script?.body).toMatchObject({
      jobReference: { location: 'EU', jobId: expect.stringMatching(/^headrace-shop-customer-/) },
      configuration: {
        labels: { headrace_project: 'shop', headrace_mapping: 'customer' },
        query: { maximumBytesBilled: '1000000', priority: 'INTERACTIVE' },
      },
    });
    expect(queryOf(script as ApiRequest).query).toContain(`merge into \`billing-project\`.\`headrace\`.`);
    expect(texts().at(-1)).toBe(`drop table if exists ${staged};`);
  });

  it('brings many rows in several requests, of which none is larger than BigQuery takes', async () => {
    const tables = await start({ statement: writing(result(['written'])) });
    await tables.write({ ...WRITE, entries: Array.from({ length: 30 }, () => entryOf(200_000)) });
    const inserts = started().filter((request) => queryOf(request).query.startsWith('insert'));
    expect(inserts).toHaveLength(3);
    for (const { body } of inserts) expect(JSON.stringify(body).length).toBeLessThan(10_000_000);
  });

  it.each<[string, ApiResponse]>([
    ['finds another stamp', result(['taken by another'])],
    [
      'is undone for another transaction',
      refusal(
        400,
        'invalidQuery',
        'Query error: Transaction is aborted due to concurrent update against table billing-project:headrace.customer_state. Transaction ID: 61e30eea-0000-2dab at [5:1]',
      ),
    ],
    [
      'comes at the same time as another statement',
      refusal(400, 'invalidQuery', 'Could not serialize access to table billing-project:headrace.customer_state due to concurrent update'),
    ],
  ])('that %s has written nothing', async (_, outcome) => {
    const tables = await start({ statement: writing(outcome) });
    expect(await tables.write(WRITE)).toBeUndefined();
  });

  it.each<[string, ApiResponse]>([
    ['fails', refusal(400, 'invalidQuery', 'Query error: whatever at [5:1]')],
    ['gives no answer that is one', { body: {} }],
  ])('that %s is an error', async (_, outcome) => {
    const tables = await start({ statement: writing(outcome) });
    await expect(tables.write(WRITE)).rejects.toMatchObject({ code: 'WAREHOUSE_FAILED' });
  });

  it('of which rows do not arrive is an error, before anything is merged', async () => {
    const tables = await start({
      statement: (text) =>
        text.startsWith('insert') ? refusal(403, 'quotaExceeded', 'Quota exceeded: x') : writing(result(['written']))(text),
    });
    await expect(tables.write(WRITE)).rejects.toMatchObject({ code: 'WAREHOUSE_UNREACHABLE' });
    expect(texts().some((text) => text.startsWith('begin transaction'))).toBe(false);
  });
});

describe('the dataset of a view', () => {
  it('is made where the warehouse says, or else where its own dataset lies', async () => {
    const dataset = { projectId: 'data-project', datasetId: 'marts' };
    for (const [config, location] of [
      [{ dataLocation: 'EU', dataset }, 'EU'],
      [{ dataset }, 'europe-west4'],
    ] as const) {
      const tables = await start({ location: null }, config);
      await tables.prepare();
      expect(texts()[0]).toMatch(/^create schema if not exists `billing-project`\.`headrace`/);
      expect(started().map(({ body }) => (body.jobReference as { location: string }).location)).toEqual(started().map(() => location));
      await api.stop();
    }
    const nowhere = await start({ location: null });
    await expect(nowhere.prepare()).rejects.toMatchObject({ code: 'CONFIG_INVALID', suggestion: expect.stringContaining('`location`') });
    expect(started()).toEqual([]);
  });

  it('that lies elsewhere is refused, and named', async () => {
    const tables = await start({ location: 'US' }, { dataLocation: 'EU' });
    await expect(tables.readState()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/headrace .* lies in US, and `location` is EU/),
    });
    expect(started()).toEqual([]);
  });

  it('that may not be written to is told with the grant that is missing', async () => {
    const state = (text: string) => (text.startsWith('select') ? result() : undefined);
    const grant = expect.stringContaining(
      'grant `roles/bigquery.dataEditor` on schema `billing-project`.`headrace` to "serviceAccount:me@p.iam.gserviceaccount.com"',
    );
    const impersonate = 'me@p.iam.gserviceaccount.com';
    let tables = await start(
      { statement: state, permissions: () => ({ body: { permissions: ['bigquery.tables.getData'] } }) },
      { impersonate, credentials: { kind: 'none' } },
    );
    await expect(tables.check()).rejects.toMatchObject({
      code: 'WAREHOUSE_DENIED',
      message: expect.stringContaining('bigquery.tables.updateData'),
      suggestion: grant,
    });
    await api.stop();
    tables = await start(
      {
        location: null,
        statement: () => refusal(403, 'accessDenied', 'Access Denied: Project p: User does not have bigquery.datasets.create permission'),
      },
      { impersonate, dataLocation: 'EU' },
    );
    await expect(tables.prepare()).rejects.toMatchObject({
      code: 'WAREHOUSE_DENIED',
      message: expect.stringContaining('bigquery.datasets.create'),
      suggestion: grant,
    });
  });

  it('can be written to where BigQuery says so, and where it does not tell', async () => {
    const permissions = ['bigquery.tables.getData', 'bigquery.tables.updateData'];
    const statement = (text: string) => (text.startsWith('select') ? result() : undefined);
    await (await start({ statement, permissions: () => ({ body: { permissions } }) })).check();
    expect(api.requests.find(({ path }) => path.endsWith(':testIamPermissions'))?.body).toEqual({ permissions });
    await api.stop();
    await (await start({ statement })).check();
  });
});

describe('the tables of a view', () => {
  it.each<[string, string, RegExp]>([
    ['dropped', 'Table billing-project:headrace.customer_x_rows was not found in location EU', /were dropped or renamed/],
    ['in a dataset that lies elsewhere', 'Dataset billing-project:headrace was not found in location US', /lies elsewhere/],
  ])('%s, are an error of the view and not of the model', async (_, what, message) => {
    const tables = await start({ statement: () => notFound(what) });
    await expect(tables.findRows([HASH])).rejects.toMatchObject({ code: 'QUERY_INVALID', message: expect.stringMatching(message) });
  });
});
