import { afterEach, describe, expect, it } from 'vitest';
import { BigQueryWarehouse } from '../../../src/warehouse/bigquery/warehouse.ts';
import type { ScanRequest } from '../../../src/warehouse/warehouse.ts';
import { readAll } from '../../conformance/warehouse-read.ts';
import {
  type ApiRequest,
  type ApiResponse,
  dryRunOf,
  exchangeOf,
  isDryRun,
  jobOf,
  pageOf,
  type RecordedApi,
  recordedApi,
} from './recorded-api.ts';

const FIELDS = [
  { name: 'id', type: 'INTEGER', mode: 'NULLABLE' },
  { name: 'at', type: 'TIMESTAMP', mode: 'NULLABLE' },
];
const REQUEST: ScanRequest = {
  relation: { table: 'marts.customers' },
  columns: ['id'],
  keyLength: 1,
  cursor: { column: 'at', nulls: true, from: { watermark: '2026-03-20 09:00:00+00', lookback: { ms: 900_000 } } },
  purpose: { project: 'shop', mapping: 'customer', model: 'Kunden_Überblick', run: '20261123T115846123Z-9f2c01' },
};

let api: RecordedApi;
afterEach(() => api.stop());

async function start(
  answer: (request: ApiRequest, nth: number) => ApiResponse | Promise<ApiResponse>,
  config: Parameters<typeof recordedApi>[1] = {},
) {
  api = await recordedApi(answer, config);
  return new BigQueryWarehouse(api.config);
}

const row = (id: number): readonly unknown[] => [String(id), '1774000000000000'];
const started = (): readonly ApiRequest[] => api.requests.filter((request) => request.path === '/jobs' && !isDryRun(request));

describe('requests', () => {
  it('labels the job, bounds its cost and its time, and says where it runs', async () => {
    const warehouse = await start(exchangeOf(FIELDS, [row(1)]), {
      dataset: { projectId: 'data-project', datasetId: 'marts' },
      dataLocation: 'europe-west4',
      maximumBytesBilled: 10_000_000_000,
      labels: { team: 'data' },
      priority: 'batch',
      statementTimeoutMs: 90_000,
    });
    await readAll(warehouse, REQUEST);
    const [job] = started();
    expect(job?.body).toEqual({
      jobReference: {
        projectId: 'billing-project',
        jobId: expect.stringMatching(/^headrace-shop-customer-20261123T115846123Z-9f2c01-[0-9a-f-]{36}$/),
        location: 'europe-west4',
      },
      configuration: {
        jobTimeoutMs: '90000',
        labels: {
          team: 'data',
          headrace_project: 'shop',
          headrace_mapping: 'customer',
          headrace_model: 'kunden_überblick',
          headrace_run: '20261123t115846123z-9f2c01',
        },
        query: {
          query: [
            'select',
            '  `model`.`id` as `id`,',
            '  `model`.`at` as `at`',
            'from `marts`.`customers` as `model`',
            "where (`model`.`at` >= timestamp_sub(timestamp '2026-03-20 09:00:00+00', interval 900000 millisecond) or `model`.`at` is null)",
          ].join('\n'),
          useLegacySql: false,
          defaultDataset: { projectId: 'data-project', datasetId: 'marts' },
          priority: 'BATCH',
          maximumBytesBilled: '10000000000',
        },
      },
    });
    const asked = api.requests.filter(({ method }) => method === 'GET');
    expect(asked.map(({ query }) => query.get('location'))).toEqual(asked.map(() => 'europe-west4'));
  });

  it('starts nothing for a scan that is not read, and describes without running', async () => {
    const warehouse = await start(exchangeOf(FIELDS, []));
    const scan = await warehouse.openScan(REQUEST, new AbortController().signal);
    await scan.close();
    expect(started()).toEqual([]);
    expect(api.requests.map(({ body }) => (body.configuration as { query: { query: string } }).query.query)).toEqual([
      'select * from `marts`.`customers` as `model` limit 0',
    ]);
  });

  it("takes the server's clock from before the job", async () => {
    const warehouse = await start(exchangeOf(FIELDS, []));
    const scan = await warehouse.openScan(REQUEST, new AbortController().signal);
    await scan.close();
    expect(scan.now).toBe('2026-03-20 09:46:40.123+00');
  });

  it("takes the clock from the answer's header where the dry run has none", async () => {
    const answer = dryRunOf(FIELDS) as { statistics: { creationTime?: string } };
    delete answer.statistics.creationTime;
    const warehouse = await start(() => ({ body: answer, headers: { date: 'Fri, 20 Mar 2026 09:46:40 GMT' } }));
    const scan = await warehouse.openScan(REQUEST, new AbortController().signal);
    await scan.close();
    expect(scan.now).toBe('2026-03-20 09:46:40.000+00');
  });

  it('reckons what a scan would read', async () => {
    const warehouse = await start(exchangeOf(FIELDS, []));
    expect(await warehouse.estimate(REQUEST, new AbortController().signal)).toEqual({ bytes: 12_345 });
    expect(started()).toEqual([]);
    expect(JSON.stringify(api.requests.at(-1)?.body)).toContain('timestamp_sub');
  });

  it('knows how many rows a table has, and reads on where it may not know', async () => {
    const full = { relation: { table: 'marts.customers' }, columns: ['id'], keyLength: 1 };
    const tables: ApiResponse[] = [
      { body: { type: 'TABLE', numRows: '1000' } },
      { body: { type: 'VIEW' } },
      {
        status: 403,
        body: { error: { code: 403, message: 'Access Denied', errors: [{ reason: 'accessDenied', message: 'Access Denied: no' }] } },
      },
    ];
    const warehouse = await start((request) =>
      request.path === '/datasets/marts/tables/customers' ? (tables.shift() as ApiResponse) : exchangeOf(FIELDS, [])(request),
    );
    const estimates: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const scan = await warehouse.openScan(full, new AbortController().signal);
      estimates.push(scan.estimatedRows);
      await scan.close();
    }
    expect(estimates).toEqual([1000, undefined, undefined]);
  });
});

