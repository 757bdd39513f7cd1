import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STEPS, type Step } from '../../src/run/steps.ts';
import { World } from '../run/world.ts';
import { ACCOUNTS, type Accounts, accountsOf, atStep } from './accounts.ts';

let world: World;
let accounts: Accounts;

async function headrace(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { stdout, ...ended } = await world.start(['--json', ...args], env).ended;
  return { ...ended, body: (stdout === '' ? {} : JSON.parse(stdout)) as Readonly<Record<string, unknown>> };
}

/** Steps that an undo comes to once. */
const ONCE = new Set<Step>(['before_fence', 'after_fence', 'recovered', 'done']);

describe.each(STEPS.filter((step) => step !== 'in_recovery' && step !== 'while_mapping'))('killed at %s', (step) => {
  let right: ReadonlyMap<string, unknown>;
  let run: string;
  let before: number;

  beforeEach(async () => {
    world = await World.create(ACCOUNTS.table, ACCOUNTS.files);
    accounts = accountsOf(world);
    expect(await headrace(['run'])).toMatchObject({ code: 0 });
    right = await accounts.expected();
    await world.sql(`update accounts set plan = case plan when 'gold' then 'silver' else 'gold' end, updated_at = clock_timestamp()`);
    const { code, body } = await headrace(['run', '--allow', 'updated']);
    expect(code).toBe(0);
    run = (body.mappings as { run: string }[])[0]?.run ?? '';
    before = (await world.fold('account')).records;
  });
  afterEach(() => world.close());

  test('the same order takes back the rest, nothing twice; runs do not bring the wrong facts back', async () => {
    const order = ['undo', '--run', run, '--yes', '--chunk', '40'];
    const killed = await headrace(order, atStep(`${step}:${ONCE.has(step) ? 1 : 2}=kill`));
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const again = await headrace(order);
    expect(again.code, again.stderr).toBe(0);
    const fold = await world.expectFacts('account', right);
    expect(fold.records).toBe(before + right.size);
    expect(await headrace(['run'])).toMatchObject({ code: 0, body: { mappings: [{ published: 0 }] } });
    rmSync(world.folder('account'), { recursive: true, force: true });
    expect(await headrace(['run', '--full'])).toMatchObject({ code: 0, body: { mappings: [{ published: 0 }] } });
    await world.expectFacts('account', right);
  });
});
