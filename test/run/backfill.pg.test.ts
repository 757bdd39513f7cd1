import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entryChange, repair } from '../../src/run/repair.ts';
import { undo } from '../../src/run/undo.ts';
import { headrace, type Said } from '../cli/in-process.ts';
import { CUSTOMERS_MODEL, customerMapping } from './customers.ts';
import { approvalsOf, person, signing } from './people.ts';
import { World } from './world.ts';
import type { WorldFiles } from './world-files.ts';

const [erin, dana] = [person('erin'), person('dana')];

const FILES: WorldFiles = {
  models: {
    customers: CUSTOMERS_MODEL,
  },
  mappings: {
    customer: customerMapping('customer', 'class: profile\ninitial_load: publish\nguards: { updated: { share: 20%, at_least: 10 } }'),
    suspend: customerMapping('suspend', 'class: command\nundo: none\ninitial_load: publish'),
  },
  project: approvalsOf([erin, dana]),
};

/** Rows of the past: no incremental run reads them again. */
const TABLE = `create table customers (id text primary key, tier text not null, updated_at timestamptz not null);
insert into customers select 'c' || lpad(g::text, 3, '0'), 'gold', '2026-01-01Z'::timestamptz + g * interval '1 hour' from generate_series(1, 100) g;
insert into customers values ('now', 'gold', clock_timestamp() - interval '1 minute');`;

let world: World;
async function start(view?: 'local' | 'warehouse'): Promise<void> {
  world = await World.create(TABLE, { ...FILES, ...(view === undefined ? {} : { view }) });
  await world.run('customer');
}
afterEach(() => world?.close());

const say = (...argv: string[]): Promise<Said> => headrace(world.root, argv, world.env);
interface Told {
  readonly exitCode: number;
  readonly published: number;
  readonly slices: number;
  readonly live: { readonly runs: number; readonly published: number };
  readonly backfill: {
    readonly id: string;
    readonly counts: Readonly<Record<string, unknown>>;
    readonly total: number;
    readonly end?: string;
  };
  readonly error?: { readonly code: string; readonly message: string; readonly suggestion: string };
}
const backfill = async (...argv: string[]): Promise<Told> =>
  JSON.parse((await say('backfill', 'customer', ...argv, '--json')).stdout) as Told;
const facts = async () =>
  new Map((await world.sql<{ id: string; tier: string }>('select id, tier from customers')).map((row) => [row.id, row]));
const keyFile = (...keys: string[]): string => {
  const file = path.join(world.root, 'keys.txt');
  writeFileSync(file, `${keys.join('\n')}\n`);
  return file;
};

