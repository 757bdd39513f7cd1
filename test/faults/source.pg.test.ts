import { afterEach, describe, expect, test } from 'vitest';
import { ENGINE } from '../run/warehouses/open.ts';
import { openSource, type Source } from './source.ts';

/** CASES.md 10, 11, 15 and 16: what a warehouse does behind the back of a cursor. */

/** What a session does to another. */
const isPostgres = ENGINE === 'postgres';

const opened: Source[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});

async function create(cursor: string): Promise<Source> {
  const source = await openSource(cursor);
  opened.push(source);
  return source;
}

const HOUR = `{ column: seen_at, lookback: 1h }`;
const NONE = `{ column: seen_at, lookback: 0s }`;

describe('rows that are committed late', () => {
  test('below the watermark, within the lookback: the next incremental run finds them', async () => {
    const { world, insert, expectSame } = await create(HOUR);
    await insert(['a'], 'NOW');
    await world.run('fact');
    await insert(['late'], `MINUTES_AGO(59)`);
    expect(await world.run('fact')).toMatchObject({ scope: 'incremental', published: 1 });
    await expectSame();
  });

  test('beyond the lookback: the next full comparison finds them', async () => {
    const { world, insert, expectSame } = await create(HOUR);
    await insert(['a'], 'NOW');
    await world.run('fact');
    await insert(['late'], `MINUTES_AGO(61)`);
    expect(await world.run('fact')).toMatchObject({ scope: 'incremental', published: 0 });
    expect(await world.run('fact', { full: true })).toMatchObject({ published: 1 });
    await expectSame();
  });

  test.runIf(isPostgres)('by a transaction that is open for longer than the lookback: the next incremental run finds them', async () => {
    const { world, insert, another, expectSame } = await create(NONE);
    await insert(['a'], 'NOW');
    await world.run('fact');
    const slow = await another();
    await slow.query('begin; select 1');
    // Others commit later cursors, and runs read them, while the slow one has not even written.
    await insert(['b'], 'NOW');
    expect(await world.run('fact')).toMatchObject({ published: 1 });
    await slow.query(`insert into source values ('slow', 0, 'person', '', now(), now())`);
    await insert(['c'], 'NOW');
    expect(await world.run('fact')).toMatchObject({ scope: 'incremental', published: 1 });
    await slow.query('commit');
    expect(await world.run('fact')).toMatchObject({ scope: 'incremental', published: 1 });
    await expectSame();
    // Nobody holds it any more: the watermark moves on, to the newest row.
    await insert(['d'], 'NOW');
    await world.run('fact');
    expect(await world.run('fact')).toMatchObject({ counts: { rows: 1 } });
  });

  test.runIf(isPostgres)('by a transaction that is open during the initial load and writes nothing before its end', async () => {
    const { world, insert, another, expectSame } = await create(NONE);
    const slow = await another();
    await slow.query('begin; select 1');
    await insert(['a', 'b'], 'NOW');
    await world.run('fact');
    await slow.query(`insert into source values ('slow', 0, 'person', '', now(), now()); commit`);
    expect((await world.run('fact')).published).toBe(1);
    await expectSame();
  });
});

