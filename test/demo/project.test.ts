import { describe, expect, it } from 'vitest';
import { chooseKafka } from '../../demo/get-kafka.ts';
import { choosePostgres } from '../../demo/get-postgres.ts';
import { parseRunTable } from '../../demo/headrace.ts';
import { parseOptions } from '../../demo/options.ts';
import { javaMajor } from '../../demo/programs.ts';
import { loadProject } from '../../src/config/load-project.ts';
import { CLASSES } from '../../src/config/mapping-schema.ts';
import { ROOT } from '../repository/repository-copy.ts';

describe('the project in the root', () => {
  it('is valid without a single variable, and without a warning', async () => {
    const { project, problems } = await loadProject(ROOT, {});
    expect(problems).toEqual([]);
    expect(project?.name).toBe('activation');
  });

  it('has a mapping of each class, and a model that feeds two', async () => {
    const { project } = await loadProject(ROOT, {});
    const mappings = [...(project?.mappings.values() ?? [])];
    expect(new Set(mappings.map((mapping) => mapping.class))).toEqual(new Set(CLASSES));
    expect(mappings.filter((mapping) => mapping.model === 'customer_entitlements').map((mapping) => mapping.name)).toHaveLength(2);
  });

  it("takes every name on a user's broker from variables", async () => {
    const { project } = await loadProject(ROOT, { HEADRACE_PROJECT: 'demo-1', TOPIC_PREFIX: 'demo-1.', WAREHOUSE: 'postgres' });
    expect(project?.name).toBe('demo-1');
    expect([...(project?.mappings.values() ?? [])].filter(({ topic }) => !topic.startsWith('demo-1.'))).toEqual([]);
    expect(new Set([...(project?.models.values() ?? [])].map(({ warehouse }) => warehouse))).toEqual(new Set(['postgres']));
  });
});

describe('the choice of services', () => {
  const nothing = { java: undefined, maven: false, kafkaFetched: false, docker: false, apt: false };

  it('takes the first way to Kafka that is open', () => {
    const everything = { java: 21, maven: true, kafkaFetched: true, docker: true, apt: true };
    expect(chooseKafka('broker:9092', everything)).toBe('given');
    expect(chooseKafka('', everything)).toBe('java');
    expect(chooseKafka(undefined, { ...nothing, java: 17, kafkaFetched: true })).toBe('java');
    expect(chooseKafka(undefined, { ...everything, java: 11 })).toBe('docker');
    expect(chooseKafka(undefined, { ...nothing, java: 17, docker: true })).toBe('docker');
    expect(chooseKafka(undefined, { ...nothing, maven: true, apt: true })).toBe('install');
    expect(chooseKafka(undefined, nothing)).toBe('none');
  });

  it('takes the first way to PostgreSQL that is open', () => {
    expect(choosePostgres('postgres://db', true, { docker: true, apt: true })).toBe('given');
    expect(choosePostgres(undefined, true, { docker: true, apt: true })).toBe('binaries');
    expect(choosePostgres(undefined, false, { docker: true, apt: true })).toBe('docker');
    expect(choosePostgres(undefined, false, { docker: false, apt: true })).toBe('install');
    expect(choosePostgres(undefined, false, { docker: false, apt: false })).toBe('none');
  });

  it("reads Java's version, old and new", () => {
    expect(javaMajor('openjdk version "17.0.9" 2023-10-17')).toBe(17);
    expect(javaMajor('openjdk version "21" 2023-09-19')).toBe(21);
    expect(javaMajor('java version "1.8.0_402"')).toBe(8);
    expect(javaMajor('The operation couldn’t be completed.')).toBeUndefined();
  });
});

describe('the command line', () => {
  it('has defaults, and refuses what it does not know', () => {
    expect(parseOptions([])).toEqual({ warehouse: 'duckdb', customers: 100_000, keep: false });
    expect(parseOptions(['--postgres', '--customers', '5,000', '--keep'])).toEqual({ warehouse: 'postgres', customers: 5_000, keep: true });
    expect(parseOptions(['--help'])).toBeUndefined();
    for (const wrong of [['--customers', '999'], ['--customers', '1e5'], ['--customers', ''], ['--mysql'], ['extra']])
      expect(() => parseOptions(wrong), wrong.join(' ')).toThrow();
  });

  it('reads the numbers that a person reads', () => {
    const text = [
      'mapping           comparison     rows  created  updated  deleted  quarantined  published    took',
      '\u001b[1mcustomer-profile\u001b[22m  incremental   1,234        5       11        0            1         16  845 ms',
      '! customer-profile: 1 more rows do not fit the contract',
    ].join('\n');
    expect([...parseRunTable(text)]).toEqual([
      ['customer-profile', { comparison: 'incremental', rows: 1_234, created: 5, updated: 11, deleted: 0, quarantined: 1, published: 16 }],
    ]);
  });
});
