import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyTopics, planTopics } from '../../src/ops/topics.ts';
import { type Fold, foldFacts } from '../run/fold-oracle.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { ACCOUNTS, accountsOf, atStep, FLIP, startRun } from './accounts.ts';

const text = ACCOUNTS.files.mappings.account ?? '';
const kept = (account: string): WorldFiles => ({ ...ACCOUNTS.files, environment: 'test', keepContracts: true, mappings: { account } });
const OLD = kept(text);
const BOTH = kept(
  text
    .replace('version: "1.0"', 'version: "2.0"\nalso: { version: "1.0", until: 2999-12-31 }')
    .replace('PREFIX.account', 'PREFIX.second')
    .replace(/ {2}plan: .*\n/, '  tier: { from: plan, type: string }\n'),
);

let world: World;
let both: World;
beforeEach(async () => {
  world = await World.create(ACCOUNTS.table, OLD);
  await world.run('account');
  await accountsOf(world).touch(`plan = 'silver'`, 'number <= 50');
  await world.run('account');
  both = await world.edited(BOTH);
  await applyTopics(both.system.admin, await planTopics(both.system.admin, both.project, both.project.mappings.values()));
});
afterEach(() => world.close());

async function folds(): Promise<readonly [Fold, Fold]> {
  const { kafka, name } = both.project;
  return [await foldFacts(kafka, `${name}.account`), await foldFacts(kafka, `${name}.second`, 'any')];
}

/** The fold oracle for each topic, and that both end at the same version of each fact. */
async function expectBoth(): Promise<void> {
  const [first, second] = await folds();
  expect([...first.violations, ...second.violations]).toEqual([]);
  const rows = await both.sql<{ id: string; plan: string; number: string }>(
    'select id, plan, cast(number as TEXT) as number from accounts',
  );
  const facts = (fold: Fold) => Object.fromEntries([...fold.facts].map(([id, { value }]) => [id, value]));
  expect(facts(first)).toEqual(Object.fromEntries(rows.map((row) => [row.id, { ...row, plan: row.plan.toUpperCase() }])));
  expect(facts(second)).toEqual(Object.fromEntries(rows.map(({ id, plan, number }) => [id, { id, tier: plan, number }])));
  expectSameEnds(first, second);
}

function expectSameEnds(first: Fold, second: Fold): void {
  const ends = ({ history }: Fold) => Object.fromEntries([...history].map(([id, past]) => [id, past.at(-1)?.version]));
  expect(ends(first)).toEqual(ends(second));
}

async function runToEnd(...args: string[]): Promise<void> {
  const { code, stderr } = await startRun(both, {}, ...args).ended;
  expect(code, stderr).toBe(0);
}

async function killedAt(step: string): Promise<void> {
  const { signal, stderr } = await startRun(both, atStep(`${step}=kill`)).ended;
  expect(signal, stderr).toBe('SIGKILL');
}

// Each topic has three partitions: the third send is the last one to the mapping's own topic, the fourth the first one to the other.
describe.each(['between_sends:1', 'between_sends:3', 'between_sends:4', 'after_last_send:1', 'after_commit:1'])('killed at %s', (step) => {
  test('a chunk is in both topics or in neither', async () => {
    await runToEnd();
    await expectBoth();
    await accountsOf(world).touch(FLIP, 'number <= 120');
    await world.sql(`delete from accounts where number between 60 and 70`);
    await killedAt(step);
    const [first, second] = await folds();
    expect([...first.violations, ...second.violations]).toEqual([]);
    expectSameEnds(first, second);
    await runToEnd();
    await runToEnd('--full');
    await expectBoth();
  });

  test('a topic that is being filled is filled to the end: each version once, and the other topic gets nothing', async () => {
    const [before] = await folds();
    await killedAt(step);
    await killedAt(step);
    await runToEnd();
    const [first, second] = await folds();
    expect(first.records).toBe(before.records);
    expect(second.records).toBe(200);
    await expectBoth();
    await runToEnd();
    expect((await folds()).map(({ records }) => records)).toEqual([before.records, 200]);
  });
});
