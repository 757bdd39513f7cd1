// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../systems/free-port.ts';
import { headrace } from './in-process.ts';

const EXAMPLE = path.resolve(import.meta.dirname, '../config/fixtures/example');
const ENV = { ANALYTICS_URL: 'postgres://user@127.0.0.1:1/db', KAFKA_BROKERS: '127.0.0.1:1' };

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'headrace-cli-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function edit(file: string, change: (text: string) => string): void {
  const before = readFileSync(path.join(root, file), 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(path.join(root, file), after);
}

describe('init', () => {
  test.each(['duckdb', 'postgres', 'bigquery'])('a project for %s loads as it is', async (warehouse) => {
    const { code, stdout } = await headrace(root, ['init', 'shop', '--warehouse', warehouse]);
    expect(code).toBe(0);
    expect(stdout).toContain('headrace.yml');
    expect(stdout).toContain('headrace topics apply');
    const validated = await headrace(path.join(root, 'shop'), ['validate', '--no-warehouse'], {
      WAREHOUSE_URL: ENV.ANALYTICS_URL,
      GOOGLE_CLOUD_PROJECT: 'my-project',
      BIGQUERY_DATASET: 'marts',
      ...ENV,
    });
    expect(validated, validated.stderr).toMatchObject({ code: 0 });
  });

  test('writes over nothing', async () => {
    await headrace(root, ['init']);
    const { code, stderr } = await headrace(root, ['init', '--name', 'other']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/Nothing was written.*headrace\.yml/);
  });

  test('says what it did as JSON', async () => {
    const { stdout } = await headrace(root, ['init', '--name', 'shop', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'init',
      ok: true,
      exitCode: 0,
      folder: root,
      files: expect.arrayContaining(['headrace.yml']),
    });
  });
});

describe('validate', () => {
  beforeEach(() => cpSync(EXAMPLE, root, { recursive: true }));

  test('says what each mapping cannot promise', async () => {
    const { code, stdout } = await headrace(root, ['validate', '--no-warehouse'], ENV);
    expect(code).toBe(0);
    for (const mapping of ['consent', 'customer-entitlement', 'product-event', 'support-priority-command'])
      expect(stdout).toContain(`${mapping} cannot promise:`);
    expect(stdout).toContain('3 models and 4 mappings are valid');
  });

  test('every problem of all files at once, each with its place', async () => {
    edit('mappings/consent.yml', (text) => text.replace('class: governance', 'class: governence'));
    edit('models/consents.yml', (text) => text.replace('warehouse: analytics', 'warehouse: analytic'));
    const { code, stderr } = await headrace(root, ['validate'], ENV);
    expect(code).toBe(2);
    expect(stderr).toMatch(/mappings\/consent\.yml:\d+:\d+ {2}class.*governance/);
    expect(stderr).toMatch(/models\/consents\.yml:\d+:\d+ {2}warehouse.*analytics/);
  });

  test('a password that is written literally', async () => {
    edit('headrace.yml', (text) => text.replace('${ANALYTICS_URL}', 'postgres://user:hunter2@db/x'));
    const { code, stderr, stdout } = await headrace(root, ['validate', '--json'], ENV);
    expect(code).toBe(2);
    expect(stderr).toMatch(/headrace\.yml:\d+:\d+ {2}warehouses\.analytics\.url.*password/);
    expect(stderr + stdout).not.toContain('hunter2');
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'validate',
      ok: false,
      exitCode: 2,
      problems: [{ file: 'headrace.yml', severity: 'error' }],
    });
  });

  test.each(['validate', 'plan', 'run', 'status', 'doctor'])('%s ends with 2 for a broken file, with one line of JSON', async (command) => {
    edit('headrace.yml', (text) => text.replace('project: activation', 'project: Not A Name'));
    const { code, stdout } = await headrace(root, [command, '--json'], ENV);
    expect(code).toBe(2);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ command, ok: false, exitCode: 2 });
  });

  test('a warehouse that does not answer is 3, and its address is named', async () => {
    const { code, stderr } = await headrace(root, ['validate'], {
      ...ENV,
      ANALYTICS_URL: `postgres://user:hunter2@127.0.0.1:${await freePort()}/db`,
    });
    expect(code).toBe(3);
    expect(stderr).toMatch(/127\.0\.0\.1:\d+ cannot be reached/);
    expect(stderr).not.toContain('hunter2');
    expect(stderr.match(/cannot be reached/g)).toHaveLength(1);
  });

  test.each(['project', 'model', 'mapping'])('prints the schema of a %s, in a folder without a project', async (kind) => {
    const { code, stdout } = await headrace('/', ['validate', '--print-schema', kind]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'object', properties: expect.anything() });
  });
});

