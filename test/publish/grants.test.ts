import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProject } from '../../src/config/load-project.ts';
import type { Mapping } from '../../src/config/project.ts';
import { denial, grantText } from '../../src/publish/denial.ts';
import { type Grant, grantsFor, grantsThatAllow, PURPOSES, type Purpose } from '../../src/publish/grants.ts';
import { kafkaConfig } from '../conformance/publisher.ts';

const FIXTURE = path.resolve(import.meta.dirname, '../config/fixtures/example');
const { project } = await loadProject(FIXTURE, { ANALYTICS_URL: 'postgres://u@h/d', KAFKA_BROKERS: 'k:9092' });
const mapping = { ...(project?.mappings.get('consent') as Mapping), name: '<mapping>', topic: 'facts' };
const named = (purposes: readonly Purpose[], options = {}) =>
  grantsFor({ name: '<project>' }, [mapping], purposes, { consumerGroup: 'readers', ...options });

describe('grantsFor', () => {
  test('is what the table in docs/kafka.md says', () => {
    const docs = readFileSync(path.resolve(import.meta.dirname, '../../docs/kafka.md'), 'utf8');
    const lines = docs.slice(docs.indexOf('| resource | `run`')).split('\n\n')[0]?.split('\n') ?? [];
    const cells = lines.map((line) => line.split('|').slice(1, -1));
    const [head = [], , ...rows] = cells.map((line) => line.map((cell) => cell.trim()));
    const internal = 'headrace.<project>.<mapping>';
    const resources: readonly (readonly string[])[] = [
      ['topic facts'],
      [`topic ${internal}.snapshot`],
      [`topic ${internal}.quarantine`],
      [`topic ${internal}.runs`],
      [`transactional id ${internal}`],
      ['transactional id headrace.<project>._doctor'],
      [`groups ${internal}.*`],
    ];
    expect(rows).toHaveLength(resources.length);
    for (const [column, title] of head.entries()) {
      if (column === 0) continue;
      const written = rows.flatMap((row, i) =>
        (row[column] ?? '')
          .split(', ')
          .flatMap((operation) => (operation === '' ? [] : (resources[i]?.map((r) => `${operation} on ${r}`) ?? []))),
      );
      const purpose = PURPOSES.find((name) => title.startsWith(`\`${name}\``)) as Purpose;
      expect(named([purpose]).map(grantText).toSorted(), purpose).toEqual(written.toSorted());
    }
  });

  test('of several purposes: the union, without what another one implies', () => {
    const texts = named(['run', 'doctor']).map((grant) => `${grantText(grant)}: ${grant.purposes.join()}`);
    expect(texts).toContain('Write on topic headrace.<project>.<mapping>.runs: run,doctor');
    expect(texts).toContain('DescribeConfigs on topic headrace.<project>.<mapping>.runs: doctor');
    expect(texts.filter((text) => text.startsWith('Describe on'))).toEqual([]);
  });

  test('prefixed: covers each one that is literal', () => {
    for (const purpose of PURPOSES) {
      const prefixed = named([purpose], { prefixed: true });
      for (const { purposes: _, mappings: __, ...literal } of named([purpose])) {
        const [cover] = grantsThatAllow(literal, prefixed);
        expect(prefixed, grantText(literal)).toContain(cover);
      }
    }
  });

  test('prefixes end with a dot: those of project a do not reach into project ab', () => {
    for (const options of [{}, { prefixed: true }])
      for (const { pattern, name } of named(['run', 'doctor'], options)) if (pattern === 'prefixed') expect(name).toMatch(/\.$/);
  });
});

describe('what the broker refused', () => {
  const describeOf = (name: string): Grant => ({ resource: 'topic', name, pattern: 'literal', operation: 'Describe' });
  const told = (refused: Grant, ...purposes: Purpose[]) => grantsThatAllow(refused, named(purposes)).map(grantText);

  test('is told as the grants of the purpose that would have allowed it', () => {
    expect(told(describeOf('facts'), 'doctor')).toEqual(['Describe on topic facts']);
    expect(told(describeOf('facts'), 'plan')).toEqual(['Read on topic facts']);
    const snapshot = 'headrace.<project>.<mapping>.snapshot';
    // Each would have allowed it, so neither is there.
    expect(told(describeOf(snapshot), 'run')).toEqual([`Read on topic ${snapshot}`, `Write on topic ${snapshot}`]);
    expect(told({ ...describeOf(snapshot), operation: 'DescribeConfigs' }, 'topics-apply')).toEqual([`AlterConfigs on topic ${snapshot}`]);
  });

  test('is told as it is where no grant speaks of it', () => {
    expect(told(describeOf('elsewhere'), 'run')).toEqual(['Describe on topic elsewhere']);
  });

  test('several grants in one error: one command for each resource', () => {
    const kafka = kafkaConfig('k:9092', { sasl: { mechanism: 'oauthbearer', token: 't0ken' } });
    const error = denial(kafka, 'Doing it', named(['status']));
    expect(error).toMatchObject({
      code: 'KAFKA_DENIED',
      message:
        'Doing it failed: User:<principal> lacks Read on topic headrace.<project>.<mapping>.runs and Read on topic headrace.<project>.<mapping>.snapshot and Read on groups headrace.<project>.<mapping>.*',
    });
    expect(error.suggestion?.match(/kafka-acls\.sh/g)).toHaveLength(3);
    expect(JSON.stringify(error)).not.toContain('t0ken');
  });
});
