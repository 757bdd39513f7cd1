import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, inject, it } from 'vitest';
import type { KafkaLog } from '../../../src/publish/kafka/connection.ts';
import { KafkaPublisherFactory } from '../../../src/publish/kafka/kafka-publisher.ts';
import { KafkaRecordReader } from '../../../src/publish/kafka/record-reader.ts';
import { KafkaTopicAdmin } from '../../../src/publish/kafka/topic-admin.ts';
import type { IncomingRecord } from '../../../src/publish/publisher.ts';
import { kafkaConfig, plain } from '../../conformance/publisher.ts';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

async function withTopic(config: Record<string, string>, test: (topic: string, admin: KafkaTopicAdmin) => Promise<void>): Promise<void> {
  const admin = new KafkaTopicAdmin(kafkaConfig(inject('kafkaBrokers')));
  const topic = `reader-${randomUUID()}`;
  try {
    await admin.create([{ topic, partitions: 1, config: new Map(Object.entries(config)) }]);
    await test(topic, admin);
  } finally {
    await admin.close();
  }
}

async function publishEach(topic: string, values: readonly string[], abortEvery = 0): Promise<void> {
  const factory = new KafkaPublisherFactory(kafkaConfig(inject('kafkaBrokers')));
  const options = { transactionalId: `reader-${topic}`, transactionTimeoutMs: 60_000 };
  let publisher = await factory.open(options);
  for (const [i, value] of values.entries()) {
    const transaction = await publisher.begin();
    await transaction.send(topic, 0, [plain(`k${i % 5}`, value)]);
    if (abortEvery > 0 && i % abortEvery === 0) {
      await publisher.close();
      publisher = await factory.open(options);
    } else await transaction.commit();
  }
  // Makes the end final.
  await publisher.close();
  publisher = await factory.open(options);
  await publisher.begin();
  await publisher.close();
}

describe('KafkaRecordReader', () => {
  const read = async (topic: string, from: number, until: number, groupIdPrefix = 'headrace.test') => {
    const records: IncomingRecord[] = [];
    const reader = new KafkaRecordReader(kafkaConfig(inject('kafkaBrokers')), { groupIdPrefix, progressTimeoutMs: 5000 });
    await reader.read({ topic, partition: 0, from, until }, (record) => records.push(record), new AbortController().signal);
    return records;
  };

  it('leaves no consumer group behind', async () => {
    await withTopic({}, async (topic, admin) => {
      await publishEach(topic, ['a']);
      const prefix = `headrace.${randomUUID()}`;
      expect(await read(topic, 0, (await admin.offsets(topic))[0]!.end, prefix)).toHaveLength(1);
      const kafkajs = new Kafka({ brokers: [inject('kafkaBrokers')], logLevel: logLevel.NOTHING }).admin();
      await kafkajs.connect();
      const groups = (await kafkajs.listGroups()).groups.map(({ groupId }) => groupId);
      await kafkajs.disconnect();
      expect(groups.filter((id) => id.startsWith(prefix))).toEqual([]);
    });
  });

  it('fetches only what was asked for: the tail of a partition, and no other partition', async () => {
    const config = kafkaConfig(inject('kafkaBrokers'));
    const admin = new KafkaTopicAdmin(config);
    const topic = `reader-${randomUUID()}`;
    await admin.create([{ topic, partitions: 2, config: new Map() }]);
    await admin.close();
    const publisher = await new KafkaPublisherFactory(config).open({ transactionalId: topic, transactionTimeoutMs: 60_000 });
    const transaction = await publisher.begin();
    for (const partition of [0, 1])
      await transaction.send(
        topic,
        partition,
        Array.from({ length: 5000 }, (_, i) => plain(`k${i}`, 'x'.repeat(1000))),
      );
    await transaction.commit();
    await publisher.close();
    let fetched = 0;
    const log: KafkaLog = (message, fields) => {
      if (message.startsWith('Response Fetch(')) fetched += Number(fields.size);
    };
    const tail: number[] = [];
    const reader = new KafkaRecordReader(config, { groupIdPrefix: 'headrace.test', log });
    await reader.read({ topic, partition: 0, from: 4998, until: 5000 }, ({ offset }) => tail.push(offset), new AbortController().signal);
    expect(tail).toEqual([4998, 4999]);
    // The log's batches are fetched whole, and are up to 900 kB.
    expect(fetched).toBeGreaterThan(1000);
    expect(fetched).toBeLessThan(2_000_000);
  });

  it('reads a compacted topic, over gaps and emptied batches, from every offset', async () => {
    const compacting = {
      'cleanup.policy': 'compact',
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '100',
      'min.compaction.lag.ms': '0',
    };
    await withTopic(compacting, async (topic, admin) => {
      const values = Array.from({ length: 60 }, (_, i) => `v${i}`);
      await publishEach(topic, values, 7);
      await new Promise((resolve) => setTimeout(resolve, 300));
      // A new segment begins with the next record only; the one before it can be compacted then.
      await publishEach(topic, ['tail']);
      const { end } = (await admin.offsets(topic))[0]!;
      await expect.poll(async () => (await read(topic, 0, end)).length, { timeout: 40_000, interval: 1000 }).toBeLessThan(20);
      const all = await read(topic, 0, end);
      const latest = new Map(values.map((value, i) => [`k${i % 5}`, { i, value }] as const).filter(([, { i }]) => i % 7 !== 0));
      latest.set('k0', { i: 0, value: 'tail' });
      const folded = new Map(all.map(({ key, value }) => [String(key), String(value)]));
      expect(folded).toEqual(new Map([...latest].map(([key, { value }]) => [key, value])));
      // Compaction may go on meanwhile: of what `all` holds, only the last record of each key is sure to stay.
      const staying = [...new Map(all.map(({ key, offset }) => [String(key), offset])).values()].sort((a, b) => a - b);
      const expectRange = (offsets: number[], from: number, until: number) => {
        const inRange = (offset: number) => offset >= from && offset < until;
        expect(offsets).toEqual(expect.arrayContaining(staying.filter(inRange)));
        expect(all.map(({ offset }) => offset).filter(inRange)).toEqual(expect.arrayContaining(offsets));
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
      };
      for (let edge = 1; edge < end; edge += 11) {
        expectRange(
          (await read(topic, edge, end)).map(({ offset }) => offset),
          edge,
          end,
        );
        expectRange(
          (await read(topic, 0, edge)).map(({ offset }) => offset),
          0,
          edge,
        );
      }
    });
  });
});
