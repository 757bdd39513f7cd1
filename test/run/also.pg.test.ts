import { afterEach, expect, test } from 'vitest';
import { applyTopics, planTopics } from '../../src/ops/topics.ts';
import { ACCOUNTS, accountsOf } from '../faults/accounts.ts';
import { type Fold, foldFacts } from './fold-oracle.ts';
import { World } from './world.ts';
import type { WorldFiles } from './world-files.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const mapping = (version: string, topic: string, fields: string, rest = '') => `
mapping: account
fact: account
version: "${version}"
class: profile
model: accounts
topic: PREFIX.${topic}
owner: team@example.com
semantics: An account.
key: [id]
data_subject: id
occurred_at: { from: updated_at }
fields:
  id: { from: id, type: string }
${fields}
guards: { updated: { share: 100%, at_least: 1000 }, deleted: { share: 100%, at_least: 1000 } }
${rest}
`;

const OLD_FIELDS =
  '  plan: { from: plan, type: { enum: [GOLD, SILVER] }, values: { gold: GOLD, silver: SILVER } }\n  number: { from: number, type: int64 }';
const NEW_FIELDS = '  tier: { from: plan, type: string }\n  big: { cel: "row.number > 100", type: boolean }';

const files = (account: string): WorldFiles => ({
  environment: 'test',
  keepContracts: true,
  models: ACCOUNTS.files.models,
  mappings: { account },
});
const OLD = files(mapping('1.4', 'v1', OLD_FIELDS));
const BOTH = files(mapping('2.0', 'v2', NEW_FIELDS, 'also: { version: "1.4", until: 2999-12-31 }'));
const NEW = files(mapping('2.0', 'v2', NEW_FIELDS));

const SAYS = {
  v1: 'select id, upper(plan) as plan, cast(number as TEXT) as number from accounts',
  v2: 'select id, plan as tier, number > 100 as big from accounts',
};

async function foldOf(of: World, topic: keyof typeof SAYS): Promise<Fold> {
  return foldFacts(of.project.kafka, `${of.project.name}.${topic}`, topic === 'v1' ? 1 : 'any');
}

/** The fold oracle, one topic at a time. */
async function expectTopic(of: World, topic: keyof typeof SAYS): Promise<Fold> {
  const fold = await foldOf(of, topic);
  expect(fold.violations).toEqual([]);
  // Some engines tell true and false as texts.
  const booleanOf = (big: unknown) => (big === undefined ? {} : { big: String(big) === 'true' });
  const expected = (await of.sql<{ id: string; big?: unknown }>(SAYS[topic])).map(
    (row) => [row.id, { ...row, ...booleanOf(row.big) }] as const,
  );
  expect(Object.fromEntries([...fold.facts].map(([id, { value }]) => [id, value]))).toEqual(Object.fromEntries(expected));
  return fold;
}

/** The same version of each fact, with the same id, as far as both topics have it. */
function expectSameVersions(first: Fold, second: Fold): void {
  for (const [id, history] of second.history) {
    const others = new Map(first.history.get(id)?.map(({ version, headers }) => [version, headers.ce_id]));
    for (const { version, headers } of history) expect([id, version, headers.ce_id]).toEqual([id, version, others.get(version)]);
    expect(history.at(-1)?.version).toBe(first.history.get(id)?.at(-1)?.version);
  }
}

async function createTopics(of: World): Promise<void> {
  await applyTopics(of.system.admin, await planTopics(of.system.admin, of.project, of.project.mappings.values()));
}

const touch = (of: World, set: string, where: string) => accountsOf(of).touch(set, where);
const CHUNK = { chunk: { changes: 40, bytes: 1_000_000 } };

async function publishedOld(): Promise<World> {
  world = await World.create(ACCOUNTS.table, OLD);
  await world.run('account');
  for (const plan of ['gold', 'silver', 'gold']) {
    await touch(world, `plan = '${plan}'`, `number <= 20`);
    await world.run('account');
  }
  return world;
}

test('a new topic gets the current version of every live fact; what changed goes to both, and nobody gets anything twice', async () => {
  const old = await publishedOld();
  const before = await expectTopic(old, 'v1');
  const both = await old.edited(BOTH);
  await expect(both.run('account')).rejects.toMatchObject({ code: 'TOPIC_MISSING', message: expect.stringContaining('v2') });
  await createTopics(both);
  await touch(both, `plan = 'silver'`, `id in ('a2', 'a4', 'a100')`);
  await both.sql(`delete from accounts where id in ('a5', 'a150')`);
  expect(await both.run('account', CHUNK)).toMatchObject({
    scope: 'full comparison',
    counts: { filled: 195, updated: 3, deleted: 2, created: 0, recorded: 0 },
  });
  const [v1, v2] = [await expectTopic(both, 'v1'), await expectTopic(both, 'v2')];
  expect(v1.records - before.records).toBe(5);
  expect(v2.records).toBe(200);
  expectSameVersions(v1, v2);
  expect(v2.history.get('a1')?.[0]).toMatchObject({
    version: v1.history.get('a1')?.at(-1)?.version,
    type: 'account.v2.created',
    headers: { ce_dataschema: expect.stringMatching(/:2\.0$/) },
  });
  const updated = v1.history.get('a2')?.at(-1);
  expect(updated).toMatchObject({ type: 'account.v1.updated', headers: { ce_dataschema: expect.stringMatching(/:1\.4$/) } });
  // Which fields changed is not known in this one run.
  expect(updated?.headers.ce_changed).toBeUndefined();

  expect(await both.run('account')).toMatchObject({ scope: 'incremental', published: 0 });
  await touch(both, `plan = 'silver', number = 500`, `id in ('a7', 'a9')`);
  await both.sql(`insert into accounts values ('new', 'gold', 1, NOW); delete from accounts where id = 'a11'`);
  expect(await both.run('account', { full: true })).toMatchObject({ counts: { created: 1, updated: 2, deleted: 1, filled: 0 } });
  const [after1, after2] = [await expectTopic(both, 'v1'), await expectTopic(both, 'v2')];
  expectSameVersions(after1, after2);
  expect(after2.history.get('a7')?.at(-1)?.headers.ce_changed).toBe('tier,big');
  expect(after1.history.get('a7')?.at(-1)?.headers.ce_changed).toBe('plan,number');
});

test('the last day passes: the old topic stays as it is, and the new one gets nothing for it', async () => {
  const both = await (await publishedOld()).edited(BOTH);
  await createTopics(both);
  await both.run('account');
  const [v1, v2] = [await foldOf(both, 'v1'), await foldOf(both, 'v2')];
  const alone = await both.edited(NEW);
  expect(await alone.run('account')).toMatchObject({ scope: 'full comparison', published: 0, counts: { recorded: 200, updated: 0 } });
  expect(await alone.run('account')).toMatchObject({ scope: 'incremental', published: 0 });
  await touch(alone, `plan = 'silver'`, `id = 'a2'`);
  expect(await alone.run('account')).toMatchObject({ published: 1 });
  expect((await foldOf(alone, 'v1')).records).toBe(v1.records);
  expect((await expectTopic(alone, 'v2')).records).toBe(v2.records + 1);
});

test('a major version that moves to a new topic alone fills it', async () => {
  const old = await publishedOld();
  const alone = await old.edited(NEW);
  await createTopics(alone);
  const before = await foldOf(old, 'v1');
  expect(await alone.run('account')).toMatchObject({ published: 200, counts: { filled: 200, updated: 0, recorded: 0, created: 0 } });
  expect((await foldOf(alone, 'v1')).records).toBe(before.records);
  await expectTopic(alone, 'v2');
});

test('a row that the old contract refuses is quarantined as a whole, and the reason names the version', async () => {
  const both = await (await publishedOld()).edited(BOTH);
  await createTopics(both);
  await both.run('account');
  await touch(both, `plan = 'bronze'`, `id = 'a1'`);
  expect(await both.run('account')).toMatchObject({ published: 0, counts: { quarantined: 1 } });
});

test('a minor version goes to the same topic: the facts that differ are published under it, and the others stay', async () => {
  world = await World.create(ACCOUNTS.table, OLD);
  await world.run('account');
  const next = await world.edited(
    files(
      mapping(
        '1.5',
        'v1',
        OLD_FIELDS.replace('{ from: number, type: int64 }', '{ cel: "row.number > 150 ? row.number + 1000 : row.number", type: int64 }'),
      ),
    ),
  );
  expect(await next.run('account')).toMatchObject({
    scope: 'full comparison',
    published: 50,
    counts: { updated: 50, filled: 0, unchanged: 150 },
  });
  const { history, violations } = await foldOf(next, 'v1');
  expect(violations).toEqual([]);
  expect(history.get('a200')?.map(({ headers }) => headers.ce_dataschema?.split(':').at(-1))).toEqual(['1.4', '1.5']);
  expect(history.get('a200')?.at(-1)).toMatchObject({ version: 2, value: { number: '1200' }, headers: { ce_changed: 'number' } });
  expect(history.get('a1')?.map(({ headers }) => headers.ce_dataschema?.split(':').at(-1))).toEqual(['1.4']);
});

test('a field that is renamed, with its former name as an alias: every fact has it under the new name, which ce_changed says', async () => {
  world = await World.create(ACCOUNTS.table, files(mapping('1.4', 'v1', OLD_FIELDS, 'compatibility: none')));
  await world.run('account');
  const renamed = OLD_FIELDS.replace('  number: { from: number, type: int64 }', '  rank: { from: number, type: int64, aliases: [number] }');
  const next = await world.edited(files(mapping('1.5', 'v1', renamed, 'compatibility: none')));
  expect(await next.run('account', { allow: new Set(['updated']) })).toMatchObject({ published: 200, counts: { updated: 200 } });
  const { history } = await foldOf(next, 'v1');
  expect(history.get('a7')?.at(-1)).toMatchObject({
    version: 2,
    value: { id: 'a7', plan: 'SILVER', rank: '7' },
    headers: { ce_changed: 'rank' },
  });
});
