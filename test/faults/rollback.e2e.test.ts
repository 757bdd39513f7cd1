import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Step } from '../../src/run/steps.ts';
import { World } from '../run/world.ts';
import { ACCOUNTS, type Accounts, accountsOf, atStep } from './accounts.ts';
import { REPAIR_STEPS } from './steps.ts';

const MAPPING = 'mappings/account.yml';
const first = ACCOUNTS.files.mappings.account ?? '';
/** The next version says the plans the wrong way round. */
const second = first
  .replace('version: "1.0"', 'version: "1.1"')
  .replace('{ gold: GOLD, silver: SILVER }', '{ gold: SILVER, silver: GOLD }');

let world: World;
let accounts: Accounts;

async function headrace(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { stdout, ...ended } = await world.start(['--json', ...args], env).ended;
  return { ...ended, body: (stdout === '' ? {} : JSON.parse(stdout)) as Readonly<Record<string, unknown>> };
}

const rollback = (to: string, ...rest: string[]) => ['contracts', 'rollback', 'account', '--to', to, '--chunk', '40', ...rest];

/** What consumers must hold, computed by SQL. */
async function expected(version: '1.0' | '1.1'): Promise<Map<string, unknown>> {
  const facts = await accounts.expected();
  if (version === '1.0') return facts;
  return new Map(
    [...facts].map(([id, fact]) => [id, { ...(fact as object), plan: (fact as { plan: string }).plan === 'GOLD' ? 'SILVER' : 'GOLD' }]),
  );
}

function write(text: string): void {
  writeFileSync(path.join(world.root, MAPPING), text.replaceAll('PREFIX', world.project.name));
}

/** Both versions frozen, the second one published. */
async function publishBoth(): Promise<void> {
  world = await World.create(ACCOUNTS.table, { ...ACCOUNTS.files, environment: 'test', keepContracts: true });
  accounts = accountsOf(world);
  for (const text of [first, second]) {
    write(text);
    expect(await headrace(['contracts', 'freeze'])).toMatchObject({ code: 0 });
    expect(await headrace(['run'])).toMatchObject({ code: 0 });
  }
  await world.expectFacts('account', await expected('1.1'));
}

/** Steps that a rollback comes to once. */
const ONCE = new Set<Step>(['before_fence', 'after_fence', 'in_recovery', 'recovered', 'while_mapping', 'done']);

describe.each(REPAIR_STEPS.filter((step) => step !== 'in_recovery'))('killed at %s', (step) => {
  beforeEach(publishBoth);
  afterEach(() => world.close());
  test('a rollback is completed by the same command; until then no run publishes anything', async () => {
    const killed = await headrace(rollback('1.0', '--yes'), atStep(`${step}:${ONCE.has(step) ? 1 : 2}=kill`));
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const records = (await world.fold('account')).records;
    // Before the first commit there is nothing to complete: the newer version is still the published one, and runs.
    const isBegun = records > 400;
    if (isBegun) {
      expect(await headrace(['run'])).toMatchObject({ code: 4, body: { mappings: [{ error: { code: 'ROLLED_BACK' } }] } });
      expect((await world.fold('account')).records).toBe(records);
    }
    const completed = await headrace(rollback('1.0', '--yes'));
    expect(completed.code, completed.stderr).toBe(0);
    await world.expectFacts('account', await expected('1.0'));
    expect((await world.fold('account')).records).toBe(600);
    expect(await headrace(['run'])).toMatchObject({ code: 4 });
    write(first);
    const { code, body } = await headrace(['run']);
    expect({ code, body }).toMatchObject({ code: 0, body: { mappings: [{ scope: 'incremental', published: 0 }] } });
  });
});

describe('from the command line', () => {
  beforeAll(publishBoth);
  afterAll(() => world.close());

  test('--plan shows what would change, and ends', async () => {
    const { code, body } = await headrace(rollback('1.0', '--plan'));
    expect(code).toBe(0);
    expect(body).toMatchObject({
      command: 'contracts rollback',
      rollback: { mapping: 'account', from: '1.1', to: '1.0', resumes: false, needsApproval: false, readers: [] },
      result: null,
    });
    expect(body.rollback).toMatchObject({ plan: { counts: { updated: 200 }, changedFields: { plan: 200 }, wouldStop: false } });
    expect(JSON.stringify(body)).not.toContain('"a1"');
    const text = await world.start(rollback('1.0', '--plan')).ended;
    expect(text.stdout).toMatch(/account: version 1\.1 → 1\.0\n.*readers of 1\.1 understand facts of 1\.0/);
    expect(text.stdout).toMatch(/updated 200 \(plan 200\)/);
  });

  test('without a terminal and without --yes it ends with 4 and says what to do', async () => {
    const { code, stderr } = await headrace(rollback('1.0'));
    expect(code).toBe(4);
    expect(stderr).toContain('with --yes');
    expect((await world.fold('account')).records).toBe(400);
  });

  test('a version that is not frozen is refused with the nearest one, an edited one with how to restore it', async () => {
    expect(await headrace(rollback('1.9', '--yes'))).toMatchObject({ code: 2, body: { error: { code: 'CONFIG_INVALID' } } });
    const frozen = path.join(world.root, 'contracts/account/1.0.yml');
    const text = readFileSync(frozen, 'utf8');
    writeFileSync(frozen, text.replace('An account.', 'Another.'));
    expect(await headrace(rollback('1.0', '--yes'))).toMatchObject({ code: 2, body: { error: { code: 'CONTRACT_EDITED' } } });
    writeFileSync(frozen, text);
  });

  test('--yes moves the mapping; state shows it; the same command forward again lifts the bar', async () => {
    const { code, body, stderr } = await headrace(rollback('1.0', '--yes', '--reason', 'wrong way round'));
    expect({ code, stderr, body }).toMatchObject({ code: 0, body: { result: { published: 200 } } });
    await world.expectFacts('account', await expected('1.0'));
    const state = await headrace(['state', 'show', 'account']);
    expect(state.body.state).toMatchObject({ control: { contractVersion: '1.0', rollback: { from: '1.1', upTo: '1.1', complete: true } } });
    expect((await world.start(['state', 'show', 'account']).ended).stdout).toMatch(
      /rolled back +from 1\.1; versions above 1\.0 up to 1\.1 are refused/,
    );
    expect(await headrace(rollback('1.0', '--yes'))).toMatchObject({ code: 0, body: { rollback: { plan: null }, result: null } });
    expect(await headrace(rollback('1.1', '--yes'))).toMatchObject({ code: 0, body: { result: { published: 200 } } });
    await world.expectFacts('account', await expected('1.1'));
    expect(await headrace(['run'])).toMatchObject({ code: 0, body: { mappings: [{ published: 0 }] } });
    const who = (await world.ledger('account')).flatMap(({ rollback: entry, last }) =>
      entry !== undefined && last === true ? [entry] : [],
    );
    expect(who).toMatchObject([
      { from: '1.1', to: '1.0', reason: 'wrong way round', user: expect.stringMatching(/./), host: expect.stringMatching(/./) },
      { from: '1.0', to: '1.1', reason: null },
    ]);
  });
});
