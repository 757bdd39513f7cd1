import type { Admin } from 'kafkajs';
import type { KafkaConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Grant } from '../grants.ts';
import type { BrokerInfo, PartitionOffsets, TopicAdmin, TopicSpec, TopicState } from '../publisher.ts';
import { KafkaConnection, type KafkaLog, silentKafka } from './connection.ts';
import { withDeadline } from './deadline.ts';
import { errorType, type KafkaContext, kafkaError } from './errors.ts';

export interface KafkaTopicAdminOptions {
  readonly log?: KafkaLog;
  /** What the principal ought to have: a refusal is told as what of this is missing. */
  readonly grants?: readonly Grant[] | undefined;
}

/** kafkajs's ConfigResourceTypes.TOPIC and ConfigSource.TOPIC_CONFIG, as in the protocol. */
const TOPIC_RESOURCE = 2;
const SET_ON_TOPIC = 1;

/** How long a new topic may take until all of its leaders answer, and a deleted one until it is gone. */
const SETTLE_MS = 30_000;

/**
 * Asks and changes what exists in the cluster. One connection, opened at first use and given up after any error; `close` it at the end.
 *
 * Retries: a question that failed on a connection from earlier is asked once more on a new one. After a topic was created its leaders are asked
 * every 100 ms until each answers; after a deletion likewise until the topic is gone; both for 30 s at most.
 * Throws KAFKA_UNREACHABLE, KAFKA_DENIED (with the missing grant), TOPIC_MISSING, TOPIC_UNFIT, CONFIG_INVALID.
 */
export class KafkaTopicAdmin implements TopicAdmin {
  readonly #config: KafkaConfig;
  readonly #options: KafkaTopicAdminOptions;
  #session: Promise<Session> | undefined;

  constructor(config: KafkaConfig, options: KafkaTopicAdminOptions = {}) {
    this.#config = config;
    this.#options = options;
  }