describe('a result', () => {
  /** The pages by their tokens; the first is that of ''. */
  const paged =
    (pages: Readonly<Record<string, unknown>>, done: unknown = jobOf('DONE')) =>
    (request: ApiRequest): ApiResponse => {
      if (request.path === '/jobs') return { body: isDryRun(request) ? dryRunOf(FIELDS) : jobOf('RUNNING') };
      if (request.path.startsWith('/queries/')) return { body: pages[request.query.get('pageToken') ?? ''] };
      return { body: done };
    };
  const ids = (rows: Awaited<ReturnType<typeof readAll>>) => rows.map(({ values }) => values[0]);

  it('reads every page, two at a time', async () => {
    const pages = {
      '': pageOf(FIELDS, [row(1), row(2)], 5, 'b'),
      b: pageOf(FIELDS, [row(3), row(4)], 5, 'c'),
      c: pageOf(FIELDS, [row(5)], 5),
    };
    const warehouse = await start(paged(pages));
    const scan = await warehouse.openScan(REQUEST, new AbortController().signal);
    const asked: number[] = [];
    const seen: (string | null | undefined)[] = [];
    for await (const batch of scan.batches()) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      asked.push(api.requests.filter(({ path }) => path.startsWith('/queries/')).length);
      for (let i = 0; i < batch.count; i++) seen.push(batch.values(i)[0]);
    }
    await scan.close();
    expect(seen).toEqual(['1', '2', '3', '4', '5']);
    expect(asked).toEqual([2, 3, 3]);
  });

  it('waits while the query runs', async () => {
    let polls = 0;
    const good = exchangeOf(FIELDS, [row(1)]);
    const warehouse = await start((request) =>
      request.path.startsWith('/queries/') && ++polls < 3 ? { body: { jobComplete: false } } : good(request),
    );
    expect(ids(await readAll(warehouse, REQUEST))).toEqual(['1']);
    expect(polls).toBe(3);
  });

  it('goes on where an answer to the start was lost, and starts no second job', async () => {
    const good = exchangeOf(FIELDS, [row(1)]);
    let inserts = 0;
    const warehouse = await start((request) => {
      if (request.path !== '/jobs' || isDryRun(request)) return good(request);
      if (++inserts === 1)
        return { status: 503, body: { error: { code: 503, message: 'try again', errors: [{ reason: 'backendError', message: 'x' }] } } };
      return {
        status: 409,
        body: { error: { code: 409, message: 'Already Exists', errors: [{ reason: 'duplicate', message: 'Already Exists: Job' }] } },
      };
    });
    expect(ids(await readAll(warehouse, REQUEST))).toEqual(['1']);
    expect(new Set(started().map(({ body }) => (body.jobReference as { jobId: string }).jobId)).size).toBe(1);
  });

  it('asks again for a page that BigQuery could not give', async () => {
    const good = exchangeOf(FIELDS, [row(1)]);
    let asked = 0;
    const warehouse = await start((request) => {
      if (!request.path.startsWith('/queries/') || ++asked > 1) return good(request);
      return { status: 503, body: { error: { code: 503, message: 'try again', errors: [{ reason: 'backendError', message: 'x' }] } } };
    });
    expect(ids(await readAll(warehouse, REQUEST))).toEqual(['1']);
    expect(asked).toBe(2);
  });

  const NO_ROWS = pageOf(FIELDS, [], 0);
  const FAILED = jobOf('DONE', { reason: 'invalidQuery', message: 'Bad int64 value: secret-value' });

  /** What looks like an empty or a whole result and is none: an empty source would delete every fact. */
  it.each<[string, (request: ApiRequest) => ApiResponse, string]>([
    ['a job that failed, behind an empty result', paged({ '': NO_ROWS }, FAILED), 'WAREHOUSE_FAILED'],
    ['a job that is not done', paged({ '': NO_ROWS }, jobOf('RUNNING')), 'WAREHOUSE_FAILED'],
    ['a job without a state', paged({ '': NO_ROWS }, {}), 'WAREHOUSE_FAILED'],
    ['an empty object', paged({ '': {} }), 'WAREHOUSE_FAILED'],
    ['errors with HTTP 200', paged({ '': { errors: [{ reason: 'invalidQuery', message: 'no' }] } }), 'WAREHOUSE_FAILED'],
    [
      'an error object with HTTP 200',
      paged({ '': { error: { code: 400, message: 'no', errors: [{ reason: 'invalid', message: 'no' }] } } }),
      'WAREHOUSE_FAILED',
    ],
    ['HTML with HTTP 200', paged({ '': '<html>Log in</html>' }), 'WAREHOUSE_UNREACHABLE'],
    ['null', paged({ '': null }), 'WAREHOUSE_UNREACHABLE'],
    ['a list', paged({ '': [] }), 'WAREHOUSE_UNREACHABLE'],
    ['no count of rows', paged({ '': { ...(NO_ROWS as object), totalRows: undefined } }), 'WAREHOUSE_FAILED'],
    ['no columns', paged({ '': { ...(NO_ROWS as object), schema: undefined } }), 'WAREHOUSE_FAILED'],
    ['other columns', paged({ '': pageOf([FIELDS[0] as never, { name: 'at', type: 'STRING' }], [], 0) }), 'SCHEMA_DRIFT'],
    ['fewer columns', paged({ '': pageOf([FIELDS[0] as never], [], 0) }), 'SCHEMA_DRIFT'],
    ['fewer rows than it reports', paged({ '': pageOf(FIELDS, [row(1)], 2) }), 'WAREHOUSE_FAILED'],
    ['more rows than it reports', paged({ '': pageOf(FIELDS, [row(1), row(2)], 1) }), 'WAREHOUSE_FAILED'],
    ['no rows of those it reports', paged({ '': pageOf(FIELDS, [], 2) }), 'WAREHOUSE_FAILED'],
    ['another count on a later page', paged({ '': pageOf(FIELDS, [row(1)], 2, 'b'), b: pageOf(FIELDS, [row(2)], 3) }), 'WAREHOUSE_FAILED'],
    [
      'an empty page before the last',
      paged({ '': pageOf(FIELDS, [], 2, 'b'), b: pageOf(FIELDS, [row(1), row(2)], 2) }),
      'WAREHOUSE_FAILED',
    ],
    ['an empty token', paged({ '': pageOf(FIELDS, [row(1)], 2, '') }), 'WAREHOUSE_FAILED'],
    ['rows without cells', paged({ '': { ...(pageOf(FIELDS, [], 1) as object), rows: [{}] } }), 'WAREHOUSE_FAILED'],
    ['rows with a cell too few', paged({ '': pageOf(FIELDS, [['1']], 1) }), 'WAREHOUSE_FAILED'],
    ['a page that runs again', paged({ '': pageOf(FIELDS, [row(1)], 2, 'b'), b: { jobComplete: false } }), 'WAREHOUSE_FAILED'],
  ])('of %s is an error', async (_, answer, code) => {
    const warehouse = await start(answer);
    const error: unknown = await readAll(warehouse, REQUEST).then(
      () => 'taken for whole',
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code });
    expect(JSON.stringify([(error as Error).message, (error as Error).stack, String((error as Error).cause)])).not.toContain(
      'secret-value',
    );
  });

  it('of a job that fails at its start is an error', async () => {
    const warehouse = await start((request) => ({ body: isDryRun(request) ? dryRunOf(FIELDS) : FAILED }));
    await expect(readAll(warehouse, REQUEST)).rejects.toMatchObject({ code: 'WAREHOUSE_FAILED' });
  });

  it.each<[string, unknown]>([
    ['a dry run without columns', { status: { state: 'DONE' }, statistics: { creationTime: '1774000000123', query: {} } }],
    ['a dry run that is nothing', {}],
    [
      'a script',
      {
        status: { state: 'DONE' },
        statistics: { creationTime: '1774000000123', query: { statementType: 'SCRIPT', schema: { fields: FIELDS } } },
      },
    ],
  ])('is not asked for after %s', async (_, body) => {
    const warehouse = await start(() => ({ body }));
    await expect(readAll(warehouse, REQUEST)).rejects.toMatchObject({ code: expect.stringMatching(/WAREHOUSE_FAILED|QUERY_INVALID/) });
    expect(started()).toEqual([]);
  });
});

