import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { headrace } from './in-process.ts';

const PROJECT = path.resolve(import.meta.dirname, '../config/fixtures/example');
const ENV = { ANALYTICS_URL: 'postgres://reader@warehouse/db', KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092' };

const acl = (...args: string[]) => headrace(PROJECT, ['topics', 'acl', ...args], ENV);

async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await acl(...args);
  expect(code, stderr).toBe(0);
  return stdout;
}

describe('topics acl prints', () => {
  const svc = ['--principal', 'User:headrace'];
  test.each([
    ['table.txt', ['customer-entitlement']],
    ['table-prefixed.txt', ['--prefixed', '--for', 'run']],
    ['commands.sh', ['customer-entitlement', ...svc, '--format', 'commands']],
    ['commands-topics-apply.sh', ['customer-entitlement', ...svc, '--format', 'commands', '--for', 'topics-apply']],
    ['commands-prefixed.sh', ['--prefixed', ...svc, '--format', 'commands']],
    ['commands-quoted.sh', ['consent', '--principal', "User:CN=it's me,O=Example Corp", '--format', 'commands', '--for', 'status']],
    ['consume.json', ['customer-entitlement', '--principal', 'User:crm', '--format', 'json', '--for', 'consume', '--group', 'crm-*']],
  ])('%s', async (file, args) => {
    expect(await printed(...args)).toBe(readFileSync(path.join(import.meta.dirname, '../golden/acl', file), 'utf8'));
  });

  test('the same grants in every form', async () => {
    const all = ['--for', 'run,plan,status,doctor,topics-plan,topics-apply,consume', '--group', 'crm', ...svc];
    const body = JSON.parse(await printed(...all, '--json')) as { ok: boolean; principal: string; grants: unknown[] };
    expect(body).toMatchObject({ ok: true, principal: 'User:headrace' });
    expect(JSON.parse(await printed(...all, '--format', 'json'))).toEqual(body.grants);
    const operations = (await printed(...all, '--format', 'commands')).match(/--operation/g);
    expect(operations).toHaveLength(body.grants.length);
    expect((await printed(...all)).trimEnd().split('\n')).toHaveLength(1 + body.grants.length);
  });

  test('no grant that another one implies, and none on the cluster', async () => {
    const text = await printed(...svc, '--format', 'json', '--for', 'run,plan,doctor,topics-plan,topics-apply');
    const grants = JSON.parse(text) as { resourceType: string; resourceName: string; operation: string }[];
    const has = (name: string, operation: string) => grants.some((g) => g.resourceName === name && g.operation === operation);
    for (const { resourceType, resourceName, operation } of grants) {
      expect(resourceType).not.toBe('CLUSTER');
      if (operation === 'DESCRIBE') expect(has(resourceName, 'READ') || has(resourceName, 'WRITE')).toBe(false);
      if (operation === 'DESCRIBE_CONFIGS') expect(has(resourceName, 'ALTER_CONFIGS')).toBe(false);
    }
  });

  test.each([
    ['a purpose that there is not', ['--for', 'read'], /--for names no purpose `read`.*\n.*run, plan, status/],
    ['no purpose', ['--for', ','], /--for names no purpose/],
    ['commands for nobody', ['--format', 'commands'], /kafka\.sasl has no username.*\n.*--principal User:headrace/],
    ['a principal without a type', ['--principal', 'headrace'], /as User:headrace/],
    ['a consumer without a group', ['--for', 'consume', ...svc], /group's name.*\n.*--group crm/],
    ['an unknown mapping', ['custmer-entitlement'], /Did you mean `customer-entitlement`/],
  ])('%s: nothing, code 2, and what to write', async (_, args, message) => {
    const { code, stdout, stderr } = await acl(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
