import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ENV, MAPPING, PROJECT, temporaryFolder, writeFiles } from '../config/written-project.ts';
import { headrace } from './in-process.ts';

const CONSENT = MAPPING.replace('mapping: customer', 'mapping: consent')
  .replace('fact: customer.tier', 'fact: customer.consent')
  .replace('class: profile', 'class: governance\ncompatibility: full')
  .replace('customer.tier.v1', 'consent.v1');
const ACTIVE = '  active: { cel: "row.is_active", type: boolean }\n';

let root: string;
const cli = (...args: string[]) => headrace(root, args, ENV);
const json = async (...args: string[]) => JSON.parse((await cli(...args, '--json')).stdout) as { contracts: Record<string, unknown>[] };
const edit = (file: string, from: string, to: string) => {
  const text = readFileSync(path.join(root, file), 'utf8');
  if (!text.includes(from)) throw new Error(`${file} does not hold: ${from}`);
  writeFileSync(path.join(root, file), text.replace(from, to));
};

beforeEach(async () => {
  root = await temporaryFolder();
  await writeFiles(root, { ...PROJECT, 'mappings/consent.yml': CONSENT });
});

describe('contracts freeze', () => {
  test('writes a file for each mapping, once', async () => {
    const first = await cli('contracts', 'freeze');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('customer 1.0 frozen in contracts/customer/1.0.yml');
    const text = readFileSync(path.join(root, 'contracts/customer/1.0.yml'), 'utf8');
    const again = await cli('contracts', 'freeze');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain('is frozen already');
    expect(readFileSync(path.join(root, 'contracts/customer/1.0.yml'), 'utf8')).toBe(text);
    expect(readdirSync(path.join(root, 'contracts/customer'))).toEqual(['1.0.yml']);
  });

  test('the named ones alone; a name that is not there is code 2', async () => {
    expect(await json('contracts', 'freeze', 'consent')).toMatchObject({
      ok: true,
      contracts: [{ mapping: 'consent', version: '1.0', file: 'contracts/consent/1.0.yml', written: true }],
    });
    expect(existsSync(path.join(root, 'contracts/customer'))).toBe(false);
    expect(await cli('contracts', 'freeze', 'consents')).toMatchObject({ code: 2, stderr: expect.stringContaining('`consent`') });
  });

  test('refuses to overwrite another contract of the same version, and says which version comes next; the other mappings go on', async () => {
    await cli('contracts', 'freeze', 'customer');
    const before = readFileSync(path.join(root, 'contracts/customer/1.0.yml'), 'utf8');
    edit('mappings/customer.yml', ACTIVE, `${ACTIVE}  more: { from: more, type: string, optional: true }\n`);
    const { code, stdout, stderr } = await cli('contracts', 'freeze');
    expect({ code }).toEqual({ code: 2 });
    expect(stdout).toContain('consent 1.0 frozen');
    expect(stderr).toContain('CONTRACT_CHANGED');
    expect(stderr).toContain('Write version: "1.1" in mappings/customer.yml');
    expect(readFileSync(path.join(root, 'contracts/customer/1.0.yml'), 'utf8')).toBe(before);
    edit('mappings/customer.yml', '"1.0"', '"1.1"');
    expect(await json('contracts', 'freeze')).toMatchObject({
      contracts: [
        { mapping: 'consent', written: false },
        { mapping: 'customer', version: '1.1', written: true },
      ],
    });
  });

  test('refuses an incompatible contract, unless the major version and the topic are new', async () => {
    await cli('contracts', 'freeze');
    edit('mappings/customer.yml', 'type: boolean', 'type: string');
    edit('mappings/customer.yml', '"1.0"', '"1.1"');
    const refused = await cli('contracts', 'freeze', 'customer');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/`active` was boolean, and is string\. Breaks old readers and new readers \(since 1\.0\)/);
    expect(refused.stderr).toContain('write version: "2.0" and a new topic');
    edit('mappings/customer.yml', '"1.1"', '"2.0"');
    expect((await cli('contracts', 'freeze', 'customer')).stderr).toContain('Name a new topic for major version 2.');
    edit('mappings/customer.yml', 'tier.v1', 'tier.v2');
    expect(await cli('contracts', 'freeze', 'customer')).toMatchObject({ code: 0 });
    expect(readdirSync(path.join(root, 'contracts/customer')).sort()).toEqual(['1.0.yml', '2.0.yml']);
  });

  test('a folder that cannot be written: code 2, and no draft is left', async () => {
    await writeFiles(root, { 'contracts/customer': 'a file where a folder should be' });
    const { code, stderr } = await cli('contracts', 'freeze', 'customer');
    expect(code).toBe(2);
    expect(stderr).toMatch(/CONTRACT_EDITED|cannot be/);
  });
});

