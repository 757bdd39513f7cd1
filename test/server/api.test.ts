import { setTimeout as delay } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pausesOf } from '../../src/ops/pauses.ts';
import { foreignSite, holderOf } from '../../src/server/access.ts';
import { TestApi, TOKENS } from './test-api.ts';

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start();
});

afterEach(() => api.close());

const TRIGGER = '/v1/mappings/customer/trigger';
const RETRY = '/v1/mappings/customer/quarantine/retry';
const PAUSE = '/v1/mappings/customer/pause';

function expectNothingChanged(): void {
  expect(api.asked).toEqual([]);
  expect(api.daemon.runs.list(undefined, 10)).toEqual([]);
  expect(api.daemon.turnOf('customer')).toMatchObject({ due: undefined, running: undefined });
  expect([...pausesOf(api.project)]).toEqual([]);
}

describe('a request that is refused changes nothing', () => {
  const operator = { role: 'operator' } as const;
  test.each([
    ['without a token', 'POST', TRIGGER, {}, 401],
    ['with an unknown token', 'POST', TRIGGER, { headers: { authorization: 'Bearer operator-0123456789abcdeX' } }, 401],
    ['with half a token', 'POST', TRIGGER, { headers: { authorization: 'Bearer operator-0123456789abcde' } }, 401],
    ['with another scheme', 'POST', TRIGGER, { headers: { authorization: `Basic ${TOKENS.operator}` } }, 401],
    ['with an empty token', 'POST', TRIGGER, { headers: { authorization: 'Bearer ' } }, 401],
    ['reading without a token', 'GET', '/v1/mappings', {}, 401],
    ['the document without a token', 'GET', '/v1/openapi.json', {}, 401],
    ['of a viewer', 'POST', TRIGGER, { role: 'viewer' }, 403],
    ['of an approver', 'POST', PAUSE, { role: 'approver' }, 403],
    ['too large', 'POST', PAUSE, { ...operator, body: JSON.stringify({ reason: 'x'.repeat(20_000) }) }, 413],
    ['too large, without a token', 'POST', PAUSE, { body: JSON.stringify({ reason: 'x'.repeat(20_000) }) }, 401],
    ['no JSON', 'POST', TRIGGER, { ...operator, body: '{"full":' }, 400],
    ['an array', 'POST', TRIGGER, { ...operator, body: '[]' }, 400],
    ['null', 'POST', TRIGGER, { ...operator, body: 'null' }, 400],
    ['an unknown key', 'POST', TRIGGER, { ...operator, body: '{"ful":true}' }, 400],
    ['a wrong type', 'POST', TRIGGER, { ...operator, body: '{"full":"yes"}' }, 400],
    ['__proto__', 'POST', TRIGGER, { ...operator, body: '{"__proto__":{"full":true}}' }, 400],
    ['a control character', 'POST', PAUSE, { ...operator, body: '{"reason":"a\\u0000b"}' }, 400],
    [
      'a form, as another site sends it',
      'POST',
      TRIGGER,
      { ...operator, body: 'full=true', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
    ],
    ['a text, as another site sends it', 'POST', TRIGGER, { ...operator, body: '{}', headers: { 'content-type': 'text/plain' } }, 415],
    ['of another origin', 'POST', TRIGGER, { ...operator, headers: { origin: 'https://evil.example' } }, 403],
    ['of no origin that can be told', 'POST', TRIGGER, { ...operator, headers: { origin: 'null' } }, 403],
    ['of another site', 'POST', TRIGGER, { ...operator, headers: { 'sec-fetch-site': 'cross-site' } }, 403],
    ['of a name that was made to point here', 'POST', TRIGGER, { ...operator, headers: { host: 'evil.example' } }, 403],
    ['reading from another site', 'GET', '/v1/mappings', { role: 'viewer', headers: { 'sec-fetch-site': 'same-site' } }, 403],
    ['a viewer repairs quarantine', 'POST', RETRY, { role: 'viewer', body: '{"all":true}' }, 403],
    ['an approver repairs quarantine', 'POST', '/v1/mappings/customer/quarantine/discard', { role: 'approver', body: '{"all":true}' }, 403],
    ['a repair of no rows', 'POST', RETRY, { ...operator, body: '{}' }, 400],
    ['a repair of not all', 'POST', RETRY, { ...operator, body: '{"all":false}' }, 400],
    ['a repair of rows that are no hashes', 'POST', RETRY, { ...operator, body: '{"rows":["customer 7"]}' }, 400],
    ['a repair of an unknown mapping', 'POST', '/v1/mappings/custmer/quarantine/retry', { ...operator, body: '{"all":true}' }, 404],
    ['quarantine without a token', 'GET', '/v1/mappings/customer/quarantine', {}, 401],
    ['rows of an unknown mapping', 'GET', '/v1/mappings/custmer/quarantine/rows', operator, 404],
    ['rows by half a hash', 'GET', '/v1/mappings/customer/quarantine/rows?row=3f', operator, 400],
    ['the status of an unknown mapping', 'GET', '/v1/mappings/custmer/status', operator, 404],
    ['the status with a flag that is none', 'GET', '/v1/mappings/customer/status?rows=yes', operator, 400],
    ['the status without a token', 'GET', '/v1/mappings/customer/status', {}, 401],
    ['the status while Kafka is away', 'GET', '/v1/mappings/customer/status', operator, 503],
    ['quarantine while Kafka is away', 'GET', '/v1/mappings/customer/quarantine', operator, 503],
    ['a repair while Kafka is away', 'POST', RETRY, { ...operator, body: '{"all":true}' }, 503],
    ['an unknown mapping', 'POST', '/v1/mappings/custmer/trigger', operator, 404],
    ['no name of a mapping', 'POST', '/v1/mappings/..%2F..%2Fx/trigger', operator, 400],
    ['an unknown path', 'POST', '/v1/mappings/customer/explode', operator, 404],
    ['another method', 'DELETE', '/v1/mappings/customer', operator, 404],
    ['a limit out of range', 'GET', '/v1/runs?limit=100000', { role: 'viewer' }, 400],
    ['an unknown key of the query', 'GET', '/v1/runs?since=1', { role: 'viewer' }, 400],
  ] as const)('%s', async (_, method, url, options, status) => {
    const answer = await api.call(method, url, options);
    expect(answer.status, answer.text).toBe(status);
    expect(answer.body.error?.message).toMatch(/./);
    expect(answer.text).not.toContain('0123456789abcdef');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    if (status === 401) expect(answer.headers['www-authenticate']).toBe('Bearer');
    expectNothingChanged();
  });

  test('a preflight of another site gets no leave', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const answer = await api.call('OPTIONS', TRIGGER, { headers });
    expect(answer.status).toBe(403);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('too many of them', async () => {
    const statuses = new Set<number>();
    for (let n = 0; n < 320; n++) statuses.add((await api.call('GET', '/v1/mappings', { role: 'viewer' })).status);
    expect([...statuses]).toEqual([200, 429]);
    expect((await api.call('GET', '/healthz')).status).toBe(200);
    expect((await api.call('POST', TRIGGER, operator)).status).toBe(429);
    expectNothingChanged();
  });
});

describe('what is asked for is done', () => {
  test('a trigger runs the mapping, and the run is told', async () => {
    const answer = await api.call('POST', TRIGGER, { role: 'operator', body: '{"full":true}' });
    expect(answer).toMatchObject({ status: 202, body: { mapping: 'customer', start: 'now' } });
    expect(api.asked).toEqual(['the operator triggerMapping customer']);
    while (api.daemon.runs.last('customer') === undefined) await delay(5);
    const { body } = await api.call('GET', '/v1/runs?mapping=customer', { role: 'viewer' });
    expect(body.runs).toMatchObject([
      { mapping: 'customer', cause: 'trigger', ending: 'unreachable', error: { code: 'KAFKA_UNREACHABLE' } },
    ]);
    const one = await api.call('GET', '/v1/mappings/customer', { role: 'approver' });
    expect(one.body).toMatchObject({ class: 'profile', state: 'idle', lastRun: { ending: 'unreachable' }, lastSuccess: null });
  });

  test('a paused mapping is not triggered; after it was resumed it is', async () => {
    const paused = await api.call('POST', PAUSE, { role: 'operator', body: '{"reason":"wrong since Monday"}' });
    expect(paused).toMatchObject({ status: 200, body: { pause: { by: 'the operator', reason: 'wrong since Monday' } } });
    expect([...pausesOf(api.project).keys()]).toEqual(['customer']);
    expect((await api.call('GET', '/v1/mappings', { role: 'viewer' })).body.mappings).toMatchObject([{ state: 'paused' }]);
    expect(await api.call('POST', TRIGGER, { role: 'operator' })).toMatchObject({ status: 409, body: { error: { message: /paused/ } } });
    expect(api.daemon.runs.last('customer')).toBeUndefined();
    expect(await api.call('POST', '/v1/mappings/customer/resume', { role: 'operator' })).toMatchObject({
      status: 200,
      body: { wasPaused: true },
    });
    expect(await api.call('POST', '/v1/mappings/customer/resume', { role: 'operator' })).toMatchObject({
      status: 200,
      body: { wasPaused: false },
    });
    expect((await api.call('POST', TRIGGER, { role: 'operator' })).status).toBe(202);
  });

  test('at the end nothing starts any more, and nobody sends more requests', async () => {
    expect((await api.call('GET', '/readyz')).body).toEqual({ status: 'ready' });
    api.drain();
    expect(await api.call('GET', '/readyz')).toMatchObject({ status: 503, body: { status: 'draining' } });
    expect((await api.call('GET', '/healthz')).status).toBe(200);
    expect((await api.call('POST', TRIGGER, { role: 'operator' })).status).toBe(503);
  });
});

describe('metrics', () => {
  test('have names, types and labels by the conventions, and count runs', async () => {
    await api.call('POST', TRIGGER, { role: 'operator' });
    while (api.daemon.runs.last('customer') === undefined) await delay(5);
    const { text, headers, status } = await api.probe('GET', '/metrics', {});
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(text).toContain('headrace_runs_total{mapping="customer",ending="unreachable"} 1');
    expect(text).toContain('headrace_run_errors_total{mapping="customer",code="KAFKA_UNREACHABLE"} 1');
    expect(text).toContain('headrace_build_info{version="1.2.3"} 1');
    expect(text).toContain('headrace_paused{mapping="customer"} 0');
    for (const [, name, type] of text.matchAll(/^# TYPE (headrace_\w+) (\w+)$/gm)) {
      if (type === 'counter') expect(name).toMatch(/_total$/);
      else expect(name).not.toMatch(/_total$/);
      expect(text).toMatch(new RegExp(`^# HELP ${name} .+\\.$`, 'm'));
    }
    const labels = new Set(
      [...text.matchAll(/^headrace_\w+\{(.*)\}/gm)].flatMap(([, all = '']) => [...all.matchAll(/(\w+)="/g)].map(([, label]) => label)),
    );
    expect([...labels].sort()).toEqual(['code', 'ending', 'guard', 'le', 'mapping', 'outcome', 'state', 'step', 'version']);
  });

  test('the address of the probes has nothing else', async () => {
    expect((await api.probe('GET', '/healthz', {})).status).toBe(200);
    for (const url of ['/v1/mappings', '/v1/openapi.json', '/'])
      expect((await api.probe('GET', url, { role: 'operator' })).status).toBe(404);
    expect((await api.probe('POST', TRIGGER, { role: 'operator' })).status).toBe(404);
    expectNothingChanged();
  });
});

describe('the OpenAPI document', () => {
  test('describes what is answered', async () => {
    await api.call('POST', TRIGGER, { role: 'operator' });
    const { body } = await api.call('GET', '/v1/openapi.json', { role: 'viewer' });
    const document = body as unknown as {
      paths: Record<
        string,
        Record<string, { operationId: string; responses: Record<string, { content: Record<string, { schema: object }> }> }>
      >;
      components: { schemas: { Error: object } };
    };
    const operations = Object.values(document.paths).flatMap((each) => Object.values(each));
    expect(operations.map(({ operationId }) => operationId)).toEqual([
      'listMappings',
      'getMapping',
      'getStatus',
      'listRuns',
      'triggerMapping',
      'pauseMapping',
      'resumeMapping',
      'getBackfill',
      'beginBackfill',
      'cancelBackfill',
      'getQuarantine',
      'listRefusedRows',
      'retryRefusedRows',
      'discardRefusedRows',
      'listPlans',
      'handInPlan',
      'listUsedPlans',
      'getPlan',
      'approvePlan',
    ]);
    const ajv = new Ajv2020({ strict: false });
    (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
    const check = (schema: object | undefined, value: unknown) => {
      const validate = ajv.compile(schema ?? {});
      validate(value);
      expect(validate.errors).toBeNull();
    };
    const of = (url: string, method: string, status: string) =>
      document.paths[url]?.[method]?.responses[status]?.content['application/json']?.schema;
    check(of('/v1/mappings', 'get', '200'), (await api.call('GET', '/v1/mappings', { role: 'viewer' })).body);
    check(of('/v1/runs', 'get', '200'), (await api.call('GET', '/v1/runs', { role: 'viewer' })).body);
    check(of('/v1/mappings/{mapping}/pause', 'post', '200'), (await api.call('POST', PAUSE, { role: 'operator', body: '{}' })).body);
    check(document.components.schemas.Error, (await api.call('POST', TRIGGER, { role: 'operator' })).body);
    check(document.components.schemas.Error, (await api.call('GET', '/v1/mappings')).body);
  });
});

describe('access', () => {
  const tokens = [
    { name: 'a', role: 'viewer', token: TOKENS.viewer },
    { name: 'b', role: 'operator', token: TOKENS.operator },
  ] as const;

  test.each([
    [`Bearer ${TOKENS.viewer}`, 'a'],
    [`bearer  ${TOKENS.operator} `, 'b'],
    [`Bearer ${TOKENS.viewer} ${TOKENS.operator}`, undefined],
    ['Bearer', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s is the token of %s', (header, name) => {
    expect(holderOf(header, tokens)?.name).toBe(name);
    expect(holderOf(header, [])).toBeUndefined();
  });

  test.each([
    [{ host: '127.0.0.1:7420', origin: undefined, site: undefined }, false],
    [{ host: 'localhost:7420', origin: 'http://localhost:7420', site: 'same-origin' }, false],
    [{ host: '[::1]:7420', origin: undefined, site: 'none' }, false],
    [{ host: 'localhost.evil.example', origin: undefined, site: undefined }, true],
    [{ host: '127.0.0.1.evil.example', origin: undefined, site: undefined }, true],
    [{ host: 'localhost:7420', origin: 'https://localhost:7420', site: undefined }, true],
    [{ host: undefined, origin: undefined, site: undefined }, true],
  ])('%j is of another site: %s', (request, expected) => {
    expect(foreignSite(request, { isLoopback: true, scheme: 'http' }) !== undefined).toBe(expected);
  });

  test('a listener that others reach takes any name, and no other origin', () => {
    const listener = { isLoopback: false, scheme: 'https' };
    expect(foreignSite({ host: 'headrace.internal', origin: undefined, site: undefined }, listener)).toBeUndefined();
    expect(foreignSite({ host: 'headrace.internal', origin: 'https://other.internal', site: undefined }, listener)).toBeDefined();
  });
});
