import type { Transaction as KafkaTransaction, Producer, RecordMetadata } from 'kafkajs';
import type { KafkaConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Grant } from '../grants.ts';
import type { OutgoingRecord, Publisher, PublisherFactory, PublisherOptions, Transaction } from '../publisher.ts';
import { KafkaConnection, type KafkaLog, silentKafka } from './connection.ts';
import { withDeadline } from './deadline.ts';
import { errorType, type KafkaContext, kafkaError } from './errors.ts';
import { watchTopic } from './missing-topic.ts';
import { blockSender, type SendRecords, stockSender } from './record-sender.ts';

export interface KafkaPublisherSettings {
  /** `block` (the default) encodes records itself; `stock` leaves that to kafkajs, several times slower: the reference that tests compare with. */
  readonly encoder?: 'block' | 'stock';
  readonly log?: KafkaLog;
  /** What the principal ought to have: a refusal is told as what of this is missing. */
  readonly grants?: readonly Grant[] | undefined;
  /** Records to one partition after which a publisher has to be replaced; kafkajs's sequence number does not wrap at 2^31 as Kafka's does. */
  readonly maxRecordsPerPartition?: number;
}

/**
 * Opens transactional producers of kafkajs. `open` connects and logs in, but fences nobody yet.
 * Throws KAFKA_UNREACHABLE within the time allowed for connecting (at most 14 s), or KAFKA_DENIED.
 */
export class KafkaPublisherFactory implements PublisherFactory {
  readonly #config: KafkaConfig;
  readonly #settings: KafkaPublisherSettings;

  constructor(config: KafkaConfig, settings: KafkaPublisherSettings = {}) {
    this.#config = config;
    this.#settings = settings;
  }

