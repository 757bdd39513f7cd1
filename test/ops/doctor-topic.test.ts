import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProject } from '../../src/config/load-project.ts';
import type { Mapping, Project } from '../../src/config/project.ts';
import { unfit } from '../../src/ops/doctor-topic.ts';
import type { TopicState } from '../../src/publish/publisher.ts';
import { topicSpecsOf, topicsOf } from '../../src/publish/topics.ts';

const example = path.resolve(import.meta.dirname, '../config/fixtures/example');
const project = (await loadProject(example, { ANALYTICS_URL: 'postgres://u@h/d', KAFKA_BROKERS: 'k:9092' })).project as Project;
const mapping = project.mappings.get('consent') as Mapping;
const topics = topicsOf(project.name, mapping);

/** On a cluster of so many brokers, the topic as `topics apply` would make it there, with these changes. */
function found(topic: string, changes: Partial<TopicState>, brokers = 3, config: Record<string, string> = {}): (readonly string[])[] {
  const spec = topicSpecsOf(project, mapping, brokers).find((s) => s.topic === topic);
  if (spec === undefined) throw new Error(topic);
  const copies = changes.replication ?? spec.replication ?? Math.min(3, brokers);
  const state: TopicState = {
    topic,
    partitions: spec.partitions,
    replication: copies,
    inSync: copies,
    configReadable: true,
    config: new Map([['min.insync.replicas', copies > 1 ? '2' : '1'], ...spec.config, ...Object.entries(config)]),
    ...changes,
  };
  const info = { count: brokers, addresses: Array.from({ length: brokers }, (_, i) => `k${i}:9092`) };
  return unfit(project, mapping, spec, state, info).map(({ status, message, remedy }) => [status, message, remedy ?? '']);
}

const inSync = (topic: string, count: number) =>
  `kafka-configs.sh --bootstrap-server k0:9092 --alter --topic ${topic} --add-config min.insync.replicas=${count}`;

describe('a topic', () => {
  test.each(Object.values(topics))('%s, as `topics apply` makes it: nothing', (topic) => {
    for (const brokers of [1, 3, 5]) expect(found(topic, {}, brokers)).toEqual([]);
  });

  test('with fewer copies than asked for', () => {
    expect(found(topics.snapshot, { replication: 2 })).toContainEqual([
      'suspicious',
      `${topics.snapshot} has 2 copies, not 3: the project asks for more`,
      expect.stringContaining('kafka-reassign-partitions.sh'),
    ]);
    expect(found(topics.runs, { replication: 1 }, 3, { 'min.insync.replicas': '1' })).toEqual([
      [
        'suspicious',
        `${topics.runs} has 1 copy, not 3: the loss of one broker loses it`,
        expect.stringContaining('kafka-reassign-partitions.sh'),
      ],
    ]);
  });

  test('of which one broker alone may hold a record', () => {
    expect(found(topics.facts, {}, 3, { 'min.insync.replicas': '1' })).toEqual([
      ['suspicious', `${topics.facts} has min.insync.replicas=1: a record may stand on one broker alone`, inSync(topics.facts, 2)],
    ]);
  });

  test('that can be written only while all brokers are up', () => {
    const message = (copies: number) =>
      `${topics.facts} has min.insync.replicas=${copies} and as many copies: nothing can be written while one broker is down`;
    expect(found(topics.facts, {}, 3, { 'min.insync.replicas': '3' })).toEqual([['suspicious', message(3), inSync(topics.facts, 2)]]);
    // With one of two in sync a record would stand on one broker alone: a third copy is better.
    expect(found(topics.facts, { replication: 2 }, 3)).toEqual([
      ['suspicious', message(2), expect.stringContaining('kafka-reassign-partitions.sh')],
    ]);
  });

  test('that cannot be written at all now', () => {
    expect(found(topics.facts, { inSync: 1 })).toEqual([
      [
        'failed',
        `${topics.facts}: no record can be written, because 1 of 3 copies are in sync and min.insync.replicas is 2`,
        expect.stringContaining('Start the brokers'),
      ],
    ]);
    expect(found(topics.facts, { replication: 1, inSync: 1 }, 1, { 'min.insync.replicas': '2' })).toEqual([
      ['failed', expect.stringContaining('1 of 1 copies'), inSync(topics.facts, 1)],
    ]);
  });

  test('of which a copy has fallen behind', () => {
    expect(found(topics.facts, { inSync: 2 })).toEqual([
      ['suspicious', `${topics.facts}: 2 of 3 copies are in sync`, expect.stringContaining('Start the brokers')],
    ]);
  });

  test('whose settings may not be read: a run needs those of facts and snapshot', () => {
    const denied = { configReadable: false, config: new Map<string, string>() };
    for (const [topic, status] of [
      [topics.facts, 'failed'],
      [topics.snapshot, 'failed'],
      [topics.quarantine, 'suspicious'],
      [topics.runs, 'suspicious'],
    ] as const) {
      expect(found(topic, denied)).toEqual([
        [status, expect.stringContaining(`lacks DescribeConfigs on topic ${topic}`), expect.stringContaining('kafka-acls.sh')],
      ]);
    }
  });

  test('under which entries would be lost', () => {
    expect(found(topics.snapshot, {}, 3, { 'cleanup.policy': 'compact,delete' })).toEqual([
      ['failed', expect.stringContaining('cleanup.policy=compact,delete'), 'headrace topics apply consent'],
    ]);
  });
});
