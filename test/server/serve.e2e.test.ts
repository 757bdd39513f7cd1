import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ACCOUNTS, accountsOf, FLIP, withAccounts } from '../faults/accounts.ts';
import type { Child } from '../run/child.ts';
import type { World } from '../run/world.ts';
import { endsOf, logOf, overlapsIn, SERVED, SERVED_NAMES, until } from './served.ts';

const children: Child[] = [];

/** A daemon that does not outlive its test, whatever that comes to. */
function started(world: World, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  const child = world.start(args, env);
  children.push(child);
  return child;
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const options = { files: SERVED, table: ACCOUNTS.table };

test('several mappings, one of them slow, and a source that changes all the while: no overlap, nobody starved, all facts right', async () => {
  await withAccounts(async (world, accounts) => {
    const daemon = started(world, ['serve', '--json']);
    await until(daemon, 'a first run of each', (lines) =>
      ['account', 'twin', 'slow', 'right'].every((name) => endsOf(lines, name).length > 0),
    );
    for (let n = 0; n < 8; n++) {
      await accounts.touch(FLIP, `number % 8 = ${n}`);
      await delay(1_000);
    }
    daemon.kill('SIGTERM');
    const askedAt = Date.now();
    const { code, stdout, stderr } = await daemon.ended;
    expect(code, stderr).toBe(143);
    expect(Date.now() - askedAt).toBeLessThan(15_000);
    const lines = logOf({ stderr });
    expect(overlapsIn(lines)).toEqual([]);
    // Longer than its period: it runs again as soon as it has ended, and the others do not wait for it.
    expect(endsOf(lines, 'slow').length).toBeGreaterThanOrEqual(2);
    for (const name of ['account', 'twin', 'right']) expect(endsOf(lines, name).length, name).toBeGreaterThan(endsOf(lines, 'slow').length);
    expect(lines.filter(({ mapping }) => mapping === 'called')).toEqual([]);
    expect(lines.filter(({ msg }) => msg === 'run failed')).toEqual([]);
    const body = JSON.parse(stdout) as { ok: boolean; exitCode: number; runs: { done: number; failed: number }; left: string[] };
    expect(body).toMatchObject({ ok: false, exitCode: 143, left: [], runs: { failed: 0, unreachable: 0, owned: 0 } });

    const expected = await accounts.expected();
    for (const name of SERVED_NAMES) {
      await world.run(name);
      await world.expectFacts(name, expected);
    }
  }, options);
});

test('governance goes first, and what was missed while nobody served is run at the start', async () => {
  const files = { ...SERVED, project: 'serve: { concurrency: 1, listen: "127.0.0.1:0" }\n' };
  await withAccounts(
    async (world) => {
      const daemon = started(world, ['serve']);
      await until(daemon, 'a run of each', (lines) => ['account', 'twin', 'slow', 'right'].every((name) => endsOf(lines, name).length > 0));
      daemon.kill('SIGTERM');
      const { stderr } = await daemon.ended;
      expect(overlapsIn(logOf({ stderr }))).toEqual([]);
      // Of one run at a time: whoever waits gets its turn, however often the others are due.
      const starts = logOf({ stderr }).filter(({ msg }) => msg === 'run starts');
      expect(starts.slice(0, 8).map(({ mapping }) => mapping)).toContain('slow');
    },
    { ...options, files },
  );
});

test('triggers during a run are one run after it, over HTTP', async () => {
  const files = {
    ...SERVED,
    project: `serve:
  listen: 127.0.0.1:0
  tokens: [{ name: ops, role: operator, token: "\${OPS_TOKEN}" }]
`,
    env: { OPS_TOKEN: 'a-token-of-the-operators' },
    models: { ...SERVED.models, lazy: SERVED.models.lazy?.replace('schedule: 1s', '').replace('full_comparison: "0 3 * * *"', '') ?? '' },
  };
  await withAccounts(
    async (world, accounts) => {
      const daemon = started(world, ['serve']);
      await until(daemon, 'the address', (lines) => lines.some(({ msg }) => msg === 'listening'));
      const { address = '' } = logOf(daemon).find(({ msg }) => msg === 'listening') ?? {};
      const headers = { authorization: 'Bearer a-token-of-the-operators', 'content-type': 'application/json' };
      const trigger = async () => {
        const answer = await fetch(`${address}/v1/mappings/slow/trigger`, { method: 'POST', headers, body: '{"full":true}' });
        expect(answer.status).toBe(202);
        return ((await answer.json()) as { start: string }).start;
      };
      expect(await trigger()).toBe('now');
      await until(daemon, 'its start', (lines) => lines.some(({ mapping, msg }) => mapping === 'slow' && msg === 'run starts'));
      await accounts.touch(FLIP, 'number <= 100');
      for (let n = 0; n < 5; n++) expect(await trigger()).toBe('after the present run');
      await until(daemon, 'the second run', (lines) => endsOf(lines, 'slow').length === 2);
      await delay(1_500);
      const lines = logOf(daemon).filter(({ mapping, msg }) => mapping === 'slow' && msg === 'run starts');
      expect(lines.map(({ cause, full }) => [cause, full])).toEqual([
        ['trigger', true],
        ['trigger', true],
      ]);
      const seen = (await (await fetch(`${address}/v1/mappings/slow`, { headers })).json()) as {
        state: string;
        lastRun: { ending: string };
      };
      expect(seen).toMatchObject({ state: 'idle', schedule: null, lastRun: { ending: 'done', cause: 'trigger' } });
      expect(await (await fetch(`${address}/metrics`)).text()).toContain('headrace_runs_total{mapping="slow",ending="done"} 2');
      await world.expectFacts('slow', await accounts.expected());
      daemon.kill('SIGTERM');
      expect((await daemon.ended).code).toBe(143);
    },
    { ...options, files },
  );
});

describe('a second instance', () => {
  test('two daemons and two single runs at once: one owner at a time, who finds another one stands by or ends with 5', async () => {
    await withAccounts(async (world, accounts) => {
      const elsewhere = await world.elsewhere();
      const daemons = [started(world, ['serve', '--json']), started(elsewhere, ['serve', '--json'])];
      const codes: (number | null)[] = [];
      const once = async (where: typeof world) => {
        for (let n = 0; n < 3; n++) {
          const { code, stderr } = await where.start(['run', 'slow', 'account', '--json']).ended;
          if (code !== 0 && code !== 5) throw new Error(`a single run ended with ${code}: ${stderr}`);
          codes.push(code);
        }
      };
      const [third, fourth] = [await world.elsewhere(), await world.elsewhere()];
      const singles = Promise.all([once(third), once(fourth)]);
      for (let n = 0; n < 6; n++) {
        await accounts.touch(FLIP, `number % 6 = ${n}`);
        await delay(1_000);
      }
      await singles;
      for (const daemon of daemons) daemon.kill('SIGTERM');
      const ended = await Promise.all(daemons.map((daemon) => daemon.ended));
      for (const { code, stderr } of ended) {
        expect(code, stderr).toBe(143);
        expect(logOf({ stderr }).filter(({ msg }) => msg === 'run failed')).toEqual([]);
      }
      const lines = ended.flatMap(({ stderr }) => logOf({ stderr }));
      expect(lines.some(({ msg }) => msg.includes('standing by')) || codes.includes(5)).toBe(true);

      const expected = await accounts.expected();
      for (const name of ['account', 'twin', 'slow', 'right']) {
        await world.run(name);
        await world.expectFacts(name, expected);
      }
    }, options);
  });
});

describe('SIGHUP', () => {
  test('another configuration is taken on; one that is invalid, or that a process cannot take on, is refused with its reason', async () => {
    await withAccounts(async (world) => {
      const daemon = started(world, ['serve']);
      await until(daemon, 'a run', (lines) => endsOf(lines, 'account').length > 0);
      const file = path.join(world.root, 'mappings/called.yml');
      const before = readFileSync(file, 'utf8');

      writeFileSync(file, before.replace('schedule: none', 'schedule: sometimes'));
      daemon.kill('SIGHUP');
      await until(daemon, 'the refusal', (lines) => lines.some(({ msg }) => msg === 'configuration not reloaded: the old one stays'));
      expect(daemon.stderr).toContain('mappings/called.yml');
      const runs = endsOf(logOf(daemon), 'account').length;
      await until(daemon, 'further runs', (lines) => endsOf(lines, 'account').length > runs);

      writeFileSync(file, before);
      const project = path.join(world.root, 'headrace.yml');
      const written = readFileSync(project, 'utf8');
      writeFileSync(project, written.replace('path: .headrace', 'path: .elsewhere'));
      daemon.kill('SIGHUP');
      await daemon.says('These cannot change while it runs: snapshot.path');
      writeFileSync(project, written);

      writeFileSync(file, before.replace('schedule: none', 'schedule: 1s'));
      daemon.kill('SIGHUP');
      await until(daemon, 'a run of what is scheduled now', (lines) => endsOf(lines, 'called').length > 0);
      daemon.kill('SIGTERM');
      expect((await daemon.ended).code).toBe(143);
    }, options);
  });
});

describe('pause', () => {
  test('holds through restarts; what was missed is one run when it is resumed', async () => {
    await withAccounts(async (world, accounts) => {
      expect((await world.start(['pause', 'twin', '--reason', 'the model is wrong']).ended).code).toBe(0);
      for (let start = 0; start < 2; start++) {
        const daemon = started(world, ['serve']);
        await until(daemon, 'two runs of the other', (lines) => endsOf(lines, 'account').length > 1);
        daemon.kill('SIGTERM');
        const { stderr } = await daemon.ended;
        expect(logOf({ stderr }).filter(({ mapping, msg }) => mapping === 'twin' && msg === 'run starts')).toEqual([]);
        expect(stderr).toContain('the model is wrong');
      }
      const daemon = started(world, ['serve']);
      await until(daemon, 'a run of the other', (lines) => endsOf(lines, 'account').length > 0);
      expect((await world.start(['resume', 'twin']).ended).stdout).toContain('twin is resumed');
      await until(daemon, 'a run of what is resumed', (lines) => endsOf(lines, 'twin').length > 0);
      daemon.kill('SIGTERM');
      await daemon.ended;
      await world.expectFacts('twin', await accountsOf(world).expected());
      expect(await accounts.expected()).toBeDefined();
    }, options);
  });
});

describe('signals', () => {
  test('a run that does not end within the grace period is left; a second signal ends at once', async () => {
    const files = { ...SERVED, project: 'serve: { grace: 1s, listen: "127.0.0.1:0" }\n' };
    await withAccounts(
      async (world, accounts) => {
        const frozen = { HEADRACE_TEST_STEPS: '1', HEADRACE_TEST_STEP: 'before_first_send=sleep:20000' };
        const daemon = started(world, ['serve', '--json'], frozen);
        await daemon.says('test step');
        daemon.kill('SIGTERM');
        const askedAt = Date.now();
        const { code, stderr } = await daemon.ended;
        expect(code, stderr).toBe(143);
        expect(Date.now() - askedAt).toBeLessThan(8_000);
        expect(stderr).toContain('did not end within the grace period');

        const patient = (await world.edited({ ...SERVED, project: 'serve: { grace: 1h, listen: "127.0.0.1:0" }\n' })).start(
          ['serve'],
          frozen,
        );
        await patient.says('test step');
        patient.kill('SIGINT');
        await patient.says('a second signal ends at once');
        patient.kill('SIGINT');
        expect((await patient.ended).code).toBe(130);

        const healthy = started(world, ['serve']);
        await until(
          healthy,
          'a run of each',
          (lines) => ['account', 'twin', 'right'].every((name) => endsOf(lines, name).length > 0),
          90_000,
        );
        healthy.kill('SIGTERM');
        await healthy.ended;
        for (const name of ['account', 'twin', 'right']) await world.expectFacts(name, await accounts.expected());
      },
      { ...options, files },
    );
  });
});
