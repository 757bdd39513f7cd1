import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { planUndo } from '../../src/ops/undo.ts';
import { release, undo } from '../../src/run/undo.ts';
import { headrace, type Said } from '../cli/in-process.ts';
import { CUSTOMERS_MODEL } from './customers.ts';
import { approvalsOf, person, signing } from './people.ts';
import { World } from './world.ts';
import type { WorldFiles } from './world-files.ts';

const kafkajs = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

let world: World;
afterEach(() => world?.close());

const [erin, dana] = [person('erin'), person('dana')];

const files = (rest: string, project = ''): WorldFiles => ({
  models: {
    customers: CUSTOMERS_MODEL,
  },
  mappings: {
    customer: `
mapping: customer
fact: customer
version: "1.0"
model: customers
topic: PREFIX.customer
owner: team@example.com
semantics: A customer.
key: [id]
data_subject: id
occurred_at: { from: updated_at }
fields: { id: { from: id, type: string }, tier: { from: tier, type: string } }
guards: { updated: { share: 100% }, deleted: { share: 100% }, empty_source: allow }
${rest}
`,
  },
  project,
});
const PROFILE = files('class: profile');

const table = (
  rows: number,
) => `create table customers (id text primary key, tier text, updated_at timestamptz not null default clock_timestamp());
insert into customers select 'c' || g, case when g % 2 = 0 then 'gold' else 'silver' end from generate_series(1, ${rows}) g;`;

const by = { user: 'erin', reason: 'a bad join' };
const say = (...argv: string[]): Promise<Said> => headrace(world.root, argv, world.env);
const facts = async () =>
  new Map((await world.sql<{ id: string; tier: string }>('select id, tier from customers')).map((row) => [row.id, row]));
const full = () => world.run('customer', { full: true });

test('a run that published 10,000 wrong facts: earlier values, higher versions, and no run brings the wrong ones back', async () => {
  const rows = 10_000;
  world = await World.create(table(rows), PROFILE);
  await world.run('customer');
  const right = await facts();
  await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp()`);
  const bad = await world.run('customer');
  expect(bad.published).toBe(rows);
  await world.expectFacts('customer', await facts());

  expect(await planUndo(await world.job('customer'), { run: bad.run })).toEqual({ updated: rows, created: 0, deleted: 0, skipped: {} });
  expect((await world.fold('customer')).records).toBe(2 * rows);
  const said = await say('undo', '--run', bad.run, '--yes', '--reason', 'a bad join', '--chunk', '3000', '--json');
  expect(JSON.parse(said.stdout)).toMatchObject({ ok: true, mapping: 'customer', published: rows, chunks: 4, counts: { updated: rows } });
  const fold = await world.expectFacts('customer', right);
  const history = fold.history.get('c7') ?? [];
  expect(history.map(({ version }) => version)).toEqual([1, 2, 3]);
  expect(history[2]?.headers).toMatchObject({
    ce_origin: 'undo',
    ce_undoes: history[1]?.headers.ce_id,
    ce_changed: 'tier',
    ce_time: history[0]?.headers.ce_time,
  });
  expect((await world.ledger('customer')).at(-1)).toMatchObject({
    origin: 'undo',
    kind: 'undo',
    repair: { reason: 'a bad join' },
    watermark: { to: bad.watermark.to },
  });

  // The source still says the wrong thing: an incremental run, a full comparison, and one after the local copy was deleted.
  expect(await world.run('customer')).toMatchObject({ published: 0 });
  expect(await full()).toMatchObject({ published: 0, counts: { unchanged: rows } });
  await world.loseView('customer');
  expect(await full()).toMatchObject({ published: 0, counts: { unchanged: rows } });
  // Rows that are touched without saying anything else.
  await world.sql(`update customers set updated_at = clock_timestamp() where id <= 'c2'`);
  expect(await world.run('customer')).toMatchObject({ published: 0 });
  expect((await world.expectFacts('customer', right)).records).toBe(3 * rows);

  // Once the source differs from the wrong fact, it counts again: mended, or something else.
  await world.sql(
    `update customers set tier = case when substr(id, 2)::int % 2 = 0 then 'gold' else 'silver' end, updated_at = clock_timestamp()`,
  );
  await world.sql(`update customers set tier = 'lead' where id = 'c1'`);
  expect(await world.run('customer')).toMatchObject({ published: 1, counts: { recorded: rows - 1 } });
  await world.expectFacts('customer', await facts());
  // Nothing is held any more: the same wrong value would be published now.
  await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp() where id = 'c2'`);
  expect(await world.run('customer')).toMatchObject({ published: 1 });
  await world.expectFacts('customer', await facts());
}, 240_000);

