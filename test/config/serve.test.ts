// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { describe, expect, test } from 'vitest';
import { isLoopback } from '../../src/config/compile-serve.ts';
import { scheduleOf, schedulesOf, scheduleText } from '../../src/config/schedule.ts';
import { ENV, edited, HEADRACE, loadFiles, MAPPING, MODEL, mustLoad, PROJECT } from './written-project.ts';

async function problemsOf(files: Readonly<Record<string, string>>, env = ENV): Promise<string[]> {
  return (await loadFiles(files, env)).problems.map(({ path, message, suggestion = '' }) => `${path}: ${message} ${suggestion}`);
}

const withServe = (text: string) => ({ ...PROJECT, 'headrace.yml': `${HEADRACE}serve:\n${text}` });
const TLS = '  tls: { cert: "${CERT}", key: "${KEY}" }\n';
const TOKENS = '  tokens: [{ name: ops, role: operator, token: "${TOKEN}" }]\n';
const SECRETS = { ...ENV, CERT: '-----BEGIN CERTIFICATE-----', KEY: '-----BEGIN PRIVATE KEY-----', TOKEN: '0123456789abcdef' };

describe('schedules', () => {
  const written = async (model: string, mapping = '', project = '') => {
    const files = {
      'headrace.yml': `${HEADRACE}${project}`,
      'models/customers.yml': model,
      'mappings/customer.yml': `${MAPPING}${mapping}`,
    };
    const { mappings, models } = mustLoad(await loadFiles(files));
    const [one] = mappings.values();
    const [other] = models.values();
    if (one === undefined || other === undefined) throw new Error('nothing was loaded');
    const schedule = scheduleOf(one, other);
    return { schedule: schedule === undefined ? 'none' : scheduleText(schedule), full: other.fullComparison };
  };

  test('full comparisons start a mapping, too, unless it runs by no schedule', () => {
    const model = { schedule: { everyMs: 1_000 }, fullComparison: { cron: '0 3 * * *', timeZone: 'UTC' } };
    expect(schedulesOf({}, model)).toEqual([model.schedule, model.fullComparison]);
    expect(schedulesOf({ schedule: 'none' }, model)).toEqual([]);
    expect(schedulesOf({}, {})).toEqual([]);
  });

  test.each([
    ['', '', '', '*/5 * * * * UTC'],
    ['', '', 'timezone: Europe/Berlin\n', '*/5 * * * * Europe/Berlin'],
    ['timezone: Asia/Kathmandu\n', '', 'timezone: Europe/Berlin\n', '*/5 * * * * Asia/Kathmandu'],
    ['timezone: Asia/Kathmandu\n', 'schedule: 1 2 * * MON\n', '', '1 2 * * MON Asia/Kathmandu'],
    ['', 'schedule: 1 2 * * MON\ntimezone: America/New_York\n', '', '1 2 * * MON America/New_York'],
    ['', 'schedule: 30s\n', '', 'every 30s'],
    ['', 'schedule: 90m\n', '', 'every 90m'],
    ['', 'schedule: none\n', '', 'none'],
  ])('model %j, mapping %j, project %j: %s', async (model, mapping, project, expected) => {
    expect((await written(MODEL + model, mapping, project)).schedule).toBe(expected);
  });

  test('a full comparison is of the model’s time zone', async () => {
    expect((await written(`${MODEL}timezone: Europe/Berlin\n`)).full).toEqual({ cron: '0 3 * * *', timeZone: 'Europe/Berlin' });
  });

  test.each([
    ['schedule: "*/5 * * * *"', 'schedule: "*/5 * * *"', /schedule: .*4 fields, not 5.*Or how often/],
    ['schedule: "*/5 * * * *"', 'schedule: 100ms', /schedule: .*not between 1s and 1d/],
    ['schedule: "*/5 * * * *"', 'schedule: none', /schedule: .*not a cron expression/],
    ['full_comparison: "0 3 * * *"', 'full_comparison: 30s', /full_comparison: .*not a cron expression/],
    ['schedule:', 'timezone: Europe/Berln\nschedule:', /timezone: .*not a time zone.*`Europe\/Berlin`/],
    ['schedule:', 'timezone: "+02:00"\nschedule:', /timezone: .*not a time zone/],
  ])('%s → %s is refused', async (from, to, expected) => {
    expect((await problemsOf(edited('models/customers.yml', [from, to]))).join('\n')).toMatch(expected);
  });
});

describe('serve', () => {
  test('has defaults that listen on this machine alone', async () => {
    const { serve } = mustLoad(await loadFiles(PROJECT));
    expect(serve).toEqual({
      alerts: { failures: 2, staleAfterMs: 3_600_000 },
      concurrency: 8,
      jitterMs: 0,
      graceMs: 25_000,
      retry: { attempts: 5, firstMs: 5_000, longestMs: 300_000 },
      http: { listen: { host: '127.0.0.1', port: 7420 }, probes: undefined, tls: undefined, tokens: [], rateLimit: 120 },
    });
  });

  test('an address that others reach needs TLS and tokens, a port alone is of this machine', async () => {
    expect(await problemsOf(withServe('  listen: 0.0.0.0:7420\n'))).toEqual([expect.stringContaining('needs serve.tls and serve.tokens')]);
    expect(await problemsOf(withServe(`  listen: 0.0.0.0:7420\n${TOKENS}`), SECRETS)).toEqual([
      expect.stringContaining('needs serve.tls.'),
    ]);
    expect(await problemsOf(withServe(`  listen: 0.0.0.0:7420\n${TLS}`), SECRETS)).toEqual([
      expect.stringContaining('needs serve.tokens.'),
    ]);
    expect(await problemsOf(withServe(`  listen: "[::]:7420"\n${TLS}${TOKENS}`), SECRETS)).toEqual([]);
    expect(mustLoad(await loadFiles(withServe('  listen: 80\n'))).serve.http.listen).toEqual({ host: '127.0.0.1', port: 80 });
    expect(mustLoad(await loadFiles(withServe('  probes: 0.0.0.0:9464\n'))).serve.http.probes).toEqual({ host: '0.0.0.0', port: 9464 });
  });

  test.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.evil.example', false],
    ['localhost.evil.example', false],
  ])('%s is of this machine alone: %s', (host, expected) => {
    expect(isLoopback({ host, port: 1 })).toBe(expected);
  });

  test.each([
    [
      '  tokens: [{ name: ops, role: operator, token: literal-secret-text }]\n',
      /serve\.tokens\[0\]\.token: .*secret that is written literally/,
    ],
    ['  tokens: [{ name: ops, role: admin, token: "${TOKEN}" }]\n', /serve\.tokens\[0\]\.role/],
    ['  tokens: [{ name: ops, role: viewer, token: "${SHORT}" }]\n', /fewer than 16 characters/],
    ['  tokens: [{ name: a, role: viewer, token: "${TOKEN}" }, { name: b, role: viewer, token: "${TOKEN}" }]\n', /same token/],
    ['  tls: { cert: "${CERT}", key: "-----BEGIN PRIVATE KEY-----" }\n', /serve\.tls\.key: .*secret/],
    ['  listen: nowhere\n', /serve\.listen: .*not an address/],
    ['  concurrency: 0\n', /serve\.concurrency/],
  ])('%s is refused', async (text, expected) => {
    const found = (await problemsOf(withServe(text), { ...SECRETS, SHORT: 'abc' })).join('\n');
    expect(found).toMatch(expected);
    expect(found).not.toContain('0123456789abcdef');
  });
});