describe('a backfill', () => {
  beforeEach(() => start());

  test('publishes what differs and nothing else, slice by slice, and moves no watermark', async () => {
    // What no incremental run sees: a changed row, a new one, one that is gone from scope, all with cursors of the past.
    await world.sql(`update customers set tier = 'silver' where id in ('c002', 'c050', 'c099')`);
    await world.sql(`insert into customers values ('c0505', 'new', '2026-01-03Z')`);
    expect(await world.run('customer')).toMatchObject({ scope: 'incremental', published: 0 });
    const before = (await world.ledger('customer')).at(-1)?.watermark;

    const inRange = await backfill('--from', '2026-01-01', '--to', '2026-01-04T00:00:00Z', '--slice', '30', '--reason', 'a late import');
    expect(inRange.backfill).not.toHaveProperty('place');
    expect(inRange).toMatchObject({
      exitCode: 0,
      published: 3,
      slices: 3,
      live: { runs: 3, published: 0 },
      backfill: { total: 72, end: 'done', counts: { rows: 72, created: 1, updated: 2, unchanged: 69, repeated: 0 } },
    });
    const expected = await facts();
    expected.set('c099', { id: 'c099', tier: 'gold' });
    const fold = await world.expectFacts('customer', expected);
    const history = fold.history.get('c050') ?? [];
    expect(history.map(({ version }) => version)).toEqual([1, 2]);
    expect(history[1]?.headers).toMatchObject({ ce_origin: 'backfill', ce_runid: inRange.backfill.id, ce_changed: 'tier' });
    expect((await world.ledger('customer')).at(-1)).toMatchObject({
      run: inRange.backfill.id,
      origin: 'backfill',
      watermark: { from: (before as { to: string }).to, to: (before as { to: string }).to },
      repair: { reason: 'a late import' },
      backfill: { slices: 3, rows: 72, total: 72, published: 3, end: 'done' },
    });
    const shown = JSON.parse((await say('runs', 'show', inRange.backfill.id, '--json')).stdout) as { run: unknown };
    expect(shown.run).toMatchObject({ kind: 'backfill', outcome: 'done', published: 3, counts: { created: 1, updated: 2 } });

    expect(await backfill('--keys', keyFile('c099', 'nobody', 'c001'))).toMatchObject({
      published: 1,
      backfill: { total: 2 + 1, counts: { rows: 2, updated: 1 } },
    });
    await world.expectFacts('customer', await facts());
    expect(await backfill('--all', '--slice', '40')).toMatchObject({
      published: 0,
      slices: 3,
      backfill: { counts: { rows: 102, unchanged: 102 } },
    });
    expect(await world.run('customer', { full: true })).toMatchObject({ published: 0 });
  });

  test('goes on where it ended; another one is refused until it is complete or cancelled; a name makes it one', async () => {
    let sent = 0;
    const stop = new AbortController();
    const job = await world.job('customer', { chunk: { changes: 10, bytes: 1e9 } }, (step) => {
      if (step === 'applied' && ++sent === 3) stop.abort();
    });
    const { runSlice } = await import('../../src/run/backfill/run-slice.ts');
    const order = { rows: { all: true }, force: true, name: 'spring' } as const;
    const by = { user: 'erin', host: 'here', reason: null };
    // The first of three slices ends after two of its four chunks.
    await expect(runSlice({ ...job, signal: stop.signal }, { order, rows: 34, by, approval: null })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    expect((await world.fold('customer')).records).toBe(101 + 20);

    const status = JSON.parse((await say('status', 'customer', '--json')).stdout) as { mappings: { backfill: unknown }[] };
    // Promise 10: how far it is, is a key of the model.
    expect(status.mappings[0]?.backfill).not.toHaveProperty('place');
    expect(status.mappings[0]?.backfill).toMatchObject({ what: 'all rows, unchanged facts too', slices: 0, total: 101 });
    const other = await backfill('--all');
    expect(other).toMatchObject({
      exitCode: 4,
      error: { code: 'BACKFILL_UNFINISHED', suggestion: expect.stringContaining('headrace backfill cancel customer') },
    });

    await world.sql(`update customers set tier = 'live', updated_at = clock_timestamp() where id in ('c090', 'now')`);
    const rest = await backfill('--all', '--force', '--id', 'spring', '--slice', '34');
    // What a live run has published meanwhile is not published again, nor what the first process had sent.
    expect(rest).toMatchObject({ published: 79, live: { published: 2 }, backfill: { end: 'done', counts: { rows: 101, repeated: 79 } } });
    const fold = await world.expectFacts('customer', await facts());
    expect([...fold.history.values()].every((versions) => versions.length === 2)).toBe(true);

    expect(await backfill('--all', '--force', '--id', 'spring')).toMatchObject({ exitCode: 0, published: 0, slices: 0, live: { runs: 0 } });
    expect(await backfill('--all', '--id', 'spring')).toMatchObject({ exitCode: 2, error: { code: 'CONFIG_INVALID' } });
    expect((await world.fold('customer')).records).toBe(202);

    expect(await backfill('--all', '--slice', '50', '--pause', '1ms')).toMatchObject({ exitCode: 0, published: 0 });
    expect(JSON.parse((await say('backfill', 'cancel', 'customer', '--json')).stdout)).toMatchObject({ exitCode: 2 });
  });

  test('stops at a guard for all that it found so far; goes on with --allow, or is cancelled', async () => {
    await world.sql(`update customers set tier = 'silver' where id like 'c0%'`);
    const stopped = await backfill('--all', '--slice', '15');
    expect(stopped).toMatchObject({
      exitCode: 4,
      error: { code: 'GUARD_STOPPED', message: expect.stringContaining('30 of 101 live facts updated') },
    });
    expect((await world.fold('customer')).records).toBe(101 + 15);
    const cancelled = JSON.parse((await say('backfill', 'cancel', 'customer', '--reason', 'a mistake', '--json')).stdout) as Told;
    expect(cancelled).toMatchObject({ exitCode: 0, backfill: { end: 'cancelled', counts: { rows: 15 } } });
    expect(await backfill('--where', "tier = 'silver'", '--allow', 'updated')).toMatchObject({
      exitCode: 0,
      published: 84,
      backfill: { counts: { rows: 99 } },
    });
    await world.expectFacts('customer', await facts());
    for (const condition of ["tier = 'silver') or (true", '', 'tier = ', "tier = 'silver'; drop table customers"])
      expect(await backfill('--where', condition)).toMatchObject({ exitCode: 2, error: { code: 'QUERY_INVALID' } });
    expect(await backfill('--from', 'yesterday')).toMatchObject({ exitCode: 2, error: { code: 'CONFIG_INVALID' } });
    expect(await backfill()).toMatchObject({ exitCode: 2 });
    expect(await backfill('--all', '--from', '2026-01-01')).toMatchObject({ exitCode: 2 });
  });
});

test.each(['local', 'warehouse'] as const)(
  'with the view %s: leaves alone what is deleted, held or erased; --force publishes the rest again, once',
  async (view) => {
    await start(view);
    const job = () => world.job('customer');
    await world.sql(`delete from customers where id = 'c001'`);
    await world.run('customer', { full: true });
    await world.sql(`insert into customers values ('c001', 'gold', '2026-01-01Z'), ('c0015', 'gold', '2026-01-01Z')`);
    await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp() where id = 'c002'`);
    const { run } = await world.run('customer');
    await undo(await job(), { run }, { user: 'erin', reason: null });
    await world.sql(`update customers set tier = 'other', updated_at = '2026-01-01Z' where id = 'c002'`);
    // A source without new rows would be compared in full.
    await world.sql(`update customers set updated_at = clock_timestamp() where id = 'now'`);
    await repair(await job(), { kind: 'erase', origin: 'undo', user: 'erin', reason: null }, async ({ view, origin }) => {
      const slot = origin.fingerprints.identity('c003');
      const stored = view.findEntry(slot);
      if (stored === undefined) throw new Error('no entry');
      return [entryChange(slot, stored, { ...stored.entry, state: 'erased', fingerprint: null }, '2026-01-01T00:00:00Z')];
    });

    const forced = await backfill('--all', '--force', '--slice', '25', '--chunk', '7');
    expect(forced).toMatchObject({
      exitCode: 0,
      backfill: { end: 'done', counts: { rows: 102, created: 1, updated: 0, repeated: 98, left: { deleted: 1, held: 1, erased: 1 } } },
    });
    const fold = await world.fold('customer');
    expect(fold.violations).toEqual([]);
    expect(fold.facts.get('c001')).toBeUndefined();
    expect(fold.facts.get('c002')?.value).toEqual({ id: 'c002', tier: 'gold' });
    expect(fold.history.get('c003')).toHaveLength(1);
    expect(fold.history.get('c0015')?.map(({ version }) => version)).toEqual([1]);
    expect(fold.history.get('c050')?.map(({ version, type }) => [version, type])).toEqual([
      [1, 'customer.v1.created'],
      [2, 'customer.v1.updated'],
    ]);
    // A run may do what a backfill may not: the row is there again, and the held fact has another source.
    expect(await world.run('customer', { full: true })).toMatchObject({ counts: { created: 1, updated: 1 } });
  },
);

test('of commands it is planned, approved by somebody else, and applied', async () => {
  await start();
  await world.run('suspend');
  await world.sql(`update customers set tier = 'silver' where id in ('c001', 'c002')`);
  const direct = await say('backfill', 'suspend', '--all', '--json');
  expect(JSON.parse(direct.stdout)).toMatchObject({ exitCode: 4, error: { code: 'APPROVAL_NEEDED' } });

  const file = path.join(world.root, 'fill.plan');
  const keys = keyFile('c001', 'c003');
  const planned = await say('backfill', 'plan', 'suspend', '--keys', keys, '--out', file, ...signing(world.root, erin), '--json');
  expect(JSON.parse(planned.stdout)).toMatchObject({
    exitCode: 0,
    published: 1,
    counts: { rows: 2, updated: 1 },
    signed: { plan: { risk: 'high' } },
  });
  expect(planned.stdout).not.toContain('c003');
  expect(await say('backfill', 'apply', file, '--keys', keys)).toMatchObject({ code: 4 });
  expect(await say('backfill', 'approve', file, ...signing(world.root, dana))).toMatchObject({ code: 0 });
  const others = path.join(world.root, 'others.txt');
  writeFileSync(others, 'c002\n');
  expect(await say('backfill', 'apply', file, '--keys', others)).toMatchObject({ code: 4 });
  const applied = JSON.parse((await say('backfill', 'apply', file, '--keys', keys, '--json')).stdout) as Told;
  expect(applied).toMatchObject({ exitCode: 0, published: 1 });
  const fold = await world.fold('suspend');
  const [, second] = fold.history.get('c001') ?? [];
  expect(second?.headers).toMatchObject({ ce_origin: 'backfill', ce_approval: expect.stringMatching(/^[0-9a-f]{12}$/) });
  expect(fold.history.get('c002')).toHaveLength(1);
  expect(await say('backfill', 'apply', file, '--keys', keys)).toMatchObject({ code: 4 });
});