describe('an abort', () => {
  const cancels = () => api.requests.filter(({ path }) => path.endsWith('/cancel')).map(({ path }) => path.split('/')[2]);
  const jobId = () => (started()[0]?.body.jobReference as { jobId: string } | undefined)?.jobId;
  const soon = () => new Promise((resolve) => setTimeout(resolve, 150));

  it('while the query runs cancels the job', async () => {
    const warehouse = await start((request) => {
      if (request.path === '/jobs') return { body: isDryRun(request) ? dryRunOf(FIELDS) : jobOf('RUNNING') };
      return request.path.endsWith('/cancel') ? { body: {} } : new Promise(() => undefined);
    });
    const controller = new AbortController();
    const scan = await warehouse.openScan(REQUEST, controller.signal);
    setTimeout(() => controller.abort(), 200);
    await expect(scan.batches()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await scan.close();
    await soon();
    expect(new Set(cancels())).toEqual(new Set([jobId()]));
  });

  it('before BigQuery has answered cancels the job, too, once it is there', async () => {
    let insert: (response: ApiResponse) => void = () => undefined;
    const warehouse = await start((request) => {
      if (isDryRun(request)) return { body: dryRunOf(FIELDS) };
      if (request.path.endsWith('/cancel'))
        return {
          status: 404,
          body: { error: { code: 404, message: 'Not found: Job', errors: [{ reason: 'notFound', message: 'Not found: Job' }] } },
        };
      return new Promise<ApiResponse>((resolve) => {
        insert = resolve;
      });
    });
    const controller = new AbortController();
    const scan = await warehouse.openScan(REQUEST, controller.signal);
    setTimeout(() => controller.abort(), 200);
    await expect(scan.batches()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await scan.close();
    insert({ body: jobOf('RUNNING') });
    await soon();
    expect(cancels()).toEqual([jobId(), jobId()]);
  });

  it('is not needed for a scan that is read to its end, or left there', async () => {
    const warehouse = await start(exchangeOf(FIELDS, [row(1)]));
    await readAll(warehouse, REQUEST);
    expect(cancels()).toEqual([]);
  });
});
