import { afterEach, describe, expect, it } from 'vitest';
import type { Column } from '../../../src/core/row.ts';
import type { SnowflakeColumn } from '../../../src/warehouse/snowflake/columns.ts';
import { planScan, SnowflakeWarehouse } from '../../../src/warehouse/snowflake/warehouse.ts';
import type { ScanRequest } from '../../../src/warehouse/warehouse.ts';
import { type RecordedAnswer, type RecordedSnowflake, startRecorded } from './recorded-server.ts';
import { emulatorConfig } from './test-database.ts';

const servers: RecordedSnowflake[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const column = (name: string, kind: Column['kind'], sourceType: string): SnowflakeColumn => ({
  name,
  kind,
  sourceType,
  stored: name.toUpperCase(),
});
const ID = column('id', 'string', 'VARCHAR');
const AT = column('updated_at', 'timestamptz', 'TIMESTAMP_LTZ(9)');

const request = (more: Partial<NonNullable<ScanRequest['cursor']>> = {}): ScanRequest => ({
  relation: { table: 'marts.customers' },
  columns: ['id'],
  keyLength: 1,
  orderBy: ['id'],
  cursor: {
    column: 'updated_at',
    nulls: true,
    from: { watermark: '2024-03-31 01:59:59.999999+00', lookback: { ms: 900_000 } },
    changeFeed: { kind: 'changes', isRead: true },
    ...more,
  },
});

const UNTRACKED: RecordedAnswer = {
  code: '000707',
  sqlState: '02000',
  message: "Change tracking is not enabled or has been missing for the time range requested on table 'CUSTOMERS'.",
};

async function record(feed: RecordedAnswer) {
  const server = await startRecorded({
    answer: ({ sqlText, describeOnly }) => {
      if (sqlText.includes('changes(information')) return feed;
      if (!describeOnly) return { columns: [{ name: 'c0', type: 'text' }], rows: [['2024-04-01 00:00:00.000000000']] };
      return {
        columns: [
          { name: 'ID', type: 'text' },
          { name: 'UPDATED_AT', type: 'timestamp_ltz', precision: 0, scale: 9 },
        ],
      };
    },
  });
  servers.push(server);
  const warehouse = new SnowflakeWarehouse(emulatorConfig(server.url));
  const read = async (of: ScanRequest) => {
    const scan = await warehouse.openScan(of, new AbortController().signal);
    let rows = 0;
    for await (const batch of scan.batches()) rows += batch.count;
    await scan.close();
    return { byChangeFeed: scan.byChangeFeed, notes: scan.notes, rows };
  };
  const scans = () =>
    server.statements.filter(({ sqlText, describeOnly }) => !describeOnly && sqlText.includes('"c0"')).map(({ sqlText }) => sqlText);
  return { read, scans };
}

describe('the change feed', () => {
  it('has this text', async () => {
    const { feedText } = planScan(request(), [ID], AT, [ID, AT]);
    await expect(`${feedText}\n`).toMatchFileSnapshot('../../golden/warehouse/snowflake-change-feed.sql');
  });

  it.each<[string, Partial<NonNullable<ScanRequest['cursor']>>, SnowflakeColumn, string | undefined]>([
    [
      'a timestamp without a zone',
      { from: { watermark: '2024-03-31 01:59:59.999', lookback: { ms: 0 } } },
      { ...AT, kind: 'timestamp' },
      '2024-03-31 01:59:59',
    ],
    ['a date', { from: { watermark: '2024-03-31', lookback: { ms: 86_400_000 } } }, { ...AT, kind: 'date' }, '2024-03-30 00:00:00'],
    ['a number', { from: { watermark: '17', lookback: { count: 1 } } }, { ...AT, kind: 'decimal', sourceType: 'NUMBER(38,0)' }, undefined],
    ['no watermark', { from: undefined }, AT, undefined],
    ['a watermark that is no time', { from: { watermark: "x'; drop", lookback: { ms: 0 } } }, AT, undefined],
  ])('of %s', (_, more, cursor, since) => {
    const { feedText } = planScan(request(more), [ID], cursor, [ID, cursor]);
    expect(feedText === undefined ? undefined : /timestamp => '(.*) \+00:00'/.exec(feedText)?.[1]).toBe(since);
  });

  it('leaves out rows without a cursor where the model does', () => {
    expect(planScan(request({ nulls: false }), [ID], AT, [ID, AT]).feedText).toContain('and "model"."UPDATED_AT" is not null');
  });

  it('reads what was committed since, and nothing by the cursor', async () => {
    const { read, scans } = await record({
      columns: [
        { name: 'c0', type: 'text' },
        { name: 'cursor', type: 'text' },
      ],
      rows: [['a', null]],
    });
    expect(await read(request())).toEqual({ byChangeFeed: true, notes: [], rows: 1 });
    expect(scans()).toEqual([expect.stringContaining("at(timestamp => '2024-03-31 01:44:59 +00:00'::timestamp_tz)")]);
    // A full comparison has no watermark to ask from.
    expect(await read(request({ from: undefined }))).toMatchObject({ byChangeFeed: false, notes: [] });
    expect(await read(request({ changeFeed: { kind: 'changes', isRead: false } }))).toMatchObject({ byChangeFeed: false, notes: [] });
  });

  it('reads by the cursor, and says why, where there is none', async () => {
    const { read, scans } = await record(UNTRACKED);
    const { byChangeFeed, notes } = await read(request());
    expect(byChangeFeed).toBe(false);
    expect(notes).toEqual([
      expect.stringMatching(
        /by their cursor instead\..*Change tracking is not enabled.*alter table marts\.customers set change_tracking = true;/,
      ),
    ]);
    expect(scans()).toEqual([expect.stringContaining('where ("model"."UPDATED_AT" >= dateadd(')]);
  });
});