describe('which project, which mappings', () => {
  beforeEach(() => cpSync(EXAMPLE, root, { recursive: true }));

  test('no project here', async () => {
    expect(await headrace('/', ['run'])).toMatchObject({ code: 2, stderr: expect.stringContaining('headrace init') });
  });

  test('found upwards, unless a folder is named', async () => {
    const inner = path.join(root, 'mappings');
    expect(await headrace(inner, ['validate', '--no-warehouse'], ENV)).toMatchObject({ code: 0 });
    const named = await headrace(root, ['validate', '--no-warehouse', '--project', inner], ENV);
    expect(named).toMatchObject({ code: 2, stderr: expect.stringContaining(`use --project ${root}`) });
  });

  test.each(['run', 'plan', 'status', 'topics plan', 'state show', 'state rebuild', 'state adopt'])(
    '%s: an unknown mapping',
    async (command) => {
      const { code, stderr } = await headrace(root, [...command.split(' '), 'customer-entitlment'], ENV);
      expect(code).toBe(2);
      expect(stderr).toContain('There is no mapping named `customer-entitlment`');
      expect(stderr).toContain('Did you mean `customer-entitlement`?');
    },
  );

  test('an unknown guard', async () => {
    const { code, stderr } = await headrace(root, ['run', '--allow', 'updated,delete'], ENV);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean `deleted`?');
  });
});

describe('what does not answer', () => {
  async function duckdbProject(): Promise<void> {
    await headrace(root, ['init', '--name', 'shop']);
    const instance = await DuckDBInstance.create(path.join(root, 'warehouse.duckdb'));
    const connection = await instance.connect();
    await connection.run(readFileSync(path.join(root, 'warehouse.sql'), 'utf8'));
    connection.closeSync();
    instance.closeSync();
  }

  test('a broker: 3 within 15 s, its address named; the files still fit the warehouse', async () => {
    await duckdbProject();
    const broker = `127.0.0.1:${await freePort()}`;
    expect(await headrace(root, ['validate'], { KAFKA_BROKERS: broker })).toMatchObject({ code: 0 });
    const startedAt = Date.now();
    const { code, stdout, stderr } = await headrace(root, ['run', '--json'], { KAFKA_BROKERS: broker });
    expect(Date.now() - startedAt).toBeLessThan(15_000);
    expect(code).toBe(3);
    expect(stderr).toContain(broker);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      exitCode: 3,
      mappings: [{ error: { code: 'KAFKA_UNREACHABLE', path: broker } }],
    });
  });

  const hasty = () => edit('headrace.yml', (text) => text.replace(/^kafka:\n/m, 'kafka:\n  connect_timeout: 1s\n'));

  test('doctor names what is wrong and what is not', async () => {
    await duckdbProject();
    hasty();
    const { code, stdout } = await headrace(root, ['doctor'], { KAFKA_BROKERS: `127.0.0.1:${await freePort()}` });
    expect(code).toBe(3);
    expect(stdout).toMatch(/^✔ warehouse .*DuckDB/m);
    expect(stdout).toMatch(/^✔ contract /m);
    expect(stdout).toMatch(/^✔ folder /m);
    expect(stdout).toMatch(/^✖ kafka .*\n {4}→ Check kafka\.brokers/m);
  });

  test('doctor says which contracts a run would refuse', async () => {
    await duckdbProject();
    hasty();
    const env = { KAFKA_BROKERS: `127.0.0.1:${await freePort()}` };
    const frozen = /^(.) frozen .*\n(?: {4}→ (.*))?/m;
    expect(frozen.exec((await headrace(root, ['doctor'], env)).stdout)?.slice(1)).toEqual([
      '!',
      expect.stringContaining('contracts freeze'),
    ]);
    const inProduction = await headrace(root, ['doctor', '--json'], { ...env, HEADRACE_ENV: 'prod' });
    expect(inProduction.code).toBe(2);
    const { findings } = JSON.parse(inProduction.stdout) as { findings: { check: string; code: string | null }[] };
    expect(findings.find(({ check }) => check === 'frozen')).toMatchObject({ status: 'failed', code: 'CONTRACT_UNFROZEN' });
    expect(await headrace(root, ['contracts', 'freeze'], env)).toMatchObject({ code: 0 });
    expect(frozen.exec((await headrace(root, ['doctor'], { ...env, HEADRACE_ENV: 'prod' })).stdout)?.[1]).toBe('✔');
  });

  test('a folder that cannot be written is found by doctor', async () => {
    await duckdbProject();
    hasty();
    rmSync(path.join(root, '.headrace'), { recursive: true, force: true });
    writeFileSync(path.join(root, '.headrace'), 'a file in its place');
    const { code, stdout } = await headrace(root, ['doctor', '--json'], { KAFKA_BROKERS: `127.0.0.1:${await freePort()}` });
    expect(code).toBe(1);
    const { findings } = JSON.parse(stdout) as { findings: { check: string; status: string; code: string | null }[] };
    expect(findings.find(({ check }) => check === 'folder')).toMatchObject({ status: 'failed', code: 'LOCAL_COPY_FAILED' });
  });
});

test('what nobody foresaw is called a bug, with the place where it happened', async () => {
  cpSync(EXAMPLE, root, { recursive: true });
  const { code, stderr, stdout } = await headrace(root, ['status', '--json'], ENV, async () => {
    throw new TypeError('undefined is not a function');
  });
  expect(code).toBe(1);
  expect(stderr).toContain('This is a bug in Headrace: TypeError: undefined is not a function');
  expect(stderr).toMatch(/ at .*project\.test\.ts/);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'BUG' } });
});
