import { afterEach, describe, expect, test } from 'vitest';
import { World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const common = (rest: string) => `
fact: f
version: "1.0"
model: rows
topic: PREFIX.facts
owner: team@example.com
semantics: A test.
encoding: json
guards: { updated: { share: 100%, at_least: 100 }, deleted: { share: 100%, at_least: 100 } }
${rest}`;

test('a mapping that begins to publish deleted facts: the next run records the values that it needs for it', async () => {
  const filesWith = (onDelete: 'tombstone' | 'fact') => ({
    models: {
      rows: `{ model: rows, warehouse: main, table: items, key: [id], cursor: { column: seen_at, lookback: 1h }, deletes: { missing_rows: true } }`,
    },
    mappings: {
      facts: common(`
mapping: facts
class: profile
key: [id]
data_subject: id
occurred_at: { from: seen_at }
fields: { id: { from: id, type: string }, plan: { from: plan, type: string } }
on_delete: ${onDelete}
`),
    },
  });
  world = await World.create(
    `create table items (id TEXT, plan TEXT, seen_at INSTANT);
     insert into items select concat('c', cast(n as TEXT)), 'gold', NOW from NUMBERS(5);`,
    filesWith('tombstone'),
  );
  await world.run('facts');
  const edited = await world.edited(filesWith('fact'));
  await world.sql(`delete from items where id = 'c1'`);
  expect(await edited.run('facts')).toMatchObject({ published: 1, counts: { deleted: 1, recorded: 4 } });
  await world.sql(`delete from items where id = 'c2'`);
  expect((await edited.run('facts', { full: true })).published).toBe(1);
  expect(await edited.run('facts', { full: true })).toMatchObject({ published: 0, counts: { recorded: 0, unchanged: 3 } });
  const { history, violations } = await edited.fold('facts');
  expect(violations).toEqual([]);
  const of = (identity: string) => history.get(identity)?.map(({ version, value }) => [version, value]);
  // Gone before its value was recorded: the tombstone alone.
  expect(of('c1')).toEqual([
    [1, { id: 'c1', plan: 'gold' }],
    [2, null],
  ]);
  expect(of('c2')).toEqual([
    [1, { id: 'c2', plan: 'gold' }],
    [2, { id: 'c2', plan: 'gold' }],
    [3, null],
  ]);
});

describe('a command: several rows behind one identity, baseline, deleted facts', () => {
  const files = {
    models: {
      rows: `{ model: rows, warehouse: main, table: items, key: [customer, product], cursor: { column: seen_at, lookback: 1h }, deletes: { missing_rows: true } }`,
    },
    mappings: {
      facts: common(`
mapping: facts
class: command
compatibility: full_transitive
key: [customer]
data_subject: customer
occurred_at: { from: seen_at }
where: "row.product == 'core'"
fields:
  customer: { from: customer, type: string }
  priority: { cel: "row.plan == 'gold' ? 'P1' : 'P3'", type: { enum: [P1, P3] } }
on_delete: fact
initial_load: baseline
undo: previous
`),
    },
  };
  const table = `create table items (customer TEXT, product TEXT, plan TEXT, seen_at INSTANT);
    ${['core', 'extra'].map((product) => `insert into items select concat('c', cast(n as TEXT)), '${product}', 'gold', NOW from NUMBERS(10)`).join(';')}`;

  test('nothing is sent for what was there on the first day; a change is version 1; a deletion is a deleted fact and a tombstone', async () => {
    world = await World.create(table, files);
    expect(await world.run('facts')).toMatchObject({ published: 0, counts: { recorded: 10, absent: 10 } });
    await world.sql(`update items set plan = 'trial', seen_at = NOW where customer = 'c1' and product = 'core'`);
    await world.sql(`update items set plan = 'trial', seen_at = NOW where customer = 'c2' and product = 'extra'`);
    expect((await world.run('facts')).published).toBe(1);
    await world.sql(`delete from items where customer in ('c1', 'c2') and product = 'core'`);
    expect((await world.run('facts', { full: true })).counts.deleted).toBe(2);
    const { history, facts, violations } = await world.fold('facts');
    expect(violations).toEqual([]);
    expect(facts.size).toBe(0);
    expect(history.get('c1')?.map((r) => [r.version, r.type, r.value])).toEqual([
      [1, 'f.v1.updated', { customer: 'c1', priority: 'P3' }],
      [2, 'f.v1.deleted', { customer: 'c1', priority: 'P3' }],
      [3, 'f.v1.deleted', null],
    ]);
    expect(history.get('c2')?.map((r) => [r.version, r.value])).toEqual([
      [1, { customer: 'c2', priority: 'P1' }],
      [2, null],
    ]);
  });

  test('rows outside the scope end only the fact that they produced', async () => {
    world = await World.create(table, files);
    await world.run('facts');
    await world.sql(`update items set plan = 'silver', seen_at = NOW where product = 'extra'`);
    expect((await world.run('facts')).counts).toMatchObject({ absent: 10, deleted: 0 });
    expect((await world.run('facts', { full: true })).counts).toMatchObject({ deleted: 0 });
  });

  test('a fact that moves to another row: an incremental run compares in full, and finds the old row gone', async () => {
    world = await World.create(table, {
      ...files,
      mappings: { facts: files.mappings.facts.replace(`where: "row.product == 'core'"`, `where: "row.product != 'extra'"`) },
    });
    await world.run('facts');
    await world.sql(`insert into items values ('c1', 'core2', 'trial', NOW); delete from items where customer = 'c1' and product = 'core'`);
    expect(await world.run('facts')).toMatchObject({ scope: 'full comparison', published: 1, counts: { updated: 1, deleted: 0 } });
    expect((await world.fold('facts')).facts.get('c1')?.value).toEqual({ customer: 'c1', priority: 'P3' });
    expect((await world.run('facts', { full: true })).published).toBe(0);
    // The old row comes back beside the new one: now two rows claim the identity.
    await world.sql(`insert into items values ('c1', 'core', 'gold', NOW)`);
    await expect(world.run('facts')).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  test('within one run: the old row leaves the scope, another takes over; one version, no deletion', async () => {
    world = await World.create(table, files);
    await world.run('facts');
    await world.sql(`begin transaction; update items set product = 'old', seen_at = NOW where customer = 'c1' and product = 'core';
      update items set product = 'core', plan = 'trial', seen_at = NOW where customer = 'c1' and product = 'extra'; commit`);
    const result = await world.run('facts');
    expect(result.published).toBe(1);
    expect((await world.fold('facts')).history.get('c1')?.map((r) => [r.version, r.type])).toEqual([[1, 'f.v1.updated']]);
    expect((await world.run('facts', { full: true })).published).toBe(0);
  });
});

describe('behavior: events that never change', () => {
  const files = {
    models: {
      rows: `{ model: rows, warehouse: main, sql: "select id, customer, what, happened_at, seen_at from events", key: [id], cursor: { column: seen_at, lookback: 1h }, append_only: true, deletes: none }`,
    },
    mappings: {
      facts: common(`
mapping: facts
class: behavior
compatibility: forward
identity: [id]
key: [customer]
data_subject: customer
occurred_at: { from: happened_at }
fields:
  id: { from: id, type: int64 }
  customer: { from: customer, type: string }
  what: { from: what, type: string }
`),
    },
  };
  const table = `create table events (id INT8, customer TEXT, what TEXT, happened_at INSTANT, seen_at INSTANT);
    insert into events select n, concat('c', cast(mod(n, 5) as TEXT)), 'login', MINUTES_AGO(n), NOW from NUMBERS(100);`;

  test('are published once, in the order in which they happened; a changed one is reported, a removed one stays', async () => {
    world = await World.create(table, files);
    expect((await world.run('facts')).published).toBe(100);
    await world.sql(`update events set what = 'logout', seen_at = NOW where id = 1`);
    await world.sql(`delete from events where id = 2`);
    expect(await world.run('facts')).toMatchObject({ published: 0, counts: { quarantined: 1 } });
    expect((await world.run('facts', { full: true })).counts).toMatchObject({ deleted: 0, quarantined: 0 });
    const fold = await world.fold('facts');
    expect(fold.violations).toEqual([]);
    expect(fold.facts.size).toBe(100);
    expect(fold.facts.get('1')).toMatchObject({ key: 'c1', version: 1, value: { id: '1', customer: 'c1', what: 'login' } });
    const times = [...fold.history]
      .filter(([, [r]]) => JSON.stringify(r?.value).includes('"c1"'))
      .map(([, [r]]) => r?.headers.ce_time ?? '');
    expect(times).toEqual(times.toSorted());
    expect(times.length).toBe(20);
  });
});
