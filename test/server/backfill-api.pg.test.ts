import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { composeSystem } from '../../src/compose.ts';
import type { ToldBackfill } from '../../src/run/backfill/order.ts';
import { Daemon } from '../../src/server/daemon.ts';
import { type HttpServer, openApiServer } from '../../src/server/http.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { observers } from '../../src/server/observer.ts';
import { headrace } from '../cli/in-process.ts';
import { ACCOUNTS, type Accounts, accountsOf, FLIP } from '../faults/accounts.ts';
import { World } from '../run/world.ts';
import { API_SERVE, call, TOKEN_ENV, TOKENS } from './test-api.ts';

let world: World;
let accounts: Accounts;
let running: { readonly daemon: Daemon; readonly api: HttpServer; stop(): Promise<void> };
/** What the daemon did, in its order. */
let did: string[];
let slices: ToldBackfill[];

async function serve(): Promise<typeof running> {
  const end = new AbortController();
  const metrics = new Metrics('test');
  const observer = observers([
    metrics,
    {
      started: () => did.push('run'),
      sliced: (_, state) => {
        did.push('slice');
        slices.push(state);
      },
    },
  ]);
  const daemon = new Daemon({
    project: world.project,
    compose: async (of) => composeSystem(of),
    signal: end.signal,
    observer,
    reach: () => undefined,
  });
  const onBug = (error: unknown): never => {
    throw error;
  };
  const api = await openApiServer({ daemon, metrics, version: 'test', onChange: () => undefined, onBug }, world.project.serve.http);
  const runs = daemon.run();
  return {
    daemon,
    api,
    stop: async () => {
      end.abort();
      await runs;
      await api[Symbol.asyncDispose]();
    },
  };
}

beforeEach(async () => {
  world = await World.create(ACCOUNTS.table, { ...ACCOUNTS.files, project: API_SERVE, env: TOKEN_ENV as Record<string, string> });
  accounts = accountsOf(world);
  await world.run('account');
  [did, slices] = [[], []];
  running = await serve();
});
afterEach(async () => {
  await running?.stop();
  await world?.close();
});

const say = (...argv: string[]) =>
  headrace(world.root, [...argv, '--server', running.api.address, '--json'], { ...world.env, HEADRACE_API_TOKEN: TOKENS.operator });
const handed = async () => (await call(running.api, 'GET', '/v1/mappings/account/backfill', { role: 'viewer' })).body;
/** Of the backfill, as /metrics tells it. */
const rowsLeft = async () =>
  /^headrace_backfill_remaining_rows\{mapping="account"\} (\d+)$/m.exec(await (await fetch(`${running.api.address}/metrics`)).text())?.[1];
/** Not over the API, which has a limit of requests. */
const isTrue = async (what: string, isSo: () => boolean) => {
  for (let waited = 0; waited < 60_000; waited += 20) {
    if (isSo()) return;
    await delay(20);
  }
  throw new Error(`it did not come to: ${what}; ${JSON.stringify(await handed())}`);
};

test('handed to the daemon it goes on in slices behind whatever is due, through a pause and a restart, and ends with nothing twice', async () => {
  expect(await handed()).toMatchObject({ mapping: 'account', state: null });
  const order = ['backfill', 'account', '--all', '--force', '--slice', '40', '--pause', '50ms'];
  const taken = await say(...order);
  expect(taken, taken.stderr).toMatchObject({ code: 0 });
  expect(JSON.parse(taken.stdout)).toMatchObject({ mapping: 'account', what: 'all rows, unchanged facts too', by: 'the operator' });
  const folder = path.join(world.project.snapshot.path, world.project.name, '_backfills');
  expect(readdirSync(folder)).toEqual(['account.json']);
  await isTrue('two slices', () => slices.length >= 2);

  // Another one is refused, by the daemon and by the command without it.
  const other = await say('backfill', 'account', '--all');
  expect(other).toMatchObject({ code: 4, stderr: expect.stringContaining('BACKFILL_UNFINISHED') });

  // A live change is published by the run that is asked for, which begins before another slice does.
  await accounts.touch(FLIP, "id in ('a7', 'a99')");
  did = [];
  running.daemon.trigger('account', { full: false });
  await isTrue('the run', () => running.daemon.runs.last('account')?.ending === 'done');
  expect(did.indexOf('run')).toBeLessThanOrEqual(1);
  expect(running.daemon.runs.last('account')?.result?.published).toBe(2);

  running.daemon.pause('account', 'erin', null);
  await delay(200);
  const before = slices.length;
  await delay(1_000);
  expect(slices.length).toBeLessThanOrEqual(before + 1);
  await running.stop();
  running = await serve();
  running.daemon.resume('account');
  await isTrue('its end', () => running.daemon.backfills.of('account')?.state === 'done');
  expect(slices.at(-1)).toMatchObject({ end: 'done', counts: { rows: 200, repeated: expect.any(Number) } });
  expect(new Set(slices.map(({ id }) => id)).size).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
  const { history, records } = await world.expectFacts('account', await accounts.expected());
  expect([...history].filter(([id, versions]) => versions.length !== 2 && id !== 'a7' && id !== 'a99')).toEqual([]);
  expect(records).toBeLessThanOrEqual(402);
});

test('what cannot go on says why; it is cancelled, begun or not', async () => {
  expect(await say('backfill', 'account', '--where', 'nope = 1')).toMatchObject({ code: 0 });
  await isTrue('a failure', () => running.daemon.backfills.of('account')?.state === 'failed');
  expect(await handed()).toMatchObject({ error: { code: 'QUERY_INVALID', message: expect.stringContaining('nope') } });
  // It never began: another one may.
  expect(await say('backfill', 'account', '--all', '--slice', '150', '--pause', '1h')).toMatchObject({ code: 0 });
  await isTrue('a slice', () => running.daemon.backfills.of('account')?.progress != null);
  expect(await rowsLeft()).toBe('50');
  const cancelled = await say('backfill', 'cancel', 'account', '--reason', 'a mistake');
  expect(JSON.parse(cancelled.stdout)).toMatchObject({
    exitCode: 0,
    backfill: { end: 'cancelled', what: 'all rows', counts: { rows: 150 } },
  });
  expect(await handed()).toMatchObject({ state: 'cancelled', progress: { slices: 1 } });
  expect(await rowsLeft()).toBeUndefined();
  running.daemon.pause('account', 'erin', null);
  expect(await say('backfill', 'account', '--all', '--id', 'later')).toMatchObject({ code: 0 });
  expect(await say('backfill', 'cancel', 'account')).toMatchObject({ code: 0 });
  expect(await handed()).toMatchObject({ state: 'cancelled', progress: null });
  expect(await say('backfill', 'cancel', 'account')).toMatchObject({ code: 2 });
  expect(await say('backfill', 'nobody', '--all')).toMatchObject({ code: 2, stderr: expect.stringContaining('nobody') });
  const stranger = await headrace(world.root, ['backfill', 'account', '--all', '--server', running.api.address], {
    ...world.env,
    HEADRACE_API_TOKEN: TOKENS.viewer,
  });
  expect(stranger).toMatchObject({ code: 1, stderr: expect.stringContaining('SERVER_REFUSED') });
  expect((await world.fold('account')).records).toBe(200);
});