describe('what was created or deleted by mistake', () => {
  test('a deletion comes back, and is held although the source has no row; a creation is withdrawn; the rest is as it was', async () => {
    world = await World.create(table(20), PROFILE);
    await world.run('customer');
    const right = await facts();
    await world.sql(`delete from customers where id in ('c1', 'c2', 'c3')`);
    await world.sql(`insert into customers values ('new1', 'gold'), ('new2', 'gold')`);
    await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp() where id in ('c4', 'c5')`);
    const bad = await full();
    expect(bad.counts).toMatchObject({ created: 2, updated: 2, deleted: 3 });
    const done = await undo(await world.job('customer'), { run: bad.run }, by);
    expect(done.counts).toEqual({ updated: 2, created: 3, deleted: 2, skipped: {} });
    const fold = await world.expectFacts('customer', right);
    expect(fold.history.get('new1')?.at(-1)?.headers).toMatchObject({ ce_deletereason: 'undone', ce_origin: 'undo' });
    for (const host of [world, await world.elsewhere(), await world.elsewhere()])
      expect(await host.run('customer', { full: true })).toMatchObject({ published: 0, counts: { deleted: 0, created: 0, updated: 0 } });
    await world.expectFacts('customer', right);
    // The row comes back with another value: the hold is over.
    await world.sql(`insert into customers values ('c1', 'lead')`);
    await world.sql(`update customers set tier = 'lead', updated_at = clock_timestamp() where id = 'new1'`);
    await world.sql(`delete from customers where id = 'new2'`);
    expect(await full()).toMatchObject({ published: 2, counts: { created: 1, updated: 1 } });
    await world.expectFacts('customer', new Map([...right, ['c1', { id: 'c1', tier: 'lead' }], ['new1', { id: 'new1', tier: 'lead' }]]));
    // And goes again: that is no undone deletion.
    await world.sql(`delete from customers where id = 'c1'`);
    expect(await full()).toMatchObject({ counts: { deleted: 1 } });
  });

  test('what was published again since is left alone, and said so', async () => {
    world = await World.create(table(10), PROFILE);
    await world.run('customer');
    await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp()`);
    const bad = await world.run('customer');
    await world.sql(`update customers set tier = 'mended', updated_at = clock_timestamp() where id in ('c1', 'c2')`);
    await world.run('customer');
    const done = await undo(await world.job('customer'), { run: bad.run }, by);
    expect(done.counts).toEqual({ updated: 8, created: 0, deleted: 0, skipped: { changed_since: 2 } });
    const fold = await world.fold('customer');
    expect(fold.violations).toEqual([]);
    expect(fold.facts.get('c1')?.value).toMatchObject({ tier: 'mended' });
    expect(fold.facts.get('c3')?.value).toMatchObject({ tier: 'silver' });
    // Twice the same: nothing more.
    expect(await undo(await world.job('customer'), { run: bad.run }, by)).toMatchObject({
      published: 0,
      counts: { skipped: { changed_since: 10 } },
    });
    // A run of nobody.
    expect((await say('undo', 'customer', '--run', '20260101T000000000Z-aaaaaa', '--plan')).code).toBe(2);
  });
});

describe('by keys', () => {
  test('the newest version of each; a release ends the hold', async () => {
    world = await World.create(table(10), PROFILE);
    await world.run('customer');
    const right = await facts();
    await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp() where id in ('c1', 'c2', 'c3')`);
    await world.run('customer');
    const keys = path.join(world.root, 'keys.txt');
    writeFileSync(keys, 'c1\nc2\nc3\nnobody\n');
    const planned = await say('undo', 'customer', '--keys', keys, '--plan', '--json');
    expect(JSON.parse(planned.stdout)).toMatchObject({ counts: { updated: 3, skipped: { unknown: 1 } } });
    expect((await say('undo', 'customer', '--keys', keys, '--yes')).code).toBe(0);
    await world.expectFacts('customer', right);
    expect(await full()).toMatchObject({ published: 0 });
    writeFileSync(keys, 'c1\n');
    expect((await say('release', 'customer', '--keys', keys)).code).toBe(0);
    expect(await world.run('customer')).toMatchObject({ scope: 'full comparison', reason: 'a hold has ended', published: 1 });
    await release(await world.job('customer'), 'all', by);
    expect(await (await world.elsewhere()).run('customer')).toMatchObject({ published: 2 });
    await world.expectFacts('customer', await facts());
    expect(await release(await world.job('customer'), 'all', by)).toMatchObject({ entries: 0, chunks: 0 });
  });

  test('from the entry where the topic no longer has the earlier fact (undo: previous); refused with the reason where neither has it', async () => {
    for (const [rest, expected] of [
      ['class: command\nundo: previous\ninitial_load: publish', { updated: 4, skipped: {} }],
      ['class: profile', { updated: 0, skipped: { no_history: 4 } }],
    ] as const) {
      world = await World.create(table(4), files(rest));
      await world.run('customer');
      await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp()`);
      const bad = await world.run('customer');
      await forgetBefore(bad.run);
      const done = await undo(await world.job('customer'), { run: bad.run }, by);
      expect(done.counts).toMatchObject(expected);
      expect(await full()).toMatchObject({ published: 0 });
      const fold = await world.fold('customer', 'any' as never);
      expect([...fold.facts.values()].filter(({ value }) => (value as { tier: string }).tier === 'wrong')).toHaveLength(
        expected.updated === 4 ? 0 : 4,
      );
      await world.close();
    }
    world = await World.create(table(1), PROFILE);
  }, 180_000);
});

