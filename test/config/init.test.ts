import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import { initProject } from '../../src/config/init.ts';
import { INIT_WAREHOUSES } from '../../src/config/init-files.ts';
import { loadProject } from '../../src/config/load-project.ts';
import { mustLoad, temporaryFolder, writeFiles } from './written-project.ts';

describe('a new project', () => {
  test.each(INIT_WAREHOUSES)('for %s loads as it is', async (warehouse) => {
    const dir = join(await temporaryFolder(), 'My Shop!');
    const { files, nextSteps } = await initProject(dir, { warehouse });
    const loaded = await loadProject(dir, {
      WAREHOUSE_URL: 'postgres://u:p@h/db',
      SNOWFLAKE_ACCOUNT: 'MYORG-MYACCOUNT',
      SNOWFLAKE_USER: 'HEADRACE',
      SNOWFLAKE_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----',
      GOOGLE_CLOUD_PROJECT: 'my-project',
      BIGQUERY_DATASET: 'marts',
    });
    expect(loaded.problems).toEqual([]);
    const project = mustLoad(loaded);
    expect([project.name, project.environment, project.kafka.brokers]).toEqual(['my-shop', 'dev', ['localhost:9092']]);
    expect(project.warehouses.get('main')?.type).toBe(warehouse);
    expect(files).toEqual([
      'headrace.yml',
      'models/customers.yml',
      'mappings/customer.yml',
      '.gitignore',
      ...(warehouse === 'duckdb' ? ['warehouse.sql'] : []),
      'schemas/headrace.schema.json',
      'schemas/model.schema.json',
      'schemas/mapping.schema.json',
    ]);
    expect(nextSteps.join('\n')).toContain('headrace validate');
    for (const [file, schema] of [
      ['headrace.yml', './schemas/headrace'],
      ['models/customers.yml', '../schemas/model'],
      ['mappings/customer.yml', '../schemas/mapping'],
    ] as const)
      expect(await readFile(join(dir, file), 'utf8')).toMatch(
        new RegExp(`^# yaml-language-server: \\$schema=${schema.replaceAll('.', '\\.')}\\.schema\\.json\n`),
      );
  });

  test('names columns that the sample table has', async () => {
    const dir = await temporaryFolder();
    await initProject(dir, { warehouse: 'duckdb' });
    const project = mustLoad(await loadProject(dir, {}));
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(await readFile(join(dir, 'warehouse.sql'), 'utf8'));
    const columns = (await connection.runAndReadAll('select * from customers')).columnNames();
    const [mapping] = project.mappings.values();
    const read = mapping?.fields.flatMap(({ source }) => (source !== undefined && 'from' in source ? [source.from] : []));
    expect(columns).toEqual(expect.arrayContaining([...(read ?? []), 'is_active', 'updated_at']));
    connection.closeSync();
  });

  test('is given a name, or refuses a bad one', async () => {
    const dir = await temporaryFolder();
    await expect(initProject(dir, { warehouse: 'duckdb', name: 'No Name' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      suggestion: expect.stringContaining('no-name'),
    });
    await initProject(dir, { warehouse: 'duckdb', name: '2024' });
    expect(mustLoad(await loadProject(dir, {})).name).toBe('2024');
  });

  test('overwrites nothing, and lists what is there', async () => {
    const dir = await temporaryFolder();
    await writeFiles(dir, { 'models/customers.yml': 'mine', 'headrace.yml': 'mine' });
    await expect(initProject(dir, { warehouse: 'duckdb' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('headrace.yml, models/customers.yml'),
    });
    expect(await readFile(join(dir, 'headrace.yml'), 'utf8')).toBe('mine');
    await expect(readFile(join(dir, 'mappings/customer.yml'))).rejects.toThrow('ENOENT');
  });

  test('leaves a .gitignore alone, and says what belongs into it', async () => {
    const dir = await temporaryFolder();
    await writeFiles(dir, { '.gitignore': 'mine\n' });
    const { files, nextSteps } = await initProject(dir, { warehouse: 'duckdb' });
    expect(files).not.toContain('.gitignore');
    expect(nextSteps[0]).toContain('.headrace/');
    expect(await readFile(join(dir, '.gitignore'), 'utf8')).toBe('mine\n');
  });

  test('says where it cannot be written', async () => {
    const dir = await temporaryFolder();
    await writeFiles(dir, { models: 'a file' });
    await mkdir(join(dir, 'x'));
    await expect(initProject(dir, { warehouse: 'duckdb' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/cannot be written .*(EEXIST|ENOTDIR)/),
    });
  });
});
