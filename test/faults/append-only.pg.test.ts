import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { World } from '../run/world.ts';
import { eventFiles, eventsTable, expectEvents, foldSnapshot, HOURLY, ledgerOf } from './events.ts';

let world: World;
beforeEach(async () => {
  world = await World.create(eventsTable(), eventFiles());
});
afterEach(() => world.close());

async function viewSize(): Promise<{ entries: number; rows: number }> {
  const view = await world.openView('event');
  try {
    return { entries: view.state.entries, rows: view.rowCount };
  } finally {
    await view.close();
  }
}

const insertAt = (id: number, at: string) => world.sql(`insert into events values (${id}, 'late', now(), ${at})`);

describe('entries of an append-only model', () => {
  test('leave snapshot and local copy behind the horizon; nothing is published again, with and without the copy', async () => {
    // Events 1 to 174 lie more than 25 hours behind the newest one.
    expect(await world.run('event')).toMatchObject({ published: 200, counts: { created: 200, expired: 174, late: 0 } });
    expect(await foldSnapshot(world)).toEqual({ entries: 26, tombstones: 174 });
    expect(await viewSize()).toEqual({ entries: 26, rows: 26 });

    await world.sql(`insert into events select g, 'c', now(), now() + (g - 200) * interval '1 second' from generate_series(201, 210) g`);
    await world.sql(`update events set at = at - interval '1 minute' where id > 200`);
    expect(await world.run('event')).toMatchObject({ scope: 'incremental', published: 10, counts: { expired: 0 } });
    await expectEvents(world);

    await world.loseView('event');
    expect(await world.run('event', { full: true })).toMatchObject({ published: 0, counts: { rows: 210, late: 174, unchanged: 36 } });
    expect(await world.run('event')).toMatchObject({ published: 0 });
    await expectEvents(world);
  });

  test('go on leaving as time goes on, and so do the marks of rows', async () => {
    await world.sql(`update events set at = at - interval '9 days'`);
    await world.run('event');
    for (const daysAgo of [6, 3, 0]) {
      await world.sql(
        `insert into events select ${1000 + daysAgo} * 1000 + g, 'c', now(), now() - ${daysAgo} * interval '1 day' - (60 - g) * interval '1 hour' from generate_series(1, 60) g`,
      );
      expect(await world.run('event')).toMatchObject({
        scope: 'incremental',
        counts: { created: 60, expired: 60 },
      });
      expect(await viewSize()).toEqual({ entries: 26, rows: 26 });
      expect((await foldSnapshot(world)).entries).toBe(26);
    }
    expect(await world.run('event', { full: true })).toMatchObject({ published: 0 });
    await expectEvents(world);
  });

  test('a scheduled full comparison reads nothing below the horizon; within the margin it finds what is late', async () => {
    world = await world.edited(eventFiles(`${HOURLY}\nfull_comparison: "* * * * *"`));
    await world.run('event', {}, () => undefined);
    await insertAt(300, `now() - interval '20 hours'`);
    await insertAt(301, `now() - interval '30 hours'`);
    const job = await world.job('event');
    const { capture } = await import('../../src/run/capture.ts');
    // A minute later by this machine's clock: the next instant of the schedule.
    const result = await capture({ ...job, clock: () => Date.now() + 61_000 });
    expect(result).toMatchObject({ scope: 'full comparison', reason: 'due by its schedule', published: 1, counts: { rows: 27, late: 0 } });
    await expectEvents(world, [301]);
  });
});