/** Deletes what stands in the fact topic before the records of the run, as retention does. */
async function forgetBefore(run: string): Promise<void> {
  const { topic } = world.mapping('customer');
  const starts: { partition: number; offset: string }[] = [];
  for (const { partition, start, end } of await world.system.admin.offsets(topic)) {
    let first = end;
    await world.system.reader('forget').read(
      { topic, partition, from: start, until: end },
      ({ offset, headers }) => {
        if (headers.ce_runid === run) first = Math.min(first, offset);
      },
      new AbortController().signal,
    );
    starts.push({ partition, offset: String(first) });
  }
  const admin = new kafkajs.Kafka({ brokers: [inject('kafkaBrokers')], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  // What compaction alone keeps cannot be deleted by hand.
  await world.system.admin.alterConfig(topic, new Map([['cleanup.policy', 'compact,delete']]));
  // kafkajs looks for the leaders among what it has loaded.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: starts });
  const policy = world.mapping('customer').class === 'command' ? 'delete' : 'compact';
  await world.system.admin.alterConfig(topic, new Map([['cleanup.policy', policy]]));
  await admin.disconnect();
}

describe('commands', () => {
  const command = (policy: string) => files(`class: command\nundo: ${policy}\ninitial_load: publish`, approvalsOf([erin, dana]));

  test('undo: none is listed and skipped', async () => {
    world = await World.create(table(5), command('none'));
    await world.run('customer');
    await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp()`);
    const bad = await world.run('customer');
    const said = await say('undo', '--run', bad.run);
    expect({ code: said.code, stdout: said.stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('left as they are: 5, because the command says undo: none'),
    });
    expect((await world.fold('customer')).records).toBe(10);
  });

  test('undo: previous goes by a plan that somebody else has approved', async () => {
    world = await World.create(table(5), command('previous'));
    await world.run('customer');
    const right = await facts();
    await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp()`);
    const bad = await world.run('customer');
    expect(await say('undo', '--run', bad.run, '--yes')).toMatchObject({ code: 4, stderr: expect.stringContaining('[APPROVAL_NEEDED]') });
    const file = path.join(world.root, 'undo.plan');
    expect((await say('undo', '--run', bad.run, '--out', file, ...signing(world.root, erin))).code).toBe(0);
    expect(await say('undo', '--run', bad.run, '--approved', file)).toMatchObject({ code: 4 });
    await say('approve', file, ...signing(world.root, dana));
    expect((await say('undo', '--run', bad.run, '--approved', file)).code).toBe(0);
    const fold = await world.expectFacts('customer', right);
    const { id } = (JSON.parse(readFileSync(file, 'utf8')) as { plan: { id: string } }).plan;
    expect(fold.history.get('c1')?.at(-1)?.headers).toMatchObject({ ce_approval: id, ce_origin: 'undo' });
    expect(await say('undo', '--run', bad.run, '--approved', file)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('used before'),
    });
    expect(await full()).toMatchObject({ published: 0 });
  });
});

test.each(['before_first_send', 'between_sends', 'after_last_send', 'commit_sent', 'after_commit', 'inside_apply', 'applied'])(
  'killed at %s of its second chunk: the same order takes back the rest, and nothing twice',
  async (step) => {
    world = await World.create(table(300), PROFILE);
    await world.run('customer');
    const right = await facts();
    await world.sql(`update customers set tier = 'wrong', updated_at = clock_timestamp()`);
    const bad = await world.run('customer');
    class Killed extends Error {}
    let reached = 0;
    // Three partitions: the sixth send between partitions is one of the second chunk.
    const at = step === 'between_sends' ? 5 : 2;
    const job = await world.job('customer', { chunk: { changes: 100, bytes: 1e6 }, leaseMs: 1 }, (each) => {
      if (each === step && ++reached === at) throw new Killed();
    });
    await expect(undo(job, { run: bad.run }, by)).rejects.toBeInstanceOf(Killed);
    const again = await undo(await world.job('customer', { takeOver: true }), { run: bad.run }, by);
    expect(again.counts.updated).toBeLessThan(300);
    const fold = await world.expectFacts('customer', right);
    expect(fold.records).toBe(900);
    expect(await full()).toMatchObject({ published: 0 });
  },
  120_000,
);
