import { afterEach, describe, expect, it } from 'vitest';
import { changeFeedText, type FeedWindow, openFeed } from '../../../src/warehouse/bigquery/change-feed.ts';
import { BigQueryWarehouse } from '../../../src/warehouse/bigquery/warehouse.ts';
import type { ScanCursor, ScanRequest } from '../../../src/warehouse/warehouse.ts';
import { executeInFile } from '../duckdb/execute.ts';
import { inDuckDb } from './feed-in-duckdb.ts';
import {
  type ApiRequest,
  type ApiResponse,
  dryRunOf,
  exchangeOf,
  isDryRun,
  jobOf,
  queryOf,
  type RecordedApi,
  recordedApi,
  refusalOf,
} from './recorded-api.ts';

const FIELDS = [
  { name: 'id', type: 'STRING', mode: 'NULLABLE' },
  { name: 'name', type: 'STRING', mode: 'NULLABLE' },
  { name: 'at', type: 'TIMESTAMP', mode: 'NULLABLE' },
];
/** The clock of the recorded dry runs. */
const NOW_MS = 1_774_000_000_123;
const SINCE_MS = NOW_MS - 300_000;

type Feed = NonNullable<ScanCursor['changeFeed']>;
const request = (feed: Partial<Feed> = {}, cursor: Partial<ScanCursor> = {}): ScanRequest => ({
  relation: { table: 'marts.customers' },
  columns: ['id', 'name'],
  keyLength: 1,
  cursor: {
    column: 'at',
    nulls: true,
    from: { watermark: '2026-03-20 09:00:00+00', lookback: { ms: 900_000 } },
    changeFeed: { kind: 'changes', isRead: true, sinceMs: SINCE_MS, ...feed },
    ...cursor,
  },
});

const ITEMS = ['id', 'name', 'at'].map((name) => ({ name, expression: `\`model\`.\`${name}\`` }));
const window = (days: number): FeedWindow => ({
  fromMs: Date.parse('2026-03-18T09:31:40.123Z'),
  toMs: Date.parse('2026-03-18T09:46:40.123Z') + days * 86_400_000,
});

describe('the text of the change feed', () => {
  it.each<[string, string]>([
    ['changes', `${changeFeedText(request(), ITEMS, 'changes', window(0))}\n`],
    [
      'changes-of-days',
      `${changeFeedText({ ...request({}, { nulls: false }), columns: ['id', 'region', 'name'], keyLength: 2 }, ITEMS, 'changes', window(1))}\n`,
    ],
    ['appends', `${changeFeedText({ ...request({}, { nulls: false }), orderBy: ['at', 'id'] }, ITEMS, 'appends', window(3))}\n`],
  ])('of %s', async (name, text) => {
    await expect(text).toMatchFileSnapshot(`../../golden/warehouse/bigquery-feed-${name}.sql`);
  });
});

type LoggedChange = readonly [minute: number, change: string, id: string | null, name: string];

/** The text, run by DuckDB over a log of the form that BigQuery documents. */
async function newest(log: readonly LoggedChange[], minutes = 60) {
  const start = Date.parse('2026-03-20T00:00:00Z');
  const at = (minute: number) => `timestamp '${new Date(start + minute * 60_000).toISOString().slice(0, 19).replace('T', ' ')}'`;
  const rows = log.map(
    ([minute, change, id, name]) => `(${id === null ? 'null' : `'${id}'`}, '${name}', ${at(0)}, '${change}', ${at(minute)})`,
  );
  const text = changeFeedText(request(), ITEMS, 'changes', { fromMs: start, toMs: start + minutes * 60_000 });
  const found = await executeInFile(':memory:', [
    'create macro to_json_string(x) as to_json(x)',
    'create table log (id text, name text, "at" timestamp, _CHANGE_TYPE text, _CHANGE_TIMESTAMP timestamp)',
    `insert into log values ${rows.join(', ')}`,
    inDuckDb(text),
  ]);
  return found.map(({ id, name }) => `${id}: ${name}`).sort();
}