describe('cursors that do not move as one would like', () => {
  test('microseconds: of two rows within one millisecond the later one is not passed over', async () => {
    const { world, insert, expectSame } = await create(NONE);
    await insert(['a'], `'2026-01-01 00:00:00.123001+00'`);
    expect((await world.run('fact')).watermark.to).toBe('2026-01-01 00:00:00.123001+00');
    await insert(['b'], `'2026-01-01 00:00:00.123002+00'`);
    expect(await world.run('fact')).toMatchObject({ published: 1, watermark: { to: '2026-01-01 00:00:00.123002+00' } });
    // Below by a microsecond: not read, because the bound is exact.
    await insert(['c'], `'2026-01-01 00:00:00.123001+00'`);
    expect(await world.run('fact')).toMatchObject({ published: 0, counts: { rows: 1 } });
    await world.run('fact', { full: true });
    await expectSame();
  });

  test('a cursor in the future is published and does not move the watermark past the clock', async () => {
    const { world, insert, expectSame } = await create(HOUR);
    await insert(['now'], 'NOW');
    await insert(['future'], `'2999-01-01'`);
    const { watermark } = await world.run('fact');
    expect(watermark.to?.startsWith('2999')).toBe(false);
    await insert(['later'], 'NOW');
    expect((await world.run('fact')).published).toBe(1);
    await world.sql(`update source set v = 5 where id = 'future'`);
    expect((await world.run('fact')).published).toBe(1);
    await expectSame();
  });

  test('a run that returns no rows, or only rows without a cursor, leaves the watermark', async () => {
    const { world, insert, expectSame } = await create(HOUR);
    await insert(['a'], 'NOW');
    const { watermark } = await world.run('fact');
    await world.sql(`update source set seen_at = null`);
    const second = await world.run('fact');
    expect(second.watermark.to).toBe(watermark.to);
    await insert(['b'], 'NOW');
    await world.run('fact');
    await expectSame();
  });

  test.each([
    ['with', true],
    ['without', false],
  ])('backwards, %s rows that have no cursor: a restored source is compared in full, with a warning', async (_, withNulls) => {
    const { world, insert, expectSame } = await create(HOUR);
    if (withNulls) await insert(['null'], 'null');
    await insert(['old'], `HOURS_AGO(24 * 10)`);
    await insert(['lost', 'changed'], 'NOW');
    await world.run('fact');
    await world.sql(`delete from source where id = 'lost'; update source set v = 7, seen_at = HOURS_AGO(24 * 9) where id = 'changed'`);
    expect(await world.run('fact')).toMatchObject({ scope: 'full comparison', published: 2 });
    expect(world.warnings.join()).toMatch(/was the source restored/);
    await expectSame();
    // The watermark went back with the source: what is written next, later than the restored rows, is found.
    await insert(['new'], `HOURS_AGO(24 * 8)`);
    expect(await world.run('fact')).toMatchObject({ scope: 'incremental', published: 1 });
    await expectSame();
  });
});

describe('rows whose cursor is NULL', () => {
  test('always: every run reads them', async () => {
    const { world, insert, expectSame } = await create(`{ column: seen_at, lookback: 1h, nulls: always }`);
    await insert(['a'], 'NOW');
    await insert(['null'], 'null');
    await world.run('fact');
    await world.sql(`update source set v = 2 where id = 'null'`);
    expect(await world.run('fact')).toMatchObject({ scope: 'incremental', published: 1 });
    await expectSame();
  });

  test('never: they have no fact, in no kind of run; a row that loses its cursor loses its fact', async () => {
    const { world, insert, expectSame } = await create(`{ column: seen_at, lookback: 1h, nulls: never }`);
    await insert(['a', 'b'], 'NOW');
    await insert(['null'], 'null');
    expect((await world.run('fact')).published).toBe(2);
    expect((await world.run('fact', { full: true })).published).toBe(0);
    await world.sql(`update source set seen_at = null where id = 'b'; update source set seen_at = NOW where id = 'null'`);
    expect((await world.run('fact')).published).toBe(1);
    expect((await world.run('fact', { full: true })).counts).toMatchObject({ deleted: 1 });
    await expectSame('seen_at is not null');
  });

  test('reject: they are reported, once, keep what was published, and return by themselves', async () => {
    const { world, insert, expectSame } = await create(`{ column: seen_at, lookback: 1h, nulls: reject }`);
    await insert(['a', 'b'], 'NOW');
    await insert(['null'], 'null');
    expect(await world.run('fact')).toMatchObject({ published: 2, counts: { quarantined: 1 } });
    await world.sql(`update source set seen_at = null, v = 3 where id = 'b'`);
    expect(await world.run('fact')).toMatchObject({ published: 0, counts: { quarantined: 1, rejected: 2 } });
    expect(await world.run('fact', { full: true })).toMatchObject({ published: 0, counts: { quarantined: 0, rejected: 2 } });
    expect((await world.fold('fact')).facts.get('b')?.value).toMatchObject({ v: '0' });
    await world.sql(`update source set seen_at = NOW where seen_at is null`);
    expect((await world.run('fact')).published).toBe(2);
    await expectSame();
  });
});

