import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { KafkaConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Grant } from '../grants.ts';
import type { IncomingRecord, ReadRequest, RecordReader } from '../publisher.ts';
import { KafkaConnection, type KafkaLog } from './connection.ts';
import { type KafkaContext, kafkaError } from './errors.ts';
import { KafkaTopicAdmin } from './topic-admin.ts';

export interface KafkaRecordReaderOptions {
  /** Start of the group ids, before a dot: a grant (Read on groups, prefixed) has to cover it. */
  readonly groupIdPrefix: string;
  readonly log?: KafkaLog;
  /** What the principal ought to have: a refusal is told as what of this is missing. */
  readonly grants?: readonly Grant[] | undefined;
  /** No progress for so long is an error. */
  readonly progressTimeoutMs?: number;
}

/** Larger fetches are slower here, and cost memory. */
const FETCH_BYTES_PER_PARTITION = 4 << 20;

/** An answer to a fetch comes within a tenth of a second; joining the group takes up to three. */
const SILENCE_MS = 6_000;

type Request = ReadRequest & { readonly isUncommitted?: true };

/**
 * Reads with read_committed through a consumer group of its own, which is deleted afterwards where the principal may (a broker drops an empty
 * group by itself after some time); nothing is ever committed for it. kafkajs has no reading without a group.
 *
 * Retries: kafkajs joins and fetches again after errors that pass, for as long as there was progress within `progressTimeoutMs`.
 *
 * Throws TOPIC_UNFIT where the partition begins after `from` (a compacted topic's gaps are no reason), TOPIC_MISSING, KAFKA_DENIED,
 * KAFKA_UNREACHABLE, INTERRUPTED on abort, and whatever `each` throws.
 */
export class KafkaRecordReader implements RecordReader {
  readonly #config: KafkaConfig;
  readonly #options: KafkaRecordReaderOptions;

  constructor(config: KafkaConfig, options: KafkaRecordReaderOptions) {
    this.#config = config;
    this.#options = options;
  }

  async read(request: Request, each: (record: IncomingRecord) => unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw interrupted(request);
    if (request.from >= request.until) return;
    const { log, grants } = this.#options;
    const admin = new KafkaTopicAdmin(this.#config, { ...(log && { log }), grants });
    const groupId = `${this.#options.groupIdPrefix}.${randomUUID()}`;
    try {
      const partitions = await admin.offsets(request.topic);
      const start = partitions.find(({ partition }) => partition === request.partition)?.start;
      if (start === undefined) throw unfit(request, 'there is no such partition');
      if (start > request.from) throw unfit(request, `it begins at offset ${start}: earlier records were removed`);
      const others = partitions.map(({ partition }) => partition).filter((partition) => partition !== request.partition);
      await this.#consume(request, groupId, others, each, signal);
      await admin.removeGroup(groupId);
    } finally {
      await admin.close();
    }
  }

  async hasRecordAt(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<boolean> {
    let found = false;
    const request: ReadRequest & { readonly isUncommitted: true } = {
      topic,
      partition,
      from: offset,
      until: offset + 1,
      isUncommitted: true,
    };
    try {
      await this.read(
        request,
        () => {
          found = true;
        },
        signal,
      );
    } catch (error) {
      // An offset behind the log's end is out of range; at its end nothing comes.
      if (!(error instanceof Stalled) && !(error instanceof HeadraceError && error.code === 'TOPIC_UNFIT')) throw error;
    }
    return found;
  }

  async #consume(
    request: Request,
    groupId: string,
    others: number[],
    each: (record: IncomingRecord) => unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const { topic, partition, until } = request;
    const context: KafkaContext = {
      config: this.#config,
      action: 'Reading records',
      topic,
      operation: 'Read',
      group: `${this.#options.groupIdPrefix}.`,
      grants: this.#options.grants,
    };
    let rewound: (() => void) | undefined;
    const connection = await KafkaConnection.prepare(this.#config, (message, fields) => {
      // kafkajs goes on from the topic's first record then, and says so in its log alone.
      if (message.startsWith('Offset out of range, resetting')) rewound?.();
      this.#options.log?.(message, fields);
    });
    const consumer = connection.kafka.consumer({
      groupId,
      maxBytes: 16 * FETCH_BYTES_PER_PARTITION,
      maxBytesPerPartition: FETCH_BYTES_PER_PARTITION,
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      readUncommitted: request.isUncommitted === true,
    });
    // The next offset that is wanted: what lies before it was delivered, or holds nothing for us.
    let position = request.from;
    const progress = new ProgressWatch(request.isUncommitted === true ? SILENCE_MS : (this.#options.progressTimeoutMs ?? 30_000));
    let ended = false;
    let onAbort: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (error: unknown) => reject(kafkaError(connection.revealed(error), context));
        progress.onStop = (ms) => reject(stalled(this.#config, request, position, ms));
        rewound = () => reject(unfit(request, `records at offset ${position} were removed while they were read`));
        onAbort = () => reject(interrupted(request));
        signal.addEventListener('abort', onAbort);
        const advance = (next: number) => {
          if (ended || next <= position) return;
          position = next;
          progress.made();
          if (position >= until) resolve();
        };
        const eachBatch = async ({ batch, heartbeat }: EachBatchPayload) => {
          if (batch.partition !== partition) return;
          try {
            for (const message of batch.messages) {
              const offset = Number(message.offset);
              if (ended || offset < position) continue;
              const waiting = offset < until ? each(incoming(message, offset)) : undefined;
              if (waiting instanceof Promise) {
                progress.stop();
                await waiting;
                progress.made();
                await heartbeat();
              }
              advance(Math.min(offset + 1, until));
            }
          } catch (error) {
            // The caller's own error, which kafkajs would answer by reading the batch again.
            ended = true;
            reject(error);
          }
          await heartbeat();
        };
        followGroup(consumer, request, others, () => position, advance, fail);
        progress.made();
        start(consumer, topic, eachBatch).catch(fail);
      });
    } finally {
      ended = true;
      progress.stop();
      rewound = undefined;
      if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
      await connection.close(() => consumer.disconnect(), 1000);
    }
  }
}

async function start(consumer: Consumer, topic: string, eachBatch: (payload: EachBatchPayload) => Promise<void>): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatch });
}

