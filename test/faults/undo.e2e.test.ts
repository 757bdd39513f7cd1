import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Step } from '../../src/run/steps.ts';
import { approvalsOf, person, signing } from '../run/people.ts';
import { World } from '../run/world.ts';
import { ACCOUNTS, type Accounts, accountsOf, atStep, FLIP } from './accounts.ts';
import { REPAIR_STEPS } from './steps.ts';

let world: World;
let accounts: Accounts;

async function headrace(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { stdout, ...ended } = await world.start(['--json', ...args], env).ended;
  return { ...ended, body: (stdout === '' ? {} : JSON.parse(stdout)) as Readonly<Record<string, unknown>> };
}

/** Steps that an undo comes to once. */
const ONCE = new Set<Step>(['before_fence', 'after_fence', 'recovered', 'done']);

describe.each(REPAIR_STEPS.filter((step) => step !== 'in_recovery' && step !== 'while_mapping'))('killed at %s', (step) => {
  let right: ReadonlyMap<string, unknown>;
  let run: string;
  let before: number;

  beforeEach(async () => {
    world = await World.create(ACCOUNTS.table, ACCOUNTS.files);
    accounts = accountsOf(world);
    expect(await headrace(['run'])).toMatchObject({ code: 0 });
    right = await accounts.expected();
    await accounts.touch(FLIP, 'true');
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
    await world.loseView('account');
    expect(await headrace(['run', '--full'])).toMatchObject({ code: 0, body: { mappings: [{ published: 0 }] } });
    await world.expectFacts('account', right);
  });
});

describe('by a plan', () => {
  const [erin, dana] = [person('erin'), person('dana')];
  beforeEach(async () => {
    const project = approvalsOf([erin, dana], '  require: { undo: low }\n');
    world = await World.create(ACCOUNTS.table, { ...ACCOUNTS.files, project });
    accounts = accountsOf(world);
  });
  afterEach(() => world.close());

  test('the plan that its process died over is applied again and does the rest; done, it is used up', async () => {
    expect(await headrace(['run'])).toMatchObject({ code: 0 });
    const right = await accounts.expected();
    await accounts.touch(FLIP, 'true');
    const { body } = await headrace(['run', '--allow', 'updated']);
    const run = (body.mappings as { run: string }[])[0]?.run ?? '';
    const file = path.join(world.root, 'undo.plan');
    expect(await headrace(['undo', '--run', run, '--out', file, ...signing(world.root, erin)])).toMatchObject({ code: 0 });
    expect(await headrace(['approve', file, ...signing(world.root, dana)])).toMatchObject({ code: 0 });
    const order = ['undo', '--run', run, '--approved', file, '--chunk', '40'];
    const killed = await headrace(order, atStep('between_sends:6=kill'));
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    expect(await headrace(['plans'])).toMatchObject({ body: { plans: [{ state: 'claimed', approvedBy: ['dana'] }] } });
    const again = await headrace(order);
    expect(again.code, again.stderr).toBe(0);
    const fold = await world.expectFacts('account', right);
    expect(fold.records).toBe(3 * right.size);
    const third = await headrace(order);
    expect(third).toMatchObject({
      code: 4,
      body: { error: { code: 'PLAN_REFUSED', message: expect.stringContaining('used before: applied') } },
    });
  });
});
