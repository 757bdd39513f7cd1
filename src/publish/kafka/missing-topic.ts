import type { KafkaConfig } from '../../config/project.ts';
import { KafkaConnection } from './connection.ts';
import { withDeadline } from './deadline.ts';
import { errorType, type KafkaContext, kafkaError } from './errors.ts';

/** Milliseconds after which a send that goes on is suspicious. */
const SUSPICIOUS_SEND_MS = 1500;

/** Rejects `missing` when a send takes long and its topic turns out not to exist, which kafkajs treats as something that passes. */
export function watchTopic(context: KafkaContext, topic: string): { missing: Promise<never>; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  const missing = new Promise<never>((_, reject) => {
    timer = setTimeout(async () => {
      // Undefined where it could not be told: the send has its own deadline.
      const exists = await topicExists(context.config, topic).catch(() => undefined);
      if (exists === false)
        reject(kafkaError(Object.assign(new Error('the topic does not exist'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' }), context));
    }, SUSPICIOUS_SEND_MS);
  });
  missing.catch(() => {});
  return { missing, stop: () => clearTimeout(timer) };
}

/** Asks once, over a connection of its own; throws whatever keeps it from an answer. */
async function topicExists(config: KafkaConfig, topic: string): Promise<boolean> {
  const connection = await KafkaConnection.prepare(config);
  const admin = connection.kafka.admin({ retry: { retries: 0 } });
  try {
    await withDeadline(
      admin.connect().then(() => admin.fetchTopicMetadata({ topics: [topic] })),
      config.requestTimeoutMs,
      () => new Error('no answer'),
    );
    return true;
  } catch (error) {
    if (errorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
    throw error;
  } finally {
    await connection.close(() => admin.disconnect());
  }
}