  async open(options: PublisherOptions): Promise<Publisher> {
    const { default: kafkajs } = await import('kafkajs');
    const connection = await KafkaConnection.prepare(this.#config, this.#settings.log);
    // Not `idempotent`: what it adds is a producer id for sends outside of transactions, and a grant (IdempotentWrite) for it. Sends inside a
    // transaction are idempotent in any case.
    const producer = connection.kafka.producer({
      transactionalId: options.transactionalId,
      transactionTimeout: options.transactionTimeoutMs,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      // The short first wait is for CONCURRENT_TRANSACTIONS, the answer for some milliseconds after a commit.
      retry: { initialRetryTime: 20, multiplier: 1.5, maxRetryTime: 1000, retries: Number.MAX_SAFE_INTEGER },
    });
    await connection.connect(producer, this.#config);
    return new KafkaPublisher(connection, producer, this.#config, options, this.#settings);
  }
}

const MAX_RECORDS_PER_PARTITION = 2_000_000_000;

/**
 * Every retry, and its bound (all of them end with the deadline of what they are part of; `KafkaConnection` lists those of connecting):
 *
 * | what | who retries | bound |
 * |---|---|---|
 * | InitProducerId: CONCURRENT_TRANSACTIONS (what an older instance left open is being aborted), coordinator loading | kafkajs 5 times in 9 s, `begin` again | the transaction timeout |
 * | AddPartitionsToTxn, Produce: not the leader any more, too few replicas, a lost connection, CONCURRENT_TRANSACTIONS after a commit | kafkajs: 20 ms growing to 1 s, same bytes and sequence numbers | the transaction timeout from the first send on |
 * | Produce to a topic that does not exist | kafkajs, until we ask for the topic after 1.5 s | about 2 s |
 * | EndTxn (commit) | nobody | the rest of the transaction timeout, `requestTimeoutMs` for the request itself |
 */
class KafkaPublisher implements Publisher {
  readonly #connection: KafkaConnection;
  readonly #producer: Producer;
  readonly #config: KafkaConfig;
  readonly #options: PublisherOptions;
  readonly #sendRecords: SendRecords;
  readonly #maxRecords: number;
  readonly #grants: readonly Grant[] | undefined;
  /** Records sent so far, by topic and partition. */
  readonly #sent = new Map<string, number>();
  #current: KafkaTransaction | undefined;
  /** When the current transaction's first send began, in milliseconds since 1970; undefined before it. */
  #firstSend: number | undefined;
  #busy = false;
  /** Why this publisher cannot be used any more. */
  #dead: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    connection: KafkaConnection,
    producer: Producer,
    config: KafkaConfig,
    options: PublisherOptions,
    settings: KafkaPublisherSettings,
  ) {
    this.#connection = connection;
    this.#producer = producer;
    this.#config = config;
    this.#options = options;
    this.#sendRecords = settings.encoder === 'stock' ? stockSender() : blockSender();
    this.#grants = settings.grants;
    this.#maxRecords = settings.maxRecordsPerPartition ?? MAX_RECORDS_PER_PARTITION;
  }

  async begin(): Promise<Transaction> {
    this.#mustLive();
    if (this.#current !== undefined) throw new Error('the transaction before this one has not ended');
    if ([...this.#sent.values()].some((count) => count >= this.#maxRecords)) {
      this.#dead = 'this producer has used up its sequence numbers';
      this.#mustLive();
    }
    const transaction = await this.#exclusively('Beginning a transaction', this.#options.transactionTimeoutMs, () => this.#initialized());
    this.#current = transaction;
    this.#firstSend = undefined;
    return {
      send: (topic, partition, records) => this.#send(transaction, topic, partition, records),
      commit: () => this.#commit(transaction),
      abort: () => this.#abort(transaction),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** kafkajs completes InitProducerId in the first transaction of a producer, and gives up on one that is held up after some seconds. */
  async #initialized(): Promise<KafkaTransaction> {
    for (;;) {
      try {
        return await this.#producer.transaction();
      } catch (error) {
        if (errorType(error) !== 'CONCURRENT_TRANSACTIONS' || this.#dead !== undefined) throw error;
      }
    }
  }

  async #send(transaction: KafkaTransaction, topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<number> {
    this.#mustBeCurrent(transaction);
    const [first] = records;
    if (first === undefined) throw new Error('nothing to send');
    this.#firstSend ??= Date.now();
    const key = `${topic}/${partition}`;
    this.#sent.set(key, (this.#sent.get(key) ?? 0) + records.length);
    return this.#exclusively(
      'Sending records',
      this.#remainingMs(),
      async () => {
        let base: number | undefined;
        let expected: number | undefined;
        for await (const { count, answer } of this.#sendRecords(transaction, topic, partition, records)) {
          const offset = baseOffset(answer, topic, partition);
          base ??= offset;
          if (expected !== undefined && offset !== expected) throw gap(topic, partition, expected, offset);
          expected = offset + count;
        }
        return base as number;
      },
      topic,
    );
  }

  async #commit(transaction: KafkaTransaction): Promise<void> {
    this.#mustBeCurrent(transaction);
    await this.#exclusively('Committing a transaction', this.#remainingMs(), () => transaction.commit());
    this.#current = undefined;
  }

  async #abort(transaction: KafkaTransaction): Promise<void> {
    this.#mustBeCurrent(transaction);
    if (this.#firstSend !== undefined) throw new Error('a transaction that sent something is not aborted: close the publisher');
    // kafkajs sends nothing for a transaction without partitions.
    await transaction.abort();
    this.#current = undefined;
  }

  async #close(): Promise<void> {
    const open = this.#current;
    const settled = this.#dead === undefined && !this.#busy;
    this.#dead ??= 'it was closed';
    if (open !== undefined && settled && this.#firstSend !== undefined) {
      // Every send was answered, so this is the last request of its epoch: readers need not wait for the transaction's timeout.
      await this.#connection.close(async () => {
        await open.abort();
        await this.#producer.disconnect();
      });
    } else if (settled) await this.#connection.close(() => this.#producer.disconnect());
    else this.#connection.destroy();
  }

