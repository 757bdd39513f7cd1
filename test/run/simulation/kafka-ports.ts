import { HeadraceError } from '../../../src/core/errors.ts';
import type {
  OutgoingRecord,
  Publisher,
  PublisherFactory,
  PublisherOptions,
  RecordReader,
  TopicAdmin,
  TopicState,
  Transaction,
} from '../../../src/publish/publisher.ts';
import { type Broker, BrokerError } from './broker.ts';
import { type Incarnation, unknownOutcome, unreachable } from './incarnation.ts';

export const CLUSTER = 'simulated-cluster';

/** How the simulated process publishes. `reuseProducers` switches a rule off: see rules-off.ts. */
export class SimulatedPublishers implements PublisherFactory {
  readonly #broker: Broker;
  readonly #process: Incarnation;
  readonly #reuseProducers: boolean;
  /** Of this process: the epoch of the producer that an uncertain error left behind. */
  #epochLeft: number | undefined;

  constructor(broker: Broker, process: Incarnation, reuseProducers: boolean) {
    this.#broker = broker;
    this.#process = process;
    this.#reuseProducers = reuseProducers;
  }

  async open(options: PublisherOptions): Promise<Publisher> {
    await this.#process.call(
      'connect',
      () => undefined,
      () => unreachable('connecting'),
    );
    const epoch = this.#reuseProducers ? this.#epochLeft : undefined;
    return new SimulatedPublisher(this.#broker, this.#process, options, epoch, (left) => {
      this.#epochLeft = left;
    });
  }
}

/** Keeps the port's word as the real one does: any failure is the end of the publisher; only the first `begin` asks the broker. */
class SimulatedPublisher implements Publisher {
  readonly #broker: Broker;
  readonly #process: Incarnation;
  readonly #options: PublisherOptions;
  readonly #isReused: boolean;
  readonly #leave: (epoch: number | undefined) => void;
  #epoch: number | undefined;
  #isBegun = false;
  #isDead = false;
  #hasSent = false;
  #busy = false;

  constructor(
    broker: Broker,
    process: Incarnation,
    options: PublisherOptions,
    epoch: number | undefined,
    leave: (epoch: number | undefined) => void,
  ) {
    this.#broker = broker;
    this.#process = process;
    this.#options = options;
    this.#epoch = epoch;
    this.#isReused = epoch !== undefined;
    this.#leave = leave;
  }

  async begin(): Promise<Transaction> {
    const { transactionalId: id, transactionTimeoutMs } = this.#options;
    this.#mustLive();
    if (this.#isBegun) throw new Error('the transaction before this one has not ended');
    const broker = this.#broker;
    if (this.#epoch === undefined) {
      this.#epoch = await this.#request('InitProducerId', () => broker.initProducer(id, transactionTimeoutMs), unreachable);
    } else if (this.#isReused) {
      // The rule is off: what may be open is aborted, and the same producer goes on.
      const epoch = this.#epoch;
      const abort = () => {
        ignoreState(() => broker.endTransaction(id, epoch, 'aborted'));
        broker.writeAllMarkers();
      };
      await this.#request('EndTxn abort', abort, unreachable);
    }
    const epoch = this.#epoch;
    this.#isBegun = true;
    this.#hasSent = false;
    const send = (topic: string, partition: number, records: readonly OutgoingRecord[]) => {
      this.#hasSent = true;
      return this.#request(`Produce ${topic}/${partition}`, () => broker.produce(id, epoch, topic, partition, records), unknownOutcome);
    };
    const commit = async () => {
      await this.#request('EndTxn commit', () => broker.endTransaction(id, epoch, 'committed'), unknownOutcome);
      this.#isBegun = false;
    };
    const abort = async () => {
      this.#isBegun = false;
    };
    return { send, commit, abort };
  }

  async close(): Promise<void> {
    const epoch = this.#epoch;
    const mayAbort = !this.#isDead && !this.#busy && this.#isBegun && this.#hasSent && epoch !== undefined;
    this.#isDead = true;
    if (!mayAbort) return;
    const abort = () => this.#broker.endTransaction(this.#options.transactionalId, epoch, 'aborted');
    await this.#process.call('EndTxn abort', abort, () => unreachable('aborting')).catch(() => undefined);
  }

  #mustLive(): void {
    if (this.#isDead) throw unknownOutcome('a publisher that failed before');
  }

  async #request<T>(label: string, act: () => T, failure: (what: string) => HeadraceError): Promise<T> {
    this.#mustLive();
    if (this.#busy) throw new Error('one call at a time');
    this.#busy = true;
    try {
      return await this.#process.call(label, act, () => failure(label));
    } catch (error) {
      this.#isDead = true;
      this.#leave(this.#epoch);
      if (error instanceof BrokerError && error.kind === 'FENCED') {
        this.#leave(undefined);
        throw new HeadraceError('FENCED', `${label}: fenced (simulated).`);
      }
      throw error instanceof BrokerError ? unknownOutcome(`${label}: ${error.kind}`) : error;
    } finally {
      this.#busy = false;
    }
  }
}

function ignoreState(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof BrokerError) || error.kind === 'FENCED') throw error;
  }
}

export function simulatedReader(broker: Broker, process: Incarnation): RecordReader {
  return {
    read: async ({ topic, partition, from, until }, each) => {
      const records = await process.call(
        `read ${topic}/${partition} ${from}..${until}`,
        () => {
          const log = broker.partition(topic, partition);
          if (broker.stableEnd(log) < until) broker.writeAllMarkers();
          if (broker.stableEnd(log) < until) throw unreachable('reading behind an open transaction');
          return broker.committed(log).filter((r) => r.offset >= from && r.offset < until);
        },
        () => unreachable('reading'),
      );
      for (const { offset, timestampMs, key, value, headers } of records) await each({ offset, timestampMs, key, value, headers });
    },
    hasRecordAt: (topic, partition, offset) =>
      process.call(
        `look at ${topic}/${partition} ${offset}`,
        () => broker.partition(topic, partition).log[offset]?.isMarker === false,
        () => unreachable('reading'),
      ),
  };
}

/** `blindFor` switches a rule off: of this topic everything is said to be decided. */
export function simulatedAdmin(broker: Broker, process: Incarnation, blindFor?: string): TopicAdmin {
  const ask = <T>(label: string, act: () => T) => process.call(label, act, () => unreachable(label));
  const state = (topic: string): TopicState => ({
    topic,
    partitions: broker.topics.get(topic)?.length ?? 0,
    replication: 1,
    inSync: 1,
    config: new Map([['cleanup.policy', topic.endsWith('.snapshot') ? 'compact' : 'delete']]),
    configReadable: true,
  });
  const never = () => Promise.reject(new Error('not part of a run'));
  return {
    clusterId: () => ask('clusterId', () => CLUSTER),
    describe: (topics) => ask('describe topics', () => new Map(topics.map((topic) => [topic, state(topic)]))),
    offsets: (topic) =>
      ask(`offsets of ${topic}`, () =>
        (broker.topics.get(topic) ?? []).map((p) => ({
          partition: p.index,
          start: 0,
          end: topic === blindFor ? p.log.length : broker.stableEnd(p),
        })),
      ),
    create: never,
    alterConfig: never,
    brokers: never,
    remove: never,
  };
}