function followGroup(
  consumer: Consumer,
  { topic, partition }: ReadRequest,
  others: readonly number[],
  position: () => number,
  advance: (next: number) => void,
  fail: (error: unknown) => void,
): void {
  // A join, also a later one, forgets positions and pauses; before the first fetch of each is the moment to say them.
  consumer.on(consumer.events.GROUP_JOIN, () => {
    consumer.seek({ topic, partition, offset: String(position()) });
    if (others.length > 0) consumer.pause([{ topic, partitions: [...others] }]);
  });
  // A stretch of only control and aborted records calls no eachBatch; this event comes for it, too.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    if (payload.topic === topic && payload.partition === partition) advance(Number(payload.lastOffset) + 1);
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) fail(payload.error);
  });
}

/** Calls `onStop` when `made` has not been called for some milliseconds. */
class ProgressWatch {
  onStop: (ms: number) => void = () => {};
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  made(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.onStop(this.#ms), this.#ms);
    else this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function incoming(message: KafkaMessage, offset: number): IncomingRecord {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    // Of a header that stands several times, the last one counts, as in Java's lastHeader.
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) headers[name] = String(last);
  }
  return { offset, timestampMs: Number(message.timestamp), key: message.key, value: message.value, headers };
}

function unfit({ topic, partition, from }: ReadRequest, why: string): HeadraceError {
  return new HeadraceError('TOPIC_UNFIT', `The topic ${topic}, partition ${partition}, cannot be read from offset ${from}: ${why}`, {
    path: topic,
    suggestion: 'Check its retention settings, and whether somebody deleted records or the topic.',
  });
}

class Stalled extends HeadraceError {}

function stalled(config: KafkaConfig, { topic, partition, until }: ReadRequest, position: number, ms: number): HeadraceError {
  const message = `Reading ${topic}, partition ${partition}, stopped at offset ${position} of ${until}: nothing came for ${ms / 1000} s`;
  return new Stalled('KAFKA_UNREACHABLE', message, {
    path: config.brokers.join(', '),
    suggestion:
      'Is a transaction of somebody else open on this topic, or are the brokers of its partition down? Run the command again later.',
  });
}

function interrupted({ topic }: ReadRequest): HeadraceError {
  return new HeadraceError('INTERRUPTED', `Reading ${topic} was stopped before its end`, {
    suggestion: 'Nothing was changed: run the command again.',
  });
}
