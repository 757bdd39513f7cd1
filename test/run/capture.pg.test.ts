import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settledOffsets } from './fold-oracle.ts';
import { World } from './world.ts';
import type { WorldFiles } from './world-files.ts';

const MODEL = `
model: accounts
warehouse: main
table: accounts
key: [id]
cursor: { column: updated_at, lookback: 1h, nulls: always }
deletes: { missing_rows: true, column: is_deleted }
`;

const MAPPING = `
mapping: account
fact: account
version: "1.0"
class: profile
model: accounts
topic: PREFIX.account
owner: team@example.com
semantics: An account.
compatibility: backward
encoding: json
key: [id]
data_subject: id
occurred_at: { from: updated_at }
where: "row.kind != 'internal'"
fields:
  id: { from: id, type: string }
  plan: { from: plan, type: { enum: [GOLD, SILVER] }, values: { gold: GOLD, silver: SILVER } }
  amount: { from: amount, type: { decimal: [12, 2] }, optional: true }
on_delete: tombstone
guards: { updated: { share: 100%, at_least: 100 }, deleted: { share: 100%, at_least: 100 } }
`;

const FILES: WorldFiles = { models: { accounts: MODEL }, mappings: { account: MAPPING } };
const TABLE = `
create table accounts (id text primary key, kind text not null default 'person', plan text, amount numeric(12,2), note text,
  is_deleted boolean not null default false, updated_at timestamptz default clock_timestamp());
insert into accounts (id, plan, amount) select 'a' || g, case when g % 2 = 0 then 'gold' else 'silver' end, g * 1.5 from generate_series(1, 200) g;
`;

let world: World;
beforeEach(async () => {
  world = await World.create(TABLE, FILES);
});
afterEach(() => world.close());

async function source(): Promise<Map<string, unknown>> {
  const rows = await world.sql<{ id: string; plan: string; amount: string | null }>(
    `select id, upper(plan) as plan, amount::text from accounts where kind <> 'internal' and not is_deleted`,
  );
  return new Map(rows.map(({ id, plan, amount }) => [id, { id, plan, amount }]));
}

const touch = (set: string, where: string) => world.sql(`update accounts set ${set}, updated_at = clock_timestamp() where ${where}`);

describe('what is published', () => {
  test('an initial load publishes every fact once, and a second run nothing', async () => {
    expect((await world.run('account')).published).toBe(200);
    const second = await world.run('account');
    expect(second).toMatchObject({ scope: 'incremental', published: 0, chunks: 0 });
    expect((await world.expectFacts('account', await source())).records).toBe(200);
  });

  test('a column that no field reads publishes nothing, whichever way the row is read', async () => {
    await world.run('account');
    await touch(`note = 'x'`, `true`);
    expect((await world.run('account')).published).toBe(0);
    expect((await world.run('account', { full: true })).published).toBe(0);
  });

  test('an update names the changed fields, and counts on', async () => {
    await world.run('account');
    await touch(`plan = 'gold', amount = 7`, `id = 'a1'`);
    const result = await world.run('account');
    expect(result).toMatchObject({ published: 1, changedFields: { plan: 1, amount: 1 } });
    const fold = await world.expectFacts('account', await source());
    const [, second] = fold.history.get('a1') ?? [];
    expect(second).toMatchObject({ version: 2, type: 'account.v1.updated' });
    expect(second?.headers).toMatchObject({ ce_changed: 'plan,amount', ce_factversion: '2', ce_specversion: '1.0' });
  });

  test('1.1 and 1.10 are one value', async () => {
    await world.run('account');
    await world.sql('alter table accounts alter amount type numeric(20, 4)');
    await touch(`note = 'retyped'`, `true`);
    await expect(world.run('account')).rejects.toMatchObject({
      code: 'GUARD_STOPPED',
      message: expect.stringContaining('amount was numeric(12,2) and is numeric(20,4)'),
    });
    expect(await world.run('account', { allow: new Set(['schema']) })).toMatchObject({ scope: 'full comparison', published: 0 });
    expect(await world.run('account')).toMatchObject({ scope: 'incremental', published: 0 });
  });
});