  /** One call at a time, within its deadline. Any failure is the end of this publisher: its connections are cut, so that no retry goes on. */
  async #exclusively<T>(action: string, withinMs: number, work: () => Promise<T>, topic?: string): Promise<T> {
    if (this.#busy) throw new Error('one call at a time: await the one before');
    this.#busy = true;
    const context: KafkaContext = {
      config: this.#config,
      action,
      topic,
      operation: 'Write',
      transactionalId: this.#options.transactionalId,
      grants: this.#grants,
    };
    const watch = topic === undefined ? undefined : watchTopic(context, topic);
    try {
      const late = () => silentKafka(this.#config, action, withinMs);
      return await withDeadline(watch === undefined ? work() : Promise.race([work(), watch.missing]), withinMs, late);
    } catch (error) {
      this.#connection.destroy('the transaction failed');
      const failure = this.#failure(kafkaError(this.#connection.revealed(error), context), action);
      this.#dead = failure.message;
      throw failure;
    } finally {
      watch?.stop();
      this.#busy = false;
    }
  }

  /** What a caller may conclude from an error, see `Publisher`: a refusal that names its remedy is told as such, because nothing was committed then. */
  #failure(error: HeadraceError, action: string): HeadraceError {
    const begun = this.#firstSend !== undefined;
    const refused =
      error.code === 'KAFKA_DENIED' || error.code === 'TOPIC_MISSING' || error.code === 'TOPIC_UNFIT' || error.code === 'RECORD_TOO_LARGE';
    const committing = action.startsWith('Committing');
    if (error.code === 'FENCED' || error.code === 'OUTCOME_UNKNOWN' || !begun || (refused && !committing)) return error;
    return new HeadraceError(
      'OUTCOME_UNKNOWN',
      `${error.message}; whether the transaction ${this.#options.transactionalId} is committed is unknown`,
      {
        path: error.path,
        suggestion: error.suggestion,
        cause: error,
      },
    );
  }

  #remainingMs(): number {
    const begun = this.#firstSend ?? Date.now();
    return Math.max(1000, begun + this.#options.transactionTimeoutMs - Date.now());
  }

  #mustBeCurrent(transaction: KafkaTransaction): void {
    this.#mustLive();
    if (this.#current !== transaction) throw new Error('this transaction has ended');
  }

  #mustLive(): void {
    if (this.#dead === undefined) return;
    throw new HeadraceError('OUTCOME_UNKNOWN', `The publisher of ${this.#options.transactionalId} cannot be used any more: ${this.#dead}`, {
      suggestion: 'Close the producer, recover, and go on from the control record.',
    });
  }
}

function baseOffset(answer: readonly RecordMetadata[], topic: string, partition: number): number {
  const [metadata] = answer;
  // A partition that the metadata does not name is left out by kafkajs without a word.
  if (metadata === undefined) {
    throw new HeadraceError('TOPIC_UNFIT', `Sending records failed: the topic ${topic} has no partition ${partition}`, {
      path: topic,
      suggestion: 'Its partition count changed while Headrace was running: run the command again.',
    });
  }
  const offset = Number(metadata.baseOffset);
  if (
    answer.length !== 1 ||
    metadata.topicName !== topic ||
    metadata.partition !== partition ||
    !Number.isSafeInteger(offset) ||
    offset < 0
  ) {
    throw new HeadraceError(
      'OUTCOME_UNKNOWN',
      `Sending records to ${topic}, partition ${partition}: the broker answered offset ${metadata.baseOffset}`,
      { path: topic },
    );
  }
  return offset;
}

// Promise 2: what was written is compared with what was sent before it is committed.
function gap(topic: string, partition: number, expected: number, found: number): HeadraceError {
  const message = `Sending records to ${topic}, partition ${partition}: offset ${expected} was next, but the broker wrote at ${found}`;
  return new HeadraceError('OUTCOME_UNKNOWN', message, { path: topic, suggestion: 'Does anybody else write to this topic?' });
}
