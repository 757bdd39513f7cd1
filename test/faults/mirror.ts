import { Kafka, logLevel } from 'kafkajs';
import { settledOffsets } from '../run/fold-oracle.ts';
import type { World } from '../run/world.ts';

/**
 * Copies the committed records of a topic to the same topic of another cluster, key, value and headers, as MirrorMaker does: without the markers of transactions, so that offsets differ.
 * With `compacted` the newest record of each key alone, as compaction leaves it.
 */
export async function mirror(from: World, to: World, topic: string, options: { readonly compacted?: boolean } = {}): Promise<void> {
  const producer = new Kafka({ brokers: [...to.project.kafka.brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  try {
    for (const { partition, start, end } of await settledOffsets(from.system.admin, topic)) {
      const records: { key: Buffer | null; value: Buffer | null; headers: Record<string, string>; partition: number }[] = [];
      await from.system
        .reader('mirror')
        .read(
          { topic, partition, from: start, until: end },
          ({ key, value, headers }) => records.push({ key, value, headers: { ...headers }, partition }),
          new AbortController().signal,
        );
      const newest = new Map(records.map((record, i) => [record.key?.toString('hex'), i]));
      const messages = options.compacted ? records.filter((record, i) => newest.get(record.key?.toString('hex')) === i) : records;
      if (messages.length > 0) await producer.send({ topic, messages, acks: -1 });
    }
  } finally {
    await producer.disconnect();
  }
}