describe('how a fact ends, and comes back', () => {
  test('by a full comparison, by its soft-delete column, by leaving the scope: each with its reason, and the next version on return', async () => {
    await world.run('account');
    await world.sql(`delete from accounts where id = 'a1'`);
    await touch('is_deleted = true', `id = 'a2'`);
    await touch(`kind = 'internal'`, `id = 'a3'`);
    expect((await world.run('account')).published).toBe(2);
    expect((await world.run('account', { full: true })).published).toBe(1);
    let fold = await world.expectFacts('account', await source());
    const reasonOf = (id: string) => fold.history.get(id)?.at(-1)?.headers.ce_deletereason;
    expect([reasonOf('a1'), reasonOf('a2'), reasonOf('a3')]).toEqual(['vanished', 'soft_deleted', 'left_scope']);
    const tombstone = fold.history.get('a1')?.at(-1);
    expect(tombstone).toMatchObject({ version: 2, value: null, type: 'account.v1.deleted' });
    expect(tombstone?.headers).not.toHaveProperty('content-type');

    await world.sql(`insert into accounts (id, plan, amount) values ('a1', 'silver', 1.5)`);
    await touch('is_deleted = false', `id = 'a2'`);
    await touch(`kind = 'person'`, `id = 'a3'`);
    expect((await world.run('account')).published).toBe(3);
    fold = await world.expectFacts('account', await source());
    expect(fold.history.get('a1')?.map((r) => [r.version, r.type])).toEqual([
      [1, 'account.v1.created'],
      [2, 'account.v1.deleted'],
      [3, 'account.v1.created'],
    ]);
  });

  test('the very same row vanishes and returns between full comparisons: consumers end with it (raw fingerprints on)', async () => {
    await world.run('account');
    await world.sql(`create table gone as select * from accounts where id = 'a9'; delete from accounts where id = 'a9'`);
    expect((await world.run('account', { full: true })).published).toBe(1);
    await world.sql(`insert into accounts select * from gone`);
    expect((await world.run('account', { full: true })).published).toBe(1);
    await world.expectFacts('account', await source());
  });
});

describe('rows that do not fit', () => {
  test('are reported once, leave the published fact and the other rows alone, and return by themselves', async () => {
    await world.run('account');
    await touch(`plan = 'copper'`, `id = 'a1'`);
    await touch(`plan = 'gold'`, `id = 'a3'`);
    const result = await world.run('account');
    expect(result).toMatchObject({ published: 1, counts: { quarantined: 1, rejected: 1 } });
    expect((await world.run('account')).counts).toMatchObject({ quarantined: 0, rejected: 1 });
    expect((await world.run('account', { full: true })).counts).toMatchObject({ quarantined: 0, rejected: 1, deleted: 0 });
    expect((await world.fold('account')).facts.get('a1')?.value).toMatchObject({ plan: 'SILVER' });

    await touch(`plan = 'gold'`, `id = 'a1'`);
    expect((await world.run('account')).published).toBe(1);
    await world.expectFacts('account', await source());
  });

  test('a new row in quarantine has no version; repaired, it begins at 1', async () => {
    await world.run('account');
    await world.sql(`insert into accounts (id, plan) values ('new', 'copper')`);
    expect((await world.run('account')).published).toBe(0);
    await world.loseView('account');
    expect((await world.run('account', { full: true })).counts).toMatchObject({ quarantined: 0, rejected: 1 });
    await touch(`plan = 'gold'`, `id = 'new'`);
    await world.run('account');
    expect((await world.expectFacts('account', await source())).history.get('new')?.map((r) => r.version)).toEqual([1]);
  });

  test('a row that returns unfit after a deletion, and vanishes again: the versions of its identity count on', async () => {
    await world.run('account');
    await world.sql(`delete from accounts where id = 'a1'`);
    await world.run('account', { full: true });
    await world.sql(`insert into accounts (id, plan) values ('a1', 'copper')`);
    expect((await world.run('account')).counts).toMatchObject({ quarantined: 1 });
    await world.sql(`delete from accounts where id = 'a1'`);
    expect(await world.run('account', { full: true })).toMatchObject({ published: 0 });
    await world.sql(`insert into accounts (id, plan) values ('a1', 'gold')`);
    await world.run('account');
    expect((await world.expectFacts('account', await source())).history.get('a1')?.map((r) => r.version)).toEqual([1, 2, 3]);
  });

  test('the quarantine topic says which field and why, and no value', async () => {
    await touch(`plan = 'a secret value'`, `id = 'a1'`);
    await world.run('account');
    const reports: string[] = [];
    const topic = `headrace.${world.project.name}.account.quarantine`;
    const [{ end } = { end: 0 }] = await settledOffsets(world.system.admin, topic);
    await world.system
      .reader('test')
      .read({ topic, partition: 0, from: 0, until: end }, (r) => reports.push(r.value?.toString() ?? ''), new AbortController().signal);
    expect(reports).toHaveLength(1);
    expect(JSON.parse(reports[0] ?? '')).toMatchObject({ mapping: 'account', field: 'plan', columns: ['plan'], contractVersion: '1.0' });
    expect(reports[0]).not.toContain('secret');
    expect(reports[0]).not.toContain('"a1"');
  });
});

