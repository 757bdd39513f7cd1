import { afterEach, describe, expect, test } from 'vitest';
import { STEPS, type Step } from '../../src/run/steps.ts';
import { World } from '../run/world.ts';
import { ACCOUNTS, type Accounts, accountsOf } from './accounts.ts';

let world: World;
let accounts: Accounts;
afterEach(() => world.close());

const VIEWS = [
  ['local', 1],
  ['local', 2],
  ['warehouse', 1],
] as const;

async function createWorld(view: 'local' | 'warehouse'): Promise<void> {
  world = await World.create(ACCOUNTS.table, { ...ACCOUNTS.files, view });
  accounts = accountsOf(world);
}

const CHUNK = ['--chunk', '40'];

async function runKilledAt(step: Step, count: number): Promise<void> {
  const { signal, stderr, code } = await world.start(['run', 'account', ...CHUNK], {
    HEADRACE_TEST_STEPS: '1',
    HEADRACE_TEST_STEP: `${step}:${count}=kill`,
  }).ended;
  // A step that this run does not come to (nothing to recover, say) is no crash; everything else must be one.
  expect(signal === 'SIGKILL' || (code === 0 && RARE.has(step)), stderr).toBe(true);
}
/** Steps that a run comes to once: a second kill at the same place is in the next run. */
const ONCE = new Set<Step>(['before_fence', 'after_fence', 'recovered', 'while_mapping', 'done']);
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

async function runToEnd(...args: string[]): Promise<void> {
  const { code, stderr } = await world.start(['run', 'account', ...CHUNK, ...args]).ended;
  expect(code, stderr).toBe(0);
}

describe.each(STEPS)('killed at %s', (step) => {
  test.each(VIEWS)('an initial load, view: %s, times: %i; rows deleted and changed before it resumes', async (view, times) => {
    await createWorld(view);
    for (let n = 0; n < times; n++) {
      await runKilledAt(step, ONCE.has(step) ? 1 : n + 1);
      await world.sql(`delete from accounts where id in ('a${10 + n}', 'a${150 + n}')`);
      await accounts.touch(`plan = 'gold'`, `id in ('a${20 + n}', 'a${160 + n}')`);
    }
    await runToEnd();
    await runToEnd('--full');
    await world.expectFacts('account', await accounts.expected());
  });

  test.each(VIEWS)('a day of changes, view: %s, times: %i; A → B, killed, B → A', async (view, times) => {
    await createWorld(view);
    await runToEnd();
    for (let n = 0; n < times; n++) {
      await world.sql(
        `create table if not exists before as select * from accounts where false; truncate before; insert into before select * from accounts`,
      );
      await accounts.touch(`plan = case plan when 'gold' then 'silver' else 'gold' end`, `number <= 120`);
      await runKilledAt(step, ONCE.has(step) ? 1 : n + 1);
      // Back to the very same rows, cursor included, so that only the raw fingerprints could tell.
      await world.sql(`delete from accounts where number <= 120; insert into accounts select * from before where number <= 120`);
    }
    await world.sql(`delete from accounts where id = 'a30'`);
    await runToEnd();
    await runToEnd('--full');
    await world.expectFacts('account', await accounts.expected());
  });
});