  async clusterId(): Promise<string> {
    return (await this.#ask('Asking for the cluster', {}, (admin) => admin.describeCluster())).clusterId;
  }

  async brokers(): Promise<BrokerInfo> {
    const { brokers } = await this.#ask('Asking for the brokers', {}, (admin) => admin.describeCluster());
    return { count: brokers.length, addresses: brokers.map(({ host, port }) => `${host}:${port}`) };
  }

  async describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicState | undefined>> {
    const states = new Map<string, TopicState | undefined>();
    // One by one: kafkajs answers a question about several with the error of one of them.
    for (const topic of topics) states.set(topic, await this.#describe(topic));
    return states;
  }

  async #describe(topic: string): Promise<TopicState | undefined> {
    const found = await this.#ask('Describing a topic', { topic, operation: 'Describe' }, async (admin) => {
      try {
        return (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0];
      } catch (error) {
        if (errorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
        throw error;
      }
    });
    if (found === undefined) return undefined;
    const config = await this.#settings(topic, () => true).catch((error: unknown) => {
      if (error instanceof HeadraceError && error.code === 'KAFKA_DENIED') return undefined;
      throw error;
    });
    return {
      topic,
      partitions: found.partitions.length,
      replication: Math.max(0, ...found.partitions.map(({ replicas }) => replicas.length)),
      inSync: Math.min(...found.partitions.map(({ isr }) => isr.length)),
      config: config ?? new Map(),
      configReadable: config !== undefined,
    };
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    const offsets = await this.#ask('Asking for offsets', { topic, operation: 'Describe' }, (admin) => admin.fetchTopicOffsets(topic));
    // `high` is asked with read_committed: the last stable offset.
    return offsets
      .map(({ partition, low, high }) => ({ partition, start: Number(low), end: Number(high) }))
      .sort((a, b) => a.partition - b.partition);
  }

  async create(specs: readonly TopicSpec[]): Promise<void> {
    // One by one, so that an error names its topic. A topic that exists meanwhile is not an error: another start may have been first.
    for (const { topic, partitions, replication, config } of specs) {
      const configEntries = [...config].map(([name, value]) => ({ name, value }));
      const spec = { topic, numPartitions: partitions, replicationFactor: replication ?? -1, configEntries };
      await this.#ask('Creating a topic', { topic, operation: 'Create' }, async (admin) => {
        try {
          await admin.createTopics({ topics: [spec], waitForLeaders: false, timeout: SETTLE_MS });
        } catch (error) {
          if (errorType(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
        }
      });
      await this.#until(topic, 'its leaders did not answer', async () => (await this.offsets(topic)).length > 0);
    }
  }

  /** Sets these settings and leaves the others: AlterConfigs, all that kafkajs has, replaces the whole set, so what was set before is sent again. */
  async alterConfig(topic: string, config: ReadonlyMap<string, string>): Promise<void> {
    const wanted = new Map([...(await this.#settings(topic, (source) => source === SET_ON_TOPIC)), ...config]);
    const configEntries = [...wanted].map(([name, value]) => ({ name, value }));
    await this.#ask('Changing topic settings', { topic, operation: 'AlterConfigs' }, (admin) =>
      admin.alterConfigs({ validateOnly: false, resources: [{ type: TOPIC_RESOURCE, name: topic, configEntries }] }),
    );
    await this.#until(topic, 'its settings did not change', async () => {
      const now = await this.#settings(topic, () => true);
      return [...wanted].every(([name, value]) => now.get(name) === value);
    });
  }

  async remove(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      await this.#ask('Deleting a topic', { topic, operation: 'Delete' }, async (admin) => {
        try {
          await admin.deleteTopics({ topics: [topic] });
        } catch (error) {
          if (errorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
        }
      });
      await this.#until(topic, 'it was not deleted', async () => (await this.#describe(topic)) === undefined);
    }
  }

  /** Deletes a consumer group that nobody uses any more, where the principal may; otherwise nothing happens. */
  async removeGroup(groupId: string): Promise<void> {
    const { admin } = await this.#connected();
    try {
      await withDeadline(admin.deleteGroups([groupId]), 3000, () => new Error('no answer'));
    } catch (error) {
      await this.close();
      this.#options.log?.('a consumer group was left behind', { groupId, error });
    }
  }

  /** Idempotent; never throws. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    const open = await session?.catch(() => undefined);
    if (open !== undefined) await open.connection.close(() => open.admin.disconnect(), 1000);
  }

  async #settings(topic: string, wanted: (source: number) => boolean): Promise<Map<string, string>> {
    const { resources } = await this.#ask('Reading topic settings', { topic, operation: 'DescribeConfigs' }, (admin) =>
      admin.describeConfigs({ includeSynonyms: false, resources: [{ type: TOPIC_RESOURCE, name: topic }] }),
    );
    const entries = resources[0]?.configEntries ?? [];
    return new Map(entries.filter((e) => wanted(e.configSource) && e.configValue !== null).map((e) => [e.configName, e.configValue]));
  }

  async #until(topic: string, failure: string, done: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + SETTLE_MS;
    for (;;) {
      // A new topic is unknown to some brokers, and without leaders, for a moment: codes that end every other question.
      const last = await done().catch((error: unknown) => {
        if (error instanceof HeadraceError && (error.code === 'TOPIC_MISSING' || error.code === 'KAFKA_UNREACHABLE')) return error;
        throw error;
      });
      if (last === true) return;
      if (Date.now() > deadline) {
        if (last instanceof HeadraceError) throw last;
        throw new HeadraceError('TOPIC_UNFIT', `The topic ${topic}: ${failure} within ${SETTLE_MS / 1000} s`, { path: topic });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /**
   * Runs one question. kafkajs remembers every topic that an admin was asked about and fails all later questions once one of them is gone, so an
   * error on a used connection may come from the past: a fresh one decides.
   */
  async #ask<T>(action: string, details: Partial<KafkaContext>, question: (admin: Admin) => Promise<T>): Promise<T> {
    const used = this.#session !== undefined;
    const context: KafkaContext = { config: this.#config, grants: this.#options.grants, action, ...details };
    const session = await this.#connected();
    const ms = 2 * this.#config.requestTimeoutMs;
    try {
      return await withDeadline(question(session.admin), ms, () => silentKafka(this.#config, action, ms));
    } catch (error) {
      session.connection.destroy();
      await this.close();
      if (used) return this.#ask(action, details, question);
      throw kafkaError(session.connection.revealed(error), context);
    }
  }

  #connected(): Promise<Session> {
    this.#session ??= this.#connect().catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  async #connect(): Promise<Session> {
    const connection = await KafkaConnection.prepare(this.#config, this.#options.log);
    const admin = connection.kafka.admin({ retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1000 } });
    await connection.connect(admin, this.#config);
    return { connection, admin };
  }
}

interface Session {
  readonly connection: KafkaConnection;
  readonly admin: Admin;
}