describe('the local copy is a cache', () => {
  test('lost: nothing is published again, by an incremental run or a full comparison', async () => {
    await world.run('account');
    await touch(`plan = 'gold'`, `id = 'a1'`);
    await world.run('account');
    await world.loseView('account');
    expect(await world.run('account')).toMatchObject({ published: 0, scope: 'incremental' });
    await world.loseView('account');
    expect((await world.run('account', { full: true })).published).toBe(0);
    await world.sql(`delete from accounts where id in ('a4', 'a5')`);
    await world.loseView('account');
    expect((await world.run('account', { full: true })).published).toBe(2);
    await world.expectFacts('account', await source());
  });

  test('a plan leaves topics and local copy as they are, and says what a run then does', async () => {
    await world.run('account');
    await touch(`plan = 'gold'`, `id = 'a1'`);
    await world.sql(`delete from accounts where id = 'a2'`);
    const ends = () =>
      Promise.all(
        [`headrace.${world.project.name}.account.snapshot`, world.mapping('account').topic].map((t) =>
          settledOffsets(world.system.admin, t),
        ),
      );
    const view = async () => {
      const copy = await world.openView('account');
      const entries = [...copy.entries()];
      if (copy.remote !== undefined) for await (const page of copy.remote.allEntries()) entries.push(...page);
      const content = { state: copy.state, rows: [...copy.rows()], entries };
      await copy.close();
      return content;
    };
    const before = { ends: await ends(), view: await view() };
    const planned = await world.plan('account', { full: true });
    expect({ ends: await ends(), view: await view() }).toEqual(before);
    expect(planned.counts).toMatchObject({ updated: 1, deleted: 1 });
    const sample = planned.samples.find((s) => s.kind === 'updated');
    expect(sample).toMatchObject({ version: 2, before: { plan: 'SILVER' }, after: { plan: 'GOLD' } });
    expect(JSON.stringify(planned)).not.toContain('"a1"');
    expect((await world.run('account', { full: true })).counts).toEqual(planned.counts);
  });
});

describe('keys', () => {
  test('duplicate model keys stop the run before anything is sent, with samples', async () => {
    await world.run('account');
    await world.sql(
      `alter table accounts drop constraint accounts_pkey; insert into accounts (id, plan) values ('a1', 'gold'), ('zz', 'gold'), ('zz', 'silver')`,
    );
    await expect(world.run('account', { showKeys: true })).rejects.toMatchObject({
      code: 'KEY_INVALID',
      message: expect.stringMatching(/zz/),
    });
    await expect(world.run('account')).rejects.toMatchObject({ message: expect.not.stringMatching(/zz/) });
    expect((await world.fold('account')).records).toBe(200);
  });

  test('NULL model keys are refused', async () => {
    await world.sql(
      `alter table accounts drop constraint accounts_pkey; alter table accounts alter id drop not null; insert into accounts (plan) values ('gold')`,
    );
    await expect(world.run('account')).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });
});

describe('guards', () => {
  const strict = { ...FILES, mappings: { account: MAPPING.replaceAll('100%', '10%').replaceAll('at_least: 100', 'at_least: 5') } };

  test('a mass change stops before anything is sent, unless the run is told to allow it', async () => {
    const guarded = await world.edited(strict);
    await guarded.run('account');
    await touch(`plan = 'gold'`, `plan = 'silver'`);
    await expect(guarded.run('account')).rejects.toMatchObject({ code: 'GUARD_STOPPED', exitCode: 4 });
    expect((await guarded.fold('account')).records).toBe(200);
    expect((await guarded.run('account', { allow: new Set(['updated']) })).published).toBe(100);
    await guarded.expectFacts('account', await source());
  });

  test('an emptied source publishes no delete', async () => {
    await world.run('account');
    await world.sql('truncate accounts');
    await expect(world.run('account')).rejects.toMatchObject({ code: 'GUARD_STOPPED', message: expect.stringContaining('empty_source') });
    expect((await world.fold('account')).facts.size).toBe(200);
  });

  test('an edited mapping republishes what it changes, and only that', async () => {
    await world.run('account');
    const edited = await world.edited({ ...FILES, mappings: { account: MAPPING.replace('silver: SILVER', 'silver: GOLD') } });
    const result = await edited.run('account');
    expect(result).toMatchObject({ scope: 'full comparison', published: 100 });
    expect((await edited.run('account')).published).toBe(0);
  });
});
