import { afterEach, describe, expect, test } from 'vitest';
import { groupByCause, refusedRows, repairQuarantine } from '../../src/ops/quarantine.ts';
import { findRun, recentRuns } from '../../src/ops/runs.ts';
import { headrace, type Said } from '../cli/in-process.ts';
import { CUSTOMERS_MODEL } from './customers.ts';
import { settledOffsets } from './fold-oracle.ts';
import { World } from './world.ts';
import type { WorldFiles } from './world-files.ts';

let world: World;
afterEach(() => world?.close());

const FILES: WorldFiles = {
  models: {
    customers: CUSTOMERS_MODEL,
  },
  mappings: {
    customer: `
mapping: customer
fact: customer
version: "1.0"
class: profile
model: customers
topic: PREFIX.customer
owner: team@example.com
semantics: A customer.
key: [id]
data_subject: id
occurred_at: { from: updated_at }
fields:
  id: { from: id, type: string }
  tier: { from: tier, type: { enum: [GOLD, SILVER] }, values: { gold: GOLD, silver: SILVER } }
  note: { from: note, type: string, optional: true }
guards: { quarantined: { share: 100% } }
`,
  },
};

const TABLE = `
create table customers (id text primary key, tier text, note text, updated_at timestamptz not null);
insert into customers select 'c' || g, 'gold', null, now() - interval '2 days' from generate_series(1, 40) g;
update customers set tier = 'platinum' where id in ('c1', 'c2', 'c3');
`;

const by = { user: 'erin', reason: 'a test' };
const reports = async () => (await settledOffsets(world.system.admin, topic()))[0]?.end ?? 0;
const topic = () => `headrace.${world.project.name}.customer.quarantine`;
const refused = async (selection = {}) => refusedRows(await world.job('customer'), selection);
const say = (...argv: string[]): Promise<Said> => headrace(world.root, argv, world.env);