describe('a row below the horizon', () => {
  test('is counted in result, warning and ledger, in an incremental run (lookback enlarged since) and in a full one; never published or quarantined', async () => {
    await world.run('event');
    await insertAt(300, `now() - interval '5 days'`);
    const edited = await world.edited(eventFiles('cursor: { column: at, lookback: 30d }\nappend_only: true'));
    const incremental = await edited.run('event');
    expect(incremental).toMatchObject({ scope: 'incremental', published: 0, counts: { late: 175, quarantined: 0, expired: 0 } });
    expect(edited.warnings.join()).toMatch(/175 rows lie below the horizon/);
    expect((await ledgerOf(edited)).at(-1)).toMatchObject({ run: incremental.run, last: true, counts: { late: 175 } });
    expect(await edited.run('event', { full: true })).toMatchObject({ published: 0, counts: { late: 175, quarantined: 0 } });
    await world.loseView('event');
    expect(await edited.run('event', { full: true })).toMatchObject({ published: 0, counts: { late: 175 } });
    await expectEvents(edited, [300]);
  });

  test('that does not fit the contract is not quarantined either', async () => {
    await world.run('event');
    await world.sql(`insert into events values (301, null, now(), now() - interval '5 days'), (302, null, now(), now())`);
    expect(await world.run('event', { full: true })).toMatchObject({ published: 0, counts: { late: 175, quarantined: 1 } });
    await expectEvents(world, [301, 302]);
  });

  test('is not published once the model keeps its entries again, nor after an edit of the mapping', async () => {
    await world.run('event');
    const kept = await world.edited(eventFiles('cursor: { column: at, lookback: 1h }'));
    expect(await kept.run('event', { full: true })).toMatchObject({ published: 0, counts: { late: 174 } });
    const files = eventFiles();
    const edited = await world.edited({ ...files, mappings: { event: `${files.mappings.event}where: "row.id > 0"\n` } });
    expect(await edited.run('event')).toMatchObject({ scope: 'full comparison', published: 0 });
    await expectEvents(edited);
  });
});

describe('cursors that an append-only model should not have', () => {
  test('of a row that is touched: its entry expires behind the newer cursor', async () => {
    await world.sql(`update events set at = at - interval '3 days'`);
    await world.run('event');
    await world.sql(`update events set at = now() where id = 199`);
    // The clock went on by three days: all others expire.
    expect(await world.run('event')).toMatchObject({ published: 0, counts: { recorded: 1, expired: 25 } });
    expect((await foldSnapshot(world)).entries).toBe(1);
    expect(await world.run('event', { full: true })).toMatchObject({ published: 0 });
    await expectEvents(world);
  });

  test('NULL: such rows are read in every run, and their entries stay', async () => {
    await world.sql(`insert into events values (300, 'c', now(), null), (301, 'c', now(), null)`);
    expect(await world.run('event')).toMatchObject({ published: 202, counts: { expired: 174 } });
    expect((await foldSnapshot(world)).entries).toBe(28);
    expect(await world.run('event', { full: true })).toMatchObject({ published: 0 });
    await expectEvents(world);
  });

  test('of another column: refused, because it has another order', async () => {
    await world.run('event');
    const edited = await world.edited(eventFiles('cursor: { column: happened_at, lookback: 1h }\nappend_only: true'));
    await expect(edited.run('event')).rejects.toMatchObject({ code: 'CONTRACT_MISMATCH', exitCode: 2 });
    await expectEvents(edited);
  });

  test.each([
    ['bigint', 'id', '100'],
    ['date', 'day', '3d'],
  ])('a %s cursor has a horizon, too', async (_, column, lookback) => {
    await world.sql(`alter table events add column day date; update events set day = at::date`);
    const edited = await world.edited(eventFiles(`cursor: { column: ${column}, lookback: ${lookback} }\nappend_only: true`));
    await world.sql(`insert into events select g, 'c', now(), now(), current_date from generate_series(201, 400) g`);
    expect((await edited.run('event')).counts.expired).toBeGreaterThan(20);
    await world.loseView('event');
    expect(await edited.run('event', { full: true })).toMatchObject({ published: 0 });
    expect(await edited.run('event')).toMatchObject({ published: 0, counts: { late: 0 } });
    await expectEvents(edited);
  });
});