describe('a source that is not whole', () => {
  test.each([true, false])('truncated: exit 4, nothing published (full: %s); loaded again, nothing was lost', async (full) => {
    const { world, insert, expectSame } = await create(HOUR);
    await insert(['a', 'b', 'c'], 'NOW');
    await world.run('fact');
    await world.sql('create table kept as select * from source; truncate table source');
    await expect(world.run('fact', { full })).rejects.toMatchObject({ code: 'GUARD_STOPPED', exitCode: 4 });
    expect((await world.fold('fact')).records).toBe(3);
    await world.sql('insert into source select * from kept');
    expect((await world.run('fact', { full: true })).published).toBe(0);
    await expectSame();
  });

  test('half reloaded: the share of deletions stops it', async () => {
    const { world, expectSame } = await create(HOUR);
    await world.sql(`insert into source select concat('r', cast(n as TEXT)), 0, 'person', '', NOW, NOW from NUMBERS(1000)`);
    await world.run('fact');
    await world.sql(`create table kept as select * from source; delete from source where id > 'r5'`);
    await expect(world.run('fact', { full: true })).rejects.toMatchObject({
      code: 'GUARD_STOPPED',
      message: expect.stringMatching(/deleted/),
    });
    await world.sql(`insert into source select * from kept where id > 'r5'`);
    expect((await world.run('fact', { full: true })).published).toBe(0);
    await expectSame();
  });

  test.runIf(isPostgres)('its session is terminated in the middle of a scan: no deletion, exit 3', async () => {
    const { world, expectSame, insertWide } = await create(HOUR);
    await insertWide(4000);
    await world.run('fact');
    // Wherever they are compared, the rows cross the network: no field reads the note.
    await world.sql(`delete from source where id = 'r1'; update source set note = concat(note, 'y')`);
    let cut = false;
    const reach = async (step: string) => {
      if (step !== 'while_mapping' || cut) return;
      cut = true;
      await world.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'headrace' and datname = current_database()`,
      );
    };
    await expect(world.run('fact', { full: true }, reach)).rejects.toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', exitCode: 3 });
    expect(cut).toBe(true);
    expect((await world.fold('fact')).records).toBe(4_000);
    expect((await world.run('fact', { full: true })).counts).toMatchObject({ deleted: 1, created: 0, updated: 0 });
    await expectSame();
  });

  test.runIf(isPostgres)('an initial load whose scan breaks goes on, and deletes what it published too early', async () => {
    const { world, expectSame, insertWide } = await create(HOUR);
    await insertWide(4000);
    let batches = 0;
    const reach = async (step: string) => {
      if (step !== 'while_mapping' || ++batches !== 10) return;
      await world.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'headrace' and datname = current_database()`,
      );
    };
    const chunk = { changes: 50, bytes: 1e6 };
    await expect(world.run('fact', { chunk }, reach)).rejects.toMatchObject({ exitCode: 3 });
    const published = (await world.fold('fact')).records;
    expect(published).toBeGreaterThan(0);
    expect(published).toBeLessThan(4_000);
    await world.sql(`delete from source where id in ('r1', 'r3999')`);
    expect((await world.run('fact')).scope).toBe('initial load');
    await expectSame();
  });

  test.runIf(isPostgres)('a statement that outlives its timeout in the middle of a scan: no deletion, exit 3', async () => {
    const { world, expectSame, runTooSlowly, insertWide } = await create(HOUR);
    await insertWide(4000);
    await world.run('fact');
    // Wherever they are compared, the rows cross the network: no field reads the note.
    await world.sql(`delete from source where id = 'r1'; update source set note = concat(note, 'y')`);
    await expect(runTooSlowly()).rejects.toMatchObject({ code: 'WAREHOUSE_TIMEOUT', exitCode: 3 });
    expect((await world.fold('fact')).records).toBe(4_000);
    expect((await world.run('fact', { full: true })).counts.deleted).toBe(1);
    await expectSame();
  });
});

describe('rows that come back', () => {
  test('as they were, with an old cursor, and the copy lost meanwhile: the next version, found by the next full comparison', async () => {
    const { world, insert, expectSame } = await create(HOUR);
    await insert(['a', 'b'], `HOURS_AGO(24 * 3)`);
    await insert(['c'], 'NOW');
    await world.run('fact');
    await world.sql(`create table gone as select * from source where id = 'a'; delete from source where id = 'a'`);
    await world.run('fact', { full: true });
    await world.loseView('fact');
    await world.sql('insert into source select * from gone');
    await world.run('fact', { full: true });
    const fold = await expectSame();
    expect(fold.history.get('a')?.map((r) => r.version)).toEqual([1, 2, 3]);
  });

  test('a key that leaves the scope and returns, run by run and within one run', async () => {
    const { world, insert, expectSame } = await create(HOUR);
    await insert(['a', 'b'], 'NOW');
    await world.run('fact');
    const move = (kind: string) => world.sql(`update source set kind = '${kind}', seen_at = NOW where id = 'a'`);
    await move('internal');
    expect((await world.run('fact')).counts.deleted).toBe(1);
    await move('person');
    expect((await world.run('fact')).counts.created).toBe(1);
    await move('internal');
    await move('person');
    expect((await world.run('fact')).published).toBe(0);
    await expectSame();
  });
});
