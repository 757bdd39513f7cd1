import type { Admin } from 'kafkajs';
import type { KafkaConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { GroupAdmin } from '../publisher.ts';
import { KafkaConnection, silentKafka } from './connection.ts';
import { withDeadline } from './deadline.ts';
import { kafkaError } from './errors.ts';

/** Groups in these states have no members: https://kafka.apache.org/documentation/#basic_ops_consumer_group */
const WITHOUT_MEMBERS = ['Empty', 'Dead'];

/**
 * Looks at consumer groups and moves their offsets. Each question has a connection of its own: groups are rarely asked about. Retries: those of kafkajs, 3 times within a
 * second. Throws KAFKA_UNREACHABLE, KAFKA_DENIED.
 */
export class KafkaGroupAdmin implements GroupAdmin {
  readonly #config: KafkaConfig;

  constructor(config: KafkaConfig) {
    this.#config = config;
  }

  async members(group: string): Promise<number> {
    const [described] = await this.#ask(`Asking for the group ${group}`, async (admin) => (await admin.describeGroups([group])).groups);
    if (described === undefined || WITHOUT_MEMBERS.includes(described.state)) return 0;
    // Between two members a group is empty of them, and not at rest.
    return Math.max(1, described.members.length);
  }

  async committed(group: string, topic: string): Promise<readonly number[]> {
    return (await this.committedOf(group, [topic])).get(topic) ?? [];
  }

  async committedOf(group: string, topics: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
    if (topics.length === 0) return new Map();
    const found = await this.#ask(`Asking for offsets of the group ${group}`, (admin) =>
      admin.fetchOffsets({ groupId: group, topics: [...topics] }),
    );
    return new Map(found.map(({ topic, partitions }) => [topic, inOrder(partitions)]));
  }

  async offsetsAt(topic: string, timeMs: number): Promise<readonly number[]> {
    return inOrder(await this.#ask(`Asking for offsets of ${topic} by time`, (admin) => admin.fetchTopicOffsetsByTimestamp(topic, timeMs)));
  }

  async reset(group: string, topic: string, offsets: readonly number[]): Promise<void> {
    const partitions = offsets.map((offset, partition) => ({ partition, offset: String(offset) }));
    try {
      await this.#ask(`Moving offsets of the group ${group}`, (admin) => admin.setOffsets({ groupId: group, topic, partitions }));
    } catch (error) {
      if ((await this.members(group)) > 0) throw activeGroup(group, error);
      throw error;
    }
    // kafkajs commits as a member that comes and goes: what the broker has now is what counts.
    const now = await this.committed(group, topic);
    if (now.join() === offsets.join()) return;
    throw new HeadraceError(
      'KAFKA_UNREACHABLE',
      `The group ${group} stands at ${now.join(', ')} of ${topic}, and not at ${offsets.join(', ')}.`,
      {
        suggestion: 'Did a member of it start meanwhile? Stop them, and make a new plan.',
      },
    );
  }

  async #ask<T>(action: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    const connection = await KafkaConnection.prepare(this.#config);
    const admin = connection.kafka.admin({ retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1000 } });
    await connection.connect(admin, this.#config);
    const ms = 2 * this.#config.requestTimeoutMs;
    try {
      return await withDeadline(question(admin), ms, () => silentKafka(this.#config, action, ms));
    } catch (error) {
      throw kafkaError(connection.revealed(error), { config: this.#config, action });
    } finally {
      await connection.close(() => admin.disconnect(), 1000);
    }
  }
}

function activeGroup(group: string, cause: unknown): HeadraceError {
  return new HeadraceError('GROUP_ACTIVE', `The group ${group} has members.`, {
    suggestion: 'Stop its consumers first. Nothing was moved.',
    cause,
  });
}

function inOrder(offsets: readonly { readonly partition: number; readonly offset: string }[]): readonly number[] {
  return [...offsets].sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
}