describe('contracts check', () => {
  test('gates: 0 while nobody breaks, 2 where somebody does; --frozen also 2 where something is not frozen', async () => {
    expect(await cli('contracts', 'check')).toMatchObject({ code: 0, stdout: expect.stringContaining('not frozen yet') });
    expect(await cli('contracts', 'check', '--frozen')).toMatchObject({ code: 2 });
    await cli('contracts', 'freeze');
    expect(await cli('contracts', 'check', '--frozen')).toMatchObject({ code: 0, stderr: '' });
    edit('mappings/customer.yml', ACTIVE, '');
    expect(await cli('contracts', 'check')).toMatchObject({ code: 0 });
    expect(await cli('contracts', 'check', '--frozen')).toMatchObject({ code: 2 });
    edit('mappings/consent.yml', ACTIVE, '');
    expect(await cli('contracts', 'check')).toMatchObject({ code: 2 });
    expect(await cli('contracts', 'check', 'customer')).toMatchObject({ code: 0 });
  });

  test('says field, change, whom it breaks and what to do instead, as JSON', async () => {
    await cli('contracts', 'freeze');
    edit('mappings/consent.yml', ACTIVE, '  active: { cel: "row.is_active", type: boolean, optional: true }\n');
    const { contracts } = await json('contracts', 'check', 'consent');
    expect(contracts).toEqual([
      {
        mapping: 'consent',
        version: '1.0',
        policy: 'full',
        status: 'incompatible',
        comparedWith: ['1.0'],
        nextVersion: '2.0',
        refused: true,
        frozen: false,
        problems: [],
        registry: null,
        changes: [
          {
            kind: 'field_made_optional',
            at: 'active',
            message: '`active` may be null now.',
            breaks: ['old'],
            since: ['1.0'],
            refused: true,
            caution: null,
            advice: expect.stringContaining('default'),
          },
        ],
      },
    ]);
    expect(JSON.parse((await cli('contracts', 'check', 'consent', '--format', 'json')).stdout)).toMatchObject({ contracts });
  });

  test('as Markdown for a pull request: one table of contracts, one of changes; nothing in it ends a cell', async () => {
    await cli('contracts', 'freeze');
    edit('mappings/consent.yml', 'type: boolean', 'type: string');
    edit('mappings/customer.yml', '{ cel: "row.is_active", type: boolean }', '{ cel: "row.is_active || row.x", type: boolean }');
    const { code, stdout } = await cli('contracts', 'check', '--format', 'markdown');
    expect(code).toBe(2);
    expect(stdout).toContain('❌ 1 of 2 contracts must not go out like this.');
    expect(stdout).toContain(
      '| ❌ | `active` was boolean, and is string. | old readers, new readers | 1.0 | Publish a field of the new type',
    );
    const columns = (line: string) => line.replaceAll('\\|', '').split('|').length;
    for (const table of stdout.split('\n\n').filter((part) => part.startsWith('|'))) {
      const [head = '', ...rows] = table.split('\n');
      for (const row of rows) expect(columns(row)).toBe(columns(head));
    }
    expect(stdout).toContain('row.is_active \\|\\| row.x');
  });

  test('a frozen file that was edited: code 2, file and remedy; validate and check of the others go on', async () => {
    await cli('contracts', 'freeze');
    edit('contracts/customer/1.0.yml', 'type: boolean', 'type: string');
    const { code, stdout } = await cli('contracts', 'check');
    expect(code).toBe(2);
    expect(stdout).toMatch(/customer 1\.0.*edited/);
    expect(stdout).toMatch(/contracts\/customer\/1\.0\.yml:3:1.*git checkout -- contracts\/customer\/1\.0\.yml/);
    expect(stdout).toMatch(/✔ consent 1\.0/);
    expect(await cli('contracts', 'check', 'consent')).toMatchObject({ code: 0 });
    const validated = await cli('validate', '--no-warehouse');
    expect(validated).toMatchObject({ code: 2, stderr: expect.stringContaining('This frozen contract was edited') });
    expect(await cli('contracts', 'freeze', 'customer')).toMatchObject({ code: 2, stderr: expect.stringContaining('CONTRACT_EDITED') });
  });
});

test('validate says what the class of each mapping required and decided', async () => {
  const { code, stdout } = await cli('validate', '--no-warehouse');
  expect(code).toBe(0);
  expect(stdout).toContain('consent class rules (governance):');
  expect(stdout).toContain('– data_subject: customerId – required: a governance fact says whom it is about');
  expect(stdout).toContain('– topic_config.cleanup.policy: compact (default) – compact: state must not end with retention');
  const body = JSON.parse((await cli('validate', '--no-warehouse', '--json')).stdout);
  expect(body.classRules[1]).toMatchObject({
    mapping: 'customer',
    class: 'profile',
    rules: expect.arrayContaining([
      { setting: 'compatibility', value: 'backward', origin: 'default', rule: 'any policy' },
      { setting: 'data_subject', value: 'customerId', origin: 'written', rule: expect.stringMatching(/^required/) },
    ]),
  });
});
