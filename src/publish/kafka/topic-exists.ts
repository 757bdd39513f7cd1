import type { KafkaConfig } from '../../config/project.ts';
import { KafkaConnection } from './connection.ts';
import { withDeadline } from './deadline.ts';
import { errorType } from './errors.ts';

/** Asks once, over a connection of its own; throws whatever keeps it from an answer. */
export async function topicExists(config: KafkaConfig, topic: string): Promise<boolean> {
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
