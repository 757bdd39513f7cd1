import { isDeepStrictEqual } from 'node:util';
import type { KafkaConfig } from '../src/config/project.ts';
import { KafkaRecordReader } from '../src/publish/kafka/record-reader.ts';
import type { PartitionOffsets, TopicAdmin } from '../src/publish/publisher.ts';
import { foldFacts, settledOffsets } from '../test/run/fold-oracle.ts';
import { DemoFailure } from './print.ts';

export interface TopicVerdict {
  readonly records: number;
  readonly live: number;
  readonly equal: number;
}

/** Folds a topic from its first record by identity, and holds every live fact against what is expected. Throws DemoFailure with the first differences. */
export async function checkTopic(kafka: KafkaConfig, topic: string, expected: ReadonlyMap<string, unknown>): Promise<TopicVerdict> {
  const { facts, records, violations } = await foldFacts(kafka, topic);
  const problems = [...violations];
  let equal = 0;
  for (const [identity, value] of expected) {
    const fact = facts.get(identity);
    if (fact === undefined) problems.push(`${identity}: lost`);
    else if (!isDeepStrictEqual(fact.value, value))
      problems.push(`${identity}: published ${JSON.stringify(fact.value)}, the warehouse says ${JSON.stringify(value)}`);
    else equal++;
  }
  for (const identity of facts.keys()) if (!expected.has(identity)) problems.push(`${identity}: live in Kafka, but not in the warehouse`);
  if (problems.length > 0) {
    throw new DemoFailure(`${topic}: ${problems.length} differences, for example:\n  ${problems.slice(0, 5).join('\n  ')}`);
  }
  return { records, live: facts.size, equal };
}

/** How many committed records a topic got since it ended there. */
export async function countCommitted(
  kafka: KafkaConfig,
  admin: TopicAdmin,
  topic: string,
  since: readonly PartitionOffsets[],
): Promise<number> {
  const reader = new KafkaRecordReader(kafka, { groupIdPrefix: 'headrace-demo' });
  let records = 0;
  for (const { partition, end } of await settledOffsets(admin, topic)) {
    const from = since.find((before) => before.partition === partition)?.end ?? 0;
    const count = () => {
      records++;
    };
    await reader.read({ topic, partition, from, until: end }, count, new AbortController().signal);
  }
  return records;
}

/** The values of a topic with one partition, as JSON. */
export async function readJson(kafka: KafkaConfig, admin: TopicAdmin, topic: string): Promise<readonly unknown[]> {
  const reader = new KafkaRecordReader(kafka, { groupIdPrefix: 'headrace-demo' });
  const values: unknown[] = [];
  for (const { partition, start, end } of await settledOffsets(admin, topic)) {
    const request = { topic, partition, from: start, until: end };
    await reader.read(request, ({ value }) => values.push(JSON.parse(value?.toString() ?? 'null')), new AbortController().signal);
  }
  return values;
}
