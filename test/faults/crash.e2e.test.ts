import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { STEPS, type Step } from '../../src/run/steps.ts';
import { ENGINE, type Engine } from '../run/warehouses/open.ts';
import { World } from '../run/world.ts';
import { ACCOUNTS, type Accounts, accountsOf, atStep, FLIP, startRun } from './accounts.ts';
import { APPLY_STEPS, isComplete, SLOW_APPLY_STEPS } from './steps.ts';

let world: World;
let accounts: Accounts;
afterEach(() => world.close());

/** Where the view is: a local copy of a source in PostgreSQL, or a view in the engine that the source is in. */
type View = 'local' | Engine;

/** How often it is killed before it comes to its end. */
function livesOf(step: Step): readonly (readonly [View, times: number])[] {
  if (process.env.HEADRACE_TEST_VIEW !== undefined) return [1, 2].map((times) => [ENGINE, times] as const);
  const others = { duckdb: APPLY_STEPS, snowflake: SLOW_APPLY_STEPS };
  const engines = (['duckdb', 'snowflake'] as const).filter((engine) => others[engine].includes(step));
  return [['local', 1], ['local', 2], ['postgres', 1], ...engines.map((engine) => [engine, 1] as const)];
}

async function createWorld(view: View): Promise<void> {
  world = await World.create(ACCOUNTS.table, { ...ACCOUNTS.files, ...(view === 'local' ? { view } : { view: 'warehouse', engine: view }) });
  accounts = accountsOf(world);
}

/** Steps that a run comes to once: a second kill at the same place is in the next run. */
const ONCE = new Set<Step>(['before_fence', 'after_fence', 'recovered', 'while_mapping', 'done']);
/** Steps that not every run comes to: nothing to recover, say. */
const RARE = new Set<Step>([
  'in_recovery',
  'between_sends',
  'after_last_send',
  'commit_sent',
  'after_commit',
  'inside_apply',
  'applied',
  'before_first_send',
]);

async function runKilledAt(step: Step, count: number): Promise<void> {
  const { signal, stderr, code } = await startRun(world, atStep(`${step}:${ONCE.has(step) ? 1 : count}=kill`)).ended;
  // A step that this run does not come to is no crash; everything else must be one.
  expect(signal === 'SIGKILL' || (code === 0 && RARE.has(step)), stderr).toBe(true);
}

/** In a process of its own, as after a crash. */
async function resume(): Promise<void> {
  const { code, stderr } = await startRun(world).ended;
  expect(code, stderr).toBe(0);
}

const CHUNKS = { chunk: { changes: 40, bytes: 1e6 } };

async function expectNothingLostOrDoubled(): Promise<void> {
  await world.run('account', { ...CHUNKS, full: true });
  await world.expectFacts('account', await accounts.expected());
}

describe.each(STEPS)('killed at %s', (step) => {
  test.each(livesOf(step))('an initial load, view: %s, times: %i; rows deleted and changed before it resumes', async (view, times) => {
    await createWorld(view);
    for (let n = 0; n < times; n++) {
      await runKilledAt(step, n + 1);
      await world.sql(`delete from accounts where id in ('a${10 + n}', 'a${150 + n}')`);
      await accounts.touch(`plan = 'gold'`, `id in ('a${20 + n}', 'a${160 + n}')`);
    }
    await resume();
    await expectNothingLostOrDoubled();
  });

  test.each(livesOf(step))('a day of changes, view: %s, times: %i; A → B, killed, B → A', async (view, times) => {
    await createWorld(view);
    await world.run('account', CHUNKS);
    for (let n = 0; n < times; n++) await thereAndBack('number <= 120', () => runKilledAt(step, n + 1));
    await world.sql(`delete from accounts where id = 'a30'`);
    await resume();
    await expectNothingLostOrDoubled();
  });
});

/** Back to the very same rows, cursor included, so that only the raw fingerprints could tell. */
async function thereAndBack(where: string, act: () => Promise<void>): Promise<void> {
  await world.sql('drop table if exists before; create table before as select * from accounts');
  await accounts.touch(FLIP, where);
  await act();
  await world.sql(`delete from accounts where ${where}; insert into accounts select * from before where ${where}`);
}

/** After an apply has begun, milliseconds: of a view in the warehouse, at some statement of its transaction. */
const MOMENTS = isComplete ? [0, 5, 10, 15, 20, 30, 40, 60, 80, 120, 160, 240] : [0, 20, 60];

describe('killed in the middle of an apply', () => {
  test.each(livesOf('inside_apply').filter(([, times]) => times === 1))('a day of changes, view: %s', async (view) => {
    await createWorld(view);
    await world.run('account', CHUNKS);
    for (const [n, ms] of MOMENTS.entries()) {
      await thereAndBack(`mod(number, ${MOMENTS.length}) = ${n}`, async () => {
        const child = startRun(world, atStep('inside_apply=sleep:1'));
        await child.says('test step inside_apply');
        await delay(ms);
        child.kill('SIGKILL');
        await child.ended;
      });
    }
    await resume();
    await expectNothingLostOrDoubled();
  });
});
