import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProject } from '../../src/config/load-project.ts';
import type { KafkaConfig, Project } from '../../src/config/project.ts';
import { checkLogins } from '../../src/ops/doctor-login.ts';
import { kafkaConfig } from '../conformance/publisher.ts';

const DAY_MS = 86_400_000;
/** CN=headrace, valid from 2026-01-01 for 40 days. Its key is nowhere. */
const pem = `
-----BEGIN CERTIFICATE-----
MIIBPjCB5KADAgECAgkA/IqpM+j4tLMwCgYIKoZIzj0EAwIwEzERMA8GA1UEAxMI
aGVhZHJhY2UwHhcNMjYwMTAxMDAwMDAwWhcNMjYwMjEwMDAwMDAwWjATMREwDwYD
VQQDEwhoZWFkcmFjZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEzWYZJQFHDF
LK0/0r5Mbj04GWOPbLZwSfuQflbiXIFNYmX44aBVLFjG1MZOW1zDPg2xEtkt/TI2
D0iWIiJ1UfCjITAfMB0GA1UdDgQWBBQSoo6IcGag3xCscRJe1DA33NxESDAKBggq
hkjOPQQDAgNJADBGAiEAsvXHlHozqTj4XOu9U1YCfmPraxrmy6ICET351pSS5fsC
IQDyWhzz7ePdjyPTM04C7dSj4VFz6kjuIN0XskQzFklwCg==
-----END CERTIFICATE-----
`;
const made = Date.parse('2026-01-01T12:00:00Z');
const example = path.resolve(import.meta.dirname, '../config/fixtures/example');
const project = (await loadProject(example, { ANALYTICS_URL: 'postgres://u@h/d', KAFKA_BROKERS: 'k:9092' })).project as Project;

function findings(changes: Partial<KafkaConfig>, afterDays = 0) {
  return checkLogins({ ...project, kafka: kafkaConfig('k:9092', changes) }, made + afterDays * DAY_MS);
}

describe('certificates of the files', () => {
  test('that last: nothing', () => expect(findings({ tls: { cert: pem, ca: pem } }, 9)).toEqual([]));

  test('that end within 30 days: worth knowing, with the day', () => {
    const found = findings({ tls: { cert: pem } }, 11);
    expect(found).toMatchObject([{ check: 'login', subject: 'kafka', status: 'suspicious', remedy: expect.stringContaining('Renew it') }]);
    expect(found[0]?.message).toMatch(/^tls\.cert \(CN=headrace\) ends on 2026-02-10, in 2[89] days$/);
  });

  test('that have expired: a run would fail with the own one; of the authorities another may vouch', () => {
    const found = findings({ tls: { cert: pem, ca: `${pem}\n${pem}` } }, 41);
    expect(found).toMatchObject([
      { status: 'failed', message: expect.stringContaining('tls.cert (CN=headrace) has expired'), error: { code: 'KAFKA_UNREACHABLE' } },
      { status: 'suspicious', message: expect.stringContaining('tls.ca (CN=headrace) has expired') },
      { status: 'suspicious' },
    ]);
  });

  test('that are not valid yet: the clock', () => {
    expect(findings({ tls: { cert: pem } }, -3)).toMatchObject([
      { status: 'suspicious', message: expect.stringContaining('valid only from') },
    ]);
  });

  test('also of a warehouse', () => {
    const [[name, warehouse] = []] = [...project.warehouses];
    if (name === undefined || warehouse?.type !== 'postgres') throw new Error('not a PostgreSQL');
    const guarded = { ...project, warehouses: new Map([[name, { ...warehouse, tls: { cert: pem } }]]) };
    expect(checkLogins(guarded, made + 41 * DAY_MS)).toMatchObject([
      { subject: `warehouse ${name}`, status: 'failed', error: { code: 'WAREHOUSE_UNREACHABLE' } },
    ]);
  });
});

describe('what others could read on its way', () => {
  const plain = { sasl: { mechanism: 'plain', username: 'u', password: 'p4ss' } } as const;
  test.each<[string, Partial<KafkaConfig>, RegExp | undefined]>([
    ['a password without TLS', plain, /the password crosses the network as it is/],
    ['a token without TLS', { sasl: { mechanism: 'oauthbearer', token: 't0k' } }, /the token crosses/],
    ['a password within TLS', { ...plain, tls: true }, undefined],
    ['SCRAM, which shows none', { sasl: { ...plain.sasl, mechanism: 'scram-sha-512' } }, undefined],
    ['TLS that trusts anybody', { ...plain, tls: { rejectUnauthorized: false } }, /any certificate is trusted/],
  ])('%s', (_, changes, message) => {
    const found = findings(changes);
    expect(found.map((finding) => finding.message)).toEqual(message === undefined ? [] : [expect.stringMatching(message)]);
    for (const finding of found) expect(finding.status).toBe('suspicious');
    expect(JSON.stringify(found)).not.toMatch(/p4ss|t0k\b/);
  });
});