describe('what the text finds', () => {
  it('is the newest version of each row that changed, once', async () => {
    const rows = await newest([
      [1, 'INSERT', 'a', 'first'],
      [2, 'DELETE', 'a', 'first'],
      [2, 'UPDATE', 'a', 'second'],
      [3, 'INSERT', 'b', 'only'],
      [4, 'DELETE', 'a', 'second'],
      [4, 'UPDATE', 'a', 'third'],
    ]);
    expect(rows).toEqual(['a: third', 'b: only']);
  });

  it('is nothing of a row that was removed, or got another key', async () => {
    const rows = await newest([
      [1, 'INSERT', 'gone', 'x'],
      [2, 'DELETE', 'gone', 'x'],
      [3, 'INSERT', 'old', 'y'],
      [4, 'DELETE', 'old', 'y'],
      [4, 'UPDATE', 'new', 'y'],
      [5, 'DELETE', 'back', 'z'],
      [6, 'INSERT', 'back', 'z again'],
    ]);
    expect(rows).toEqual(['back: z again', 'new: y']);
  });

  it('is the table anew where one commit replaced it, also rows whose key stands twice', async () => {
    const rows = await newest([
      [1, 'DELETE', 'a', 'before'],
      [1, 'INSERT', 'a', 'after'],
      [1, 'INSERT', 'b', 'one'],
      [1, 'INSERT', 'b', 'other'],
    ]);
    expect(rows).toEqual(['a: after', 'b: one', 'b: other']);
  });

  it('is every row without a key that is there still', async () => {
    const rows = await newest([
      [1, 'INSERT', null, 'first'],
      [2, 'INSERT', null, 'second'],
      [3, 'INSERT', null, 'mended'],
      [4, 'DELETE', null, 'mended'],
      [4, 'UPDATE', 'c', 'mended'],
    ]);
    expect(rows).toEqual(['c: mended', 'null: first', 'null: second']);
  });

  it('has no gap and no overlap between days', async () => {
    const day = 24 * 60;
    const rows = await newest(
      [
        [0, 'INSERT', 'a', '0'],
        [day - 1, 'INSERT', 'b', '1'],
        [day, 'INSERT', 'c', '2'],
        [2 * day, 'INSERT', 'd', '3'],
      ],
      2 * day,
    );
    expect(rows).toEqual(['a: 0', 'b: 1', 'c: 2']);
  });
});

let api: RecordedApi;
afterEach(() => api?.stop());