test('reasons are grouped by cause, with hashed keys; a row that is repaired leaves by itself', async () => {
  world = await World.create(TABLE, FILES);
  await world.run('customer');
  await world.sql(`insert into customers values ('c41', null, null, now() - interval '1 day')`);
  await world.run('customer', { full: true });
  const rows = await refused();
  const groups = groupByCause(rows);
  expect(groups.map(({ cause, rows: count }) => [cause?.field, cause?.reason, count])).toEqual([
    ['tier', expect.any(String), 3],
    ['tier', expect.any(String), 1],
  ]);
  expect(groups[0]?.firstSeenAt).toBeLessThanOrEqual(groups[1]?.firstSeenAt ?? 0);
  const listed = await say('quarantine', 'list', '--json');
  expect(JSON.parse(listed.stdout)).toMatchObject({
    ok: true,
    mappings: [{ mapping: 'customer', rows: 4, causes: [{ rows: 3 }, { rows: 1 }] }],
  });
  const shown = await say('quarantine', 'show', 'customer', '--cause', groups[0]?.cause?.reason ?? '');
  expect(shown.stdout.trim().split('\n')).toHaveLength(4);
  for (const text of [listed.stdout, shown.stdout]) expect(text).not.toMatch(/"c\d|c41|platinum/);
  await world.sql(`update customers set tier = 'silver', updated_at = now() where id = 'c1'`);
  await world.run('customer');
  expect(await refused()).toHaveLength(3);
  // On a machine without a local copy the answer is the same, and none is left behind.
  expect(await refusedRows(await (await world.elsewhere()).job('customer'))).toEqual(await refused());
});

describe('retry', () => {
  test('the next run tries rows again that did not change, far below the watermark; the one after it is as any other', async () => {
    world = await World.create(TABLE, FILES);
    await world.run('customer');
    expect(await world.run('customer')).toMatchObject({ scope: 'incremental', published: 0 });
    const [row] = await refused();
    const before = await reports();
    const done = await repairQuarantine(await world.job('customer'), 'retry', { rows: [`#${row?.row.slice(0, 12)}`] }, by);
    expect(done).toMatchObject({ selected: 1, entries: 1, published: 0, chunks: 1 });
    expect((await refused()).map(({ state }) => state).toSorted()).toEqual(['quarantined', 'quarantined', 'retry']);
    // Twice the same: nothing more.
    expect(await repairQuarantine(await world.job('customer'), 'retry', { rows: [row?.row.slice(0, 8) ?? ''] }, by)).toMatchObject({
      entries: 0,
      chunks: 0,
    });
    expect(await world.run('customer')).toMatchObject({
      scope: 'full comparison',
      reason: 'rows in quarantine are to be tried again',
      counts: { quarantined: 1, rejected: 3, updated: 0, deleted: 0 },
      published: 0,
    });
    // Refused anew, it is reported anew; the others are not.
    expect(await reports()).toBe(before + 2);
    expect((await refused()).every(({ state }) => state === 'quarantined')).toBe(true);
    expect(await world.run('customer')).toMatchObject({ scope: 'incremental', published: 0, counts: { quarantined: 0 } });
    await world.expectFacts(
      'customer',
      new Map(Array.from({ length: 37 }, (_, i) => [`c${i + 4}`, { id: `c${i + 4}`, tier: 'GOLD', note: null }])),
    );
  });

  test('a row that fits now although it did not change is published: by the host that retried, and by another one', async () => {
    world = await World.create(
      `${TABLE} update customers set tier = 'gold'; update customers set note = repeat('x', 9000) where id in ('c1', 'c2')`,
      {
        ...FILES,
        project: 'topics_: {}\n'.slice(0, 0),
      },
    );
    await world.system.admin.alterConfig(world.mapping('customer').topic, new Map([['max.message.bytes', '10000']]));
    await world.run('customer');
    const rows = await refused({ reason: 'record_too_large' });
    expect(rows).toHaveLength(2);
    await world.system.admin.alterConfig(world.mapping('customer').topic, new Map([['max.message.bytes', '1000000']]));
    // Nothing says to the run that the topic takes more now.
    expect(await world.run('customer', { full: true })).toMatchObject({ published: 0, counts: { rejected: 2 } });
    const first = await say('quarantine', 'retry', 'customer', '--cause', 'record_too_large', '--reason', 'larger records', '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ ok: true, action: 'retry', entries: 2 });
    const other = await world.elsewhere();
    expect(await other.run('customer')).toMatchObject({ published: 2, counts: { created: 2 } });
    expect(await world.run('customer')).toMatchObject({ published: 0, scope: 'incremental' });
    expect(await refused()).toEqual([]);
    const fold = await world.fold('customer');
    expect(fold.violations).toEqual([]);
    expect(fold.facts.size).toBe(40);
  });
});

test('discard: refused without a word, by any run on any host, until the row changes', async () => {
  world = await World.create(TABLE, FILES);
  await world.run('customer');
  const before = await reports();
  const [row] = await refused();
  await repairQuarantine(await world.job('customer'), 'discard', { rows: [row?.row ?? ''] }, by);
  expect(await world.run('customer', { full: true })).toMatchObject({ published: 0, counts: { quarantined: 0, rejected: 3, deleted: 0 } });
  await world.loseView('customer');
  expect(await world.run('customer', { full: true })).toMatchObject({ published: 0, counts: { quarantined: 0, rejected: 3, deleted: 0 } });
  expect(await reports()).toBe(before);
  expect((await refused()).filter(({ state }) => state === 'discarded').map((each) => each.row)).toEqual([row?.row]);
  // Another cause to refuse it: it is reported, and discarded no more.
  await world.sql(`update customers set tier = 'bronze', updated_at = now()`);
  await world.run('customer', { allow: new Set(['quarantined']) });
  expect((await refused()).filter(({ state }) => state === 'discarded')).toEqual([]);
  await world.sql(`update customers set tier = 'gold', updated_at = now()`);
  await world.run('customer', { allow: new Set(['updated', 'deleted']) });
  expect(await refused()).toEqual([]);
  // Discarded rows that are gone leave the snapshot.
  await world.sql(`update customers set tier = 'lead', updated_at = now() where id = 'c1'`);
  await world.run('customer');
  await say('quarantine', 'discard', 'customer', '--all');
  await world.sql(`delete from customers where id = 'c1'`);
  expect(await world.run('customer', { full: true })).toMatchObject({ counts: { deleted: 1 } });
  expect(await refused()).toEqual([]);
});

test('what is not there, and what is not said, is refused: exit 2, nothing changed', async () => {
  world = await World.create(TABLE, FILES);
  await world.run('customer');
  for (const argv of [
    ['retry', 'customer'],
    ['discard', 'customer', '--rows', 'ffff0000ffff'],
    ['retry', 'customer', '--rows', 'c1'],
  ]) {
    const said = await say('quarantine', ...argv);
    expect(said.code, said.stderr).toBe(2);
  }
  expect((await refused()).map(({ state }) => state)).toEqual(['quarantined', 'quarantined', 'quarantined']);
});

test('while another run owns the mapping a retry ends with 5', async () => {
  world = await World.create(TABLE, FILES);
  await world.run('customer');
  const tried: unknown[] = [];
  await world.run('customer', { full: true }, async (step) => {
    if (step !== 'recovered' || tried.length > 0) return;
    const job = await (await world.elsewhere()).job('customer');
    tried.push(await repairQuarantine({ ...job, host: 'elsewhere' }, 'retry', {}, by).catch((error: unknown) => error));
  });
  expect(tried).toMatchObject([{ code: 'OWNED_ELSEWHERE', exitCode: 5 }]);
  expect((await refused()).map(({ state }) => state)).toEqual(['quarantined', 'quarantined', 'quarantined']);
});

describe('the ledger', () => {
  test('says of each run what was read, published, under which contract, and how it ended', async () => {
    world = await World.create(TABLE, FILES);
    const initial = await world.run('customer', { chunk: { changes: 10, bytes: 1e6 } });
    const idle = await world.run('customer');
    await world.sql(`update customers set tier = 'silver', updated_at = now() where id in ('c11', 'c12')`);
    const small = await world.run('customer');
    await world.sql('delete from customers');
    await expect(world.run('customer', { full: true })).rejects.toMatchObject({ code: 'GUARD_STOPPED' });
    const runs = await recentRuns(await world.job('customer'), 10);
    expect(runs).toMatchObject([
      { kind: 'full comparison', outcome: 'failed', failure: { code: 'GUARD_STOPPED' }, published: 0 },
      {
        run: small.run,
        kind: 'incremental',
        outcome: 'done',
        published: 2,
        counts: { updated: 2 },
        contractVersion: '1.0',
        watermark: small.watermark,
      },
      { run: idle.run, outcome: 'done', published: 0, counts: {}, chunks: 0 },
      { run: initial.run, kind: 'initial load', outcome: 'done', published: 37, chunks: 4, read: { rows: 40, rejected: 3 } },
    ]);
    for (const { tookMs, host } of runs) expect([typeof tookMs, typeof host]).toEqual(['number', 'string']);
    expect(runs[1]?.guards.map(({ guard }) => guard)).toContain('updated');
    expect(await findRun(await world.job('customer'), small.run)).toEqual(runs[1]);
    expect(await recentRuns(await world.job('customer'), 2)).toEqual(runs.slice(0, 2));

    const table = await say('runs', 'customer');
    expect(table.stdout.trim().split('\n')).toHaveLength(5);
    const shown = await say('runs', 'show', initial.run);
    expect(shown.stdout).toContain('initial load: nothing was published before');
    expect(shown.stdout).toContain('created 37');
    expect((await say('runs', 'show', 'nobody')).code).toBe(2);

    const status = JSON.parse((await say('status', '--json')).stdout) as { mappings: unknown[] };
    expect(status.mappings[0]).toMatchObject({
      lastSuccess: { run: small.run },
      lastFailure: { run: runs[0]?.run, failure: { code: 'GUARD_STOPPED' } },
      blocked: { code: 'GUARD_STOPPED' },
    });
  });
});
