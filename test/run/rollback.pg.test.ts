import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { headrace } from '../cli/in-process.ts';
import { approvalsOf, person, signing } from './people.ts';
import { World } from './world.ts';
import type { WorldFiles } from './world-files.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const model = `
model: accounts
warehouse: main
table: accounts
key: [id]
cursor: { column: updated_at, lookback: 1h, nulls: always }
deletes: { missing_rows: true }
`;

const mapping = (version: string, fields: string, rest = 'class: profile') => `
mapping: account
fact: account
version: "${version}"
model: accounts
topic: PREFIX.account
owner: team@example.com
semantics: An account.
key: [id]
data_subject: id
occurred_at: { from: updated_at }
fields:
  id: { from: id, type: string }
${fields}
${rest}
`;

const PLAN = '  plan: { from: plan, type: { enum: [GOLD, SILVER] }, values: { gold: GOLD, silver: SILVER } }';
/** The next version says the plans the wrong way round, and has a field more. */
const WRONG = `  plan: { from: plan, type: { enum: [GOLD, SILVER] }, values: { gold: SILVER, silver: GOLD } }
  number: { from: number, type: int64, optional: true }`;

const files = (version: string, fields: string, rest?: string): WorldFiles => ({
  environment: 'test',
  keepContracts: true,
  models: { accounts: model },
  mappings: { account: mapping(version, fields, rest) },
});
const FIRST = files('1.0', PLAN);
const SECOND = files('1.1', WRONG);

const table = (rows: number) => `
create table accounts (id text primary key, plan text, number bigint, updated_at timestamptz default clock_timestamp());
insert into accounts (id, plan, number) select 'a' || g, case when g % 2 = 0 then 'gold' else 'silver' end, g from generate_series(1, ${rows}) g;
`;

const SAYS = {
  first: 'select id, upper(plan) as plan from accounts',
  second: `select id, case plan when 'gold' then 'SILVER' else 'GOLD' end as plan, number::text from accounts`,
};

async function expected(of: World, version: keyof typeof SAYS): Promise<Map<string, unknown>> {
  return new Map((await of.sql<{ id: string }>(SAYS[version])).map((row) => [row.id, row]));
}

/** Both versions frozen, the second one published. */
async function published(rows: number, first = FIRST, second = SECOND): Promise<World> {
  world = await World.create(table(rows), first);
  await world.run('account');
  const edited = await world.edited(second);
  await edited.run('account', { allow: new Set(['updated']) });
  return edited;
}

test('100,000 facts go back and forward again: consumers end at the intended version, and the ledger says who, when, what', async () => {
  const rows = 100_000;
  const edited = await published(rows);
  await edited.expectFacts('account', await expected(edited, 'second'));

  const planned = await edited.planRollback('account', '1.0');
  expect(planned).toMatchObject({
    from: '1.1',
    to: '1.0',
    resumes: false,
    needsApproval: false,
    plan: { counts: { updated: rows, created: 0, deleted: 0 } },
  });
  expect(planned.plan?.changedFields).toEqual({ plan: rows });
  const startedAt = Date.now();
  const back = await edited.rollBack('account', '1.0', { user: 'erin', reason: 'plans the wrong way round' });
  expect(back).toMatchObject({ published: rows, counts: { updated: rows } });
  const fold = await edited.expectFacts('account', await expected(edited, 'first'));
  const [, , third] = fold.history.get('a1') ?? [];
  expect(third).toMatchObject({
    version: 3,
    type: 'account.v1.updated',
    headers: { ce_origin: 'undo', ce_dataschema: expect.stringMatching(/:account:1\.0$/), ce_changed: 'plan' },
  });
  const entries = (await edited.ledger('account')).filter(({ run }) => run === back.run);
  expect(entries.length).toBe(back.chunks);
  const updated = entries.reduce((sum, { counts }) => sum + ((counts as { updated?: number }).updated ?? 0), 0);
  expect(updated).toBe(rows);
  for (const entry of entries) {
    expect(entry).toMatchObject({ origin: 'undo', contractVersion: '1.0', allowed: ['updated', 'deleted'] });
    expect(entry.rollback).toMatchObject({ from: '1.1', to: '1.0', user: 'erin', reason: 'plans the wrong way round', approvedBy: null });
    expect(Date.parse(String(entry.at))).toBeGreaterThanOrEqual(startedAt);
  }

  // The next scheduled run does not publish the bad contract again.
  await expect(edited.run('account')).rejects.toMatchObject({ code: 'ROLLED_BACK', exitCode: 4 });
  await expect(edited.plan('account')).rejects.toMatchObject({ code: 'ROLLED_BACK' });
  expect((await edited.planRollback('account', '1.0')).plan).toBeUndefined();
  // The mapping that is set back runs on as if nothing had been, and publishes nothing again.
  const set = await edited.edited(FIRST);
  expect(await set.run('account')).toMatchObject({ scope: 'incremental', published: 0 });
  await set.sql(`update accounts set plan = 'gold', updated_at = clock_timestamp() where id in ('a1', 'a3')`);
  expect(await set.run('account')).toMatchObject({ scope: 'incremental', published: 2 });
  await expect(edited.run('account')).rejects.toMatchObject({ code: 'ROLLED_BACK' });

  const forward = await edited.rollBack('account', '1.1');
  expect(forward).toMatchObject({ published: rows });
  const end = await edited.expectFacts('account', await expected(edited, 'second'));
  expect(end.history.get('a1')?.at(-1)?.headers).toMatchObject({
    ce_origin: 'undo',
    ce_dataschema: expect.stringMatching(/:account:1\.1$/),
  });
  expect(await edited.run('account')).toMatchObject({ scope: 'incremental', published: 0 });
  // The version that it came from has been left for good.
  await expect(set.run('account')).rejects.toMatchObject({ code: 'CONTRACT_OLDER' });
}, 600_000);

describe('what it needs, and what it refuses', () => {
  test('only facts that differ are published; a fact that the earlier contract refuses stays, and is reported', async () => {
    const edited = await published(
      10,
      files('1.0', PLAN),
      files('1.1', '  plan: { from: plan, type: string }', 'class: profile\ncompatibility: none'),
    );
    await edited.sql(`update accounts set plan = 'bronze', updated_at = clock_timestamp() where id = 'a1'`);
    await edited.run('account');
    const planned = await edited.planRollback('account', '1.0');
    expect(planned.plan).toMatchObject({ counts: { updated: 9, quarantined: 1 } });
    expect(planned.readers).toEqual([]);
    expect(await edited.rollBack('account', '1.0')).toMatchObject({ published: 9, counts: { quarantined: 1 } });
    expect((await edited.fold('account')).facts.get('a1')?.value).toEqual({ id: 'a1', plan: 'bronze' });
  });

  test('the plan names the readers that break', async () => {
    const edited = await published(
      10,
      files('1.0', PLAN),
      files('1.1', `${PLAN}\n  number: { from: number, type: int64 }`, 'class: profile\ncompatibility: forward'),
    );
    const { readers } = await edited.planRollback('account', '1.0');
    expect(readers?.map(({ kind, at }) => [kind, at])).toEqual([['field_removed', 'number']]);
  });

  test('a plan publishes nothing and moves nothing', async () => {
    const edited = await published(10);
    const before = await edited.fold('account');
    const ledger = await edited.ledger('account');
    await edited.planRollback('account', '1.0');
    expect((await edited.fold('account')).records).toBe(before.records);
    expect(await edited.ledger('account')).toEqual(ledger);
    expect(await edited.run('account')).toMatchObject({ scope: 'incremental', published: 0 });
  });

  test('a command needs an approved plan, whose id travels in the events; the ledger names who approved', async () => {
    const rest = 'class: command\nundo: previous\ninitial_load: publish';
    const edited = await published(10, files('1.0', PLAN, rest), files('1.1', WRONG.split('\n')[0] ?? '', rest));
    expect((await edited.planRollback('account', '1.0')).needsApproval).toBe(true);
    const refused = { code: 'APPROVAL_NEEDED', exitCode: 4 };
    await expect(edited.rollBack('account', '1.0')).rejects.toMatchObject(refused);
    // A name that is merely said is no approval.
    await expect(edited.rollBack('account', '1.0', { approvedBy: 'dana', reason: 'wrong' })).rejects.toMatchObject(refused);
    expect((await edited.fold('account')).records).toBe(20);
    await edited.rollBack('account', '1.0', { approval: 'p1', approvedBy: 'dana', reason: 'wrong' });
    const fold = await edited.expectFacts('account', await expected(edited, 'first'));
    expect(fold.history.get('a1')?.at(-1)?.headers).toMatchObject({ ce_approval: 'p1', ce_origin: 'undo' });
    expect((await edited.ledger('account')).at(-1)?.rollback).toMatchObject({ approvedBy: 'dana', reason: 'wrong' });
  });

  test('a command goes back from the command line only with the plan that somebody else has signed', async () => {
    const [erin, dana] = [person('erin'), person('dana')];
    const rest = 'class: command\nundo: previous\ninitial_load: publish';
    const policy = { project: approvalsOf([erin, dana]) };
    const first = { ...files('1.0', PLAN, rest), ...policy };
    const edited = await published(10, first, { ...files('1.1', WRONG.split('\n')[0] ?? '', rest), ...policy });
    const say = (...argv: string[]) => headrace(edited.root, ['contracts', 'rollback', 'account', '--to', '1.0', ...argv], edited.env);
    const file = path.join(edited.root, 'back.plan');
    expect(await say('--yes')).toMatchObject({ code: 4, stderr: expect.stringContaining('[APPROVAL_NEEDED]') });
    expect(await say('--out', file, '--reason', 'wrong', ...signing(edited.root, erin))).toMatchObject({ code: 0 });
    expect(await say('--approved', file)).toMatchObject({ code: 4, stderr: expect.stringContaining('nobody else than erin') });
    expect((await headrace(edited.root, ['approve', file, ...signing(edited.root, dana)], edited.env)).code).toBe(0);
    expect((await edited.fold('account')).records).toBe(20);
    const done = await say('--approved', file, '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({ ok: true, result: { published: 10 } });
    await edited.expectFacts('account', await expected(edited, 'first'));
    expect((await edited.ledger('account')).at(-1)).toMatchObject({
      approval: expect.any(String),
      rollback: { approvedBy: 'dana', reason: 'wrong' },
    });
    expect(await say('--approved', file)).toMatchObject({ code: 4, stderr: expect.stringContaining('used before') });
  });

  test('other guards than those on mass changes hold', async () => {
    const edited = await published(1_000);
    await edited.sql('delete from accounts');
    await expect(edited.rollBack('account', '1.0')).rejects.toMatchObject({
      code: 'GUARD_STOPPED',
      message: expect.stringContaining('empty_source'),
    });
    // Nothing was published under the other version, so nothing is barred.
    expect((await edited.fold('account')).records).toBe(2_000);
    await expect(edited.run('account', { allow: new Set(['empty_source', 'deleted']), full: true })).resolves.toMatchObject({
      counts: { deleted: 1_000 },
    });
  });

  test('versions that the topic cannot carry, and those that do not exist, are refused', async () => {
    const elsewhere: WorldFiles = {
      ...FIRST,
      models: FIRST.models,
      mappings: { account: mapping('2.0', WRONG).replace('PREFIX.account', 'PREFIX.second') },
    };
    world = await World.create(table(5), FIRST);
    await expect(world.planRollback('account', '1.0')).rejects.toMatchObject({
      message: expect.stringContaining('nothing was published yet'),
    });
    await world.run('account');
    await expect(world.planRollback('account', '0.9')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      suggestion: expect.stringContaining('1.0'),
    });
    const second = await world.edited(elsewhere);
    await expect(second.planRollback('account', '1.0')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('another topic'),
    });
  });
});
