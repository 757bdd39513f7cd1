/**
 * A plain consumer, as a system that acts on facts would write it: it knows Kafka, JSON and the headers, and nothing of Headrace.
 *
 *     npx tsx demo/consumer.ts localhost:9092 C-0000042 activation.customer.profile.v1 activation.customer.entitlement.v1 …
 */
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { type IHeaders, Kafka, logLevel } from 'kafkajs';

export interface HistoryLine {
  readonly publishedAt: number;
  readonly topic: string;
  readonly key: string;
  readonly version: number;
  readonly type: string;
  /** Fields that differ from the version before; of a deletion why. */
  readonly what: string;
  readonly occurredAt: string;
  readonly value: unknown;
}

/** Reads the topics from their beginnings to where they end now, and keeps what is about one customer. */
export async function readHistory(brokers: string, topics: string[], customerId: string): Promise<HistoryLine[]> {
  const kafka = new Kafka({ clientId: 'demo-consumer', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const groupId = `headrace-demo-consumer-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 200 });
  const history: HistoryLine[] = [];
  const missing = new Map<string, number>();
  await admin.connect();
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
      if (high !== low) missing.set(`${topic}/${partition}`, Number(high));
  }
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const atEnd = new Promise<void>((resolve) => {
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset } }) => {
      const end = missing.get(`${topic}/${partition}`);
      if (end !== undefined && Number(lastOffset) + 1 >= end) missing.delete(`${topic}/${partition}`);
      if (missing.size === 0) resolve();
    });
  });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, message }) => {
      const key = message.key?.toString() ?? '';
      if (key !== customerId && !key.startsWith(`["${customerId}",`)) return;
      history.push({
        publishedAt: Number(message.timestamp),
        topic,
        key,
        version: Number(header(message.headers, 'ce_factversion')),
        type: header(message.headers, 'ce_type'),
        what: header(message.headers, 'ce_changed') || header(message.headers, 'ce_deletereason'),
        occurredAt: header(message.headers, 'ce_time'),
        value: message.value === null ? null : JSON.parse(message.value.toString()),
      });
    },
  });
  if (missing.size > 0) await atEnd;
  await consumer.disconnect();
  await admin.deleteGroups([groupId]);
  await admin.disconnect();
  // Order is by key; between keys the time of publication has to do.
  return history.sort((a, b) => a.publishedAt - b.publishedAt);
}

function header(headers: IHeaders | undefined, name: string): string {
  return headers?.[name]?.toString() ?? '';
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [brokers = 'localhost:9092', customerId = '', ...topics] = process.argv.slice(2);
  for (const { publishedAt, value, ...line } of await readHistory(brokers, topics, customerId)) console.log(line, value);
}
