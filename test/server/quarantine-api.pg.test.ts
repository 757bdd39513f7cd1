import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { composeSystem } from '../../src/compose.ts';
import { Daemon } from '../../src/server/daemon.ts';
import { type HttpServer, openApiServer } from '../../src/server/http.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { observers } from '../../src/server/observer.ts';
import { ACCOUNTS, accountsOf } from '../faults/accounts.ts';
import { World } from '../run/world.ts';
import { API_SERVE, type CallOptions, call, TOKEN_ENV } from './test-api.ts';

const BAD = "update accounts set plan = 'platinum', updated_at = clock_timestamp() where number in (1, 2, 3)";

let world: World;
let api: HttpServer;
let daemon: Daemon;
let runs: Promise<unknown>;
let end: AbortController;
/** Holds runs up in front of their first send. */
let isHeld = false;

beforeEach(async () => {
  world = await World.create(ACCOUNTS.table, { ...ACCOUNTS.files, project: API_SERVE, env: TOKEN_ENV as Record<string, string> });
  end = new AbortController();
  isHeld = false;
  const reach = async (step: string): Promise<void> => {
    while (step === 'before_first_send' && isHeld) await delay(10);
  };
  const metrics = new Metrics('test');
  const compose = async (...args: Parameters<typeof composeSystem>) => composeSystem(...args);
  daemon = new Daemon({ project: world.project, compose, signal: end.signal, observer: observers([metrics]), reach });
  const onBug = (error: unknown): never => {
    throw error;
  };
  api = await openApiServer({ daemon, metrics, version: 'test', onChange: () => undefined, onBug }, world.project.serve.http);
  runs = daemon.run();
});

afterEach(async () => {
  isHeld = false;
  end?.abort();
  await runs;
  await api?.[Symbol.asyncDispose]();
  await world?.close();
});

const ask = async (method: string, path: string, body?: object) => {
  const options: CallOptions = { role: 'operator', ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return call(api, method, `/v1/mappings/account${path}`, options);
};

async function triggered(): Promise<void> {
  const before = daemon.runs.list('account', 500).length;
  await ask('POST', '/trigger', {});
  while (daemon.runs.list('account', 500).length === before) await delay(20);
  expect(daemon.runs.last('account')).toMatchObject({ ending: 'done' });
}

test('refused rows are shown by cause and by row, retried, and discarded: as the command line has it, between two runs of the daemon', async () => {
  await triggered();
  expect((await ask('GET', '/quarantine')).body).toEqual({ mapping: 'account', rows: 0, causes: [] });
  await world.sql(BAD);
  await triggered();

  await accountsOf(world).touch('number = number', 'number > 195');
  const status = await ask('GET', '/status?rows=true');
  expect(status.body).toMatchObject({
    mapping: 'account',
    quarantined: 3,
    rowsBehind: 5,
    blocked: null,
    paused: null,
    lastSuccess: { kind: 'incremental' },
  });
  await ask('POST', '/pause', { reason: 'mending' });
  expect((await ask('GET', '/status')).body).toMatchObject({ rowsBehind: null, paused: { by: 'the operator', reason: 'mending' } });
  await ask('POST', '/resume');
  const { body } = await ask('GET', '/quarantine');
  expect(body).toMatchObject({ mapping: 'account', rows: 3, causes: [{ cause: { field: 'plan' }, rows: 3, retry: 0, discarded: 0 }] });
  const listed = await ask('GET', '/quarantine/rows?field=plan&limit=2');
  const rows = listed.body.rows as { row: string; firstSeenAt: string }[];
  expect(listed.body.count).toBe(3);
  expect(rows).toHaveLength(2);
  expect(Date.parse(rows[0]?.firstSeenAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
  expect(listed.text).not.toMatch(/platinum|"a[123]"/);
  const one = rows[0]?.row ?? '';
  expect((await ask('GET', `/quarantine/rows?row=${one.slice(0, 8)}`)).body).toMatchObject({ count: 1, rows: [{ row: one }] });
  expect(await ask('GET', '/quarantine/rows?row=00000000')).toMatchObject({ status: 400, body: { error: { code: 'CONFIG_INVALID' } } });

  const discarded = await ask('POST', '/quarantine/discard', { rows: [one.slice(0, 8)], reason: 'a test account' });
  expect(discarded.body).toMatchObject({ action: 'discard', mapping: 'account', selected: 1, entries: 1, published: 0 });
  const retried = await ask('POST', '/quarantine/retry', { field: 'plan' });
  expect(retried.body).toMatchObject({ action: 'retry', selected: 3, entries: 3 });
  expect((await world.ledger('account')).slice(-2)).toMatchObject([
    { kind: 'quarantine discard', repair: { user: 'the operator', reason: 'a test account' } },
    { kind: 'quarantine retry', repair: { user: 'the operator', reason: null } },
  ]);

  await world.sql("update accounts set plan = 'gold' where plan = 'platinum'");
  await triggered();
  expect((await ask('GET', '/quarantine')).body).toMatchObject({ rows: 0 });
  await world.expectFacts('account', await accountsOf(world).expected());
});

test('a repair waits for the run that is under way, and no run starts during it', async () => {
  await triggered();
  await world.sql(BAD);
  await triggered();
  await accountsOf(world).touch("plan = 'silver'", 'number > 100');
  isHeld = true;
  await ask('POST', '/trigger', {});
  while (daemon.turnOf('account')?.running === undefined) await delay(10);
  let isOver = false;
  const repair = ask('POST', '/quarantine/discard', { all: true }).finally(() => {
    isOver = true;
  });
  // Looks do not wait.
  expect((await ask('GET', '/quarantine')).body).toMatchObject({ rows: 3 });
  expect(await ask('POST', '/quarantine/retry', { all: true })).toMatchObject({
    status: 409,
    body: { error: { code: 'OWNED_ELSEWHERE' } },
  });
  expect(isOver).toBe(false);
  isHeld = false;
  await ask('POST', '/trigger', {});
  expect(await repair).toMatchObject({ status: 200, body: { entries: 3 } });
  while (daemon.runs.list('account', 500).length < 4) await delay(20);
  expect(daemon.runs.list('account', 2).map(({ ending }) => ending)).toEqual(['done', 'done']);
  const kinds = (await world.ledger('account')).map(({ kind }) => kind);
  expect(kinds.slice(-3)).toEqual(['incremental', 'quarantine discard', 'incremental']);
});