const TABLE = { type: 'TABLE', numRows: '1000', creationTime: '1700000000000' };
const isFeed = (asked: ApiRequest) => /changes\(|appends\(/.test(queryOf(asked));

/** Everything goes well, but for what `other` answers. */
async function read(of: ScanRequest, other: (asked: ApiRequest) => ApiResponse | undefined = () => undefined) {
  api = await recordedApi((asked) => {
    const said = other(asked);
    if (said !== undefined) return said;
    if (asked.path.startsWith('/datasets/')) return { body: TABLE };
    if (isDryRun(asked)) return { body: dryRunOf(FIELDS, isFeed(asked) ? 10 : 1_000_000) };
    return exchangeOf(FIELDS, [['1', 'a', '1774000000000000']])(asked);
  });
  const warehouse = new BigQueryWarehouse(api.config);
  const scan = await warehouse.openScan(of, new AbortController().signal);
  let rows = 0;
  for await (const batch of scan.batches()) rows += batch.count;
  await scan.close();
  const started = api.requests.filter((asked) => asked.path === '/jobs' && !isDryRun(asked));
  const { byChangeFeed = false, notes = [], feedAtMs } = scan;
  return { warehouse, byChangeFeed, notes: notes.join('\n'), feedAtMs, now: scan.now, rows, texts: started.map(queryOf) };
}

const BY_CURSOR = "`model`.`at` >= timestamp_sub(timestamp '2026-03-20 09:00:00+00', interval 900000 millisecond)";

describe('a scan by the change feed', () => {
  it('reads what was committed since the last scan, less the lookback, up to now, and nothing by the cursor', async () => {
    const { texts, ...found } = await read(request());
    expect(found).toMatchObject({ byChangeFeed: true, notes: '', feedAtMs: NOW_MS, now: '2026-03-20 09:46:40.123+00', rows: 1 });
    expect(texts).toEqual([
      expect.stringContaining(
        "changes(table `marts`.`customers`, timestamp '2026-03-20 09:26:40.123+00', timestamp '2026-03-20 09:46:40.123+00')",
      ),
    ]);
  });

  it('asks APPENDS where the model says so, and reckons what the feed reads', async () => {
    const { texts, warehouse } = await read(request({ kind: 'appends' }));
    expect(texts).toEqual([expect.stringContaining('from appends(table `marts`.`customers`, ')]);
    expect(await warehouse.estimate(request({ kind: 'appends' }), new AbortController().signal)).toEqual({ bytes: 10 });
    const whole = request({ isRead: false }, { from: undefined });
    expect(await warehouse.estimate(whole, new AbortController().signal)).toEqual({ bytes: 1_000_000 });
  });

  it('is not begun by a scan of everything, which finds out whether the next one may be one', async () => {
    const whole = request({ isRead: false, sinceMs: undefined }, { from: undefined });
    const { texts, ...found } = await read(whole);
    expect(found).toMatchObject({ byChangeFeed: false, notes: '', feedAtMs: NOW_MS });
    expect(texts).toEqual([expect.not.stringContaining('changes(')]);
  });

  it('is refused no second time in one run: by the cursor, and the words of BigQuery in the note', async () => {
    const { texts, notes, ...found } = await read(request(), (asked) =>
      isFeed(asked) ? refusalOf('Change history is not enabled on table marts.customers at [2:3]') : undefined,
    );
    expect(found).toMatchObject({ byChangeFeed: false, rows: 1, feedAtMs: undefined });
    expect(notes).toMatch(/by their cursor instead\. .*Change history is not enabled on table marts\.customers/);
    expect(notes).toContain('alter table marts.customers set options (enable_change_history = true);');
    expect(texts).toEqual([expect.stringContaining(BY_CURSOR)]);
  });

  it.each<[string, ScanRequest, (asked: ApiRequest) => ApiResponse | undefined, RegExp, number | undefined]>([
    [
      'a view',
      request(),
      (asked) => (asked.path.startsWith('/datasets/') ? { body: { ...TABLE, type: 'MATERIALIZED_VIEW' } } : undefined),
      /this is a materialized view/,
      undefined,
    ],
    [
      'a table that it may not look at',
      request(),
      (asked) =>
        asked.path.startsWith('/datasets/') ? refusalOf('Access Denied: Table p:marts.customers', 'accessDenied', 403) : undefined,
      /the right bigquery\.tables\.get on it/,
      undefined,
    ],
    [
      'a table with row access policies',
      request(),
      (asked) =>
        isFeed(asked)
          ? refusalOf(
              'Access Denied: Table p:marts.customers: User does not have bigquery.rowAccessPolicies.overrideTimeTravelRestrictions',
              'accessDenied',
              403,
            )
          : undefined,
      /overrideTimeTravelRestrictions.*no row access policy/,
      undefined,
    ],
    [
      'a window that BigQuery refuses, where it takes a short one',
      request(),
      (asked) =>
        queryOf(asked).includes('09:26:40')
          ? refusalOf('CHANGES is not supported for a table with multi-statement transactions')
          : undefined,
      /multi-statement transactions/,
      NOW_MS,
    ],
    ['a window longer than changes are kept', request({ sinceMs: NOW_MS - 7 * 86_400_000 }), () => undefined, /7 days at most/, NOW_MS],
    [
      'a feed that the last run did not find',
      request({ sinceMs: undefined }),
      () => undefined,
      /from the next run on.*may lack what was committed before/,
      NOW_MS,
    ],
    [
      'a table that was made anew',
      request(),
      (asked) => (asked.path.startsWith('/datasets/') ? { body: { ...TABLE, creationTime: String(SINCE_MS + 1) } } : undefined),
      /from the next run on.*made anew/,
      NOW_MS,
    ],
    [
      'a query that fails when it runs',
      request(),
      (asked) =>
        asked.path === '/jobs' && !isDryRun(asked) && isFeed(asked)
          ? { body: jobOf('DONE', { reason: 'invalidQuery', message: 'secret-value' }) }
          : undefined,
      /cannot be read.*invalidQuery/,
      undefined,
    ],
  ])('degrades to the cursor for %s', async (_, of, other, note, feedAtMs) => {
    const { texts, notes, ...found } = await read(of, other);
    expect(found).toMatchObject({ byChangeFeed: false, feedAtMs });
    expect(notes).toMatch(note);
    expect(notes).not.toContain('secret-value');
    expect(texts.at(-1)).not.toMatch(/changes\(/);
  });

  it('needs a cursor that is a time', async () => {
    const cursor = { name: 'version', kind: 'int64', sourceType: 'INT64' } as const;
    const source = { nowMs: NOW_MS, table: () => Promise.reject(new Error('asked')), dryRun: () => Promise.reject(new Error('asked')) };
    expect(await openFeed(request(), ITEMS, cursor, source)).toEqual({
      isReadable: false,
      note: 'The change feed cannot be read, rows are found by their cursor instead. It needs a cursor that is a time.',
    });
  });

  it('fails as any scan where nothing is said of the feed', async () => {
    const down = read(request(), (asked) =>
      isFeed(asked) ? refusalOf('Request had invalid authentication credentials.', 'authError', 401) : undefined,
    );
    await expect(down).rejects.toMatchObject({ code: 'WAREHOUSE_UNREACHABLE' });
  });
});
