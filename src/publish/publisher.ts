import type { HeaderTemplate } from './headers.ts';

/** Opens writers. One transactional id has one writer: opening a new one and beginning its first transaction shuts out every older one. */
export interface PublisherFactory {
  open(options: PublisherOptions): Promise<Publisher>;
}

export interface PublisherOptions {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
}

/**
 * A transactional writer. After any error from a transaction's first send to its commit the outcome is unknown (OUTCOME_UNKNOWN, or FENCED where the
 * broker says so): the caller closes the publisher and recovers; nothing here retries a commit or reuses a producer (KAFKA-17754).
 */
export interface Publisher {
  /** The first call fences: it completes InitProducerId, after which no older writer of the id can commit and what it left open is decided. */
  begin(): Promise<Transaction>;
  /** Idempotent; never throws. */
  close(): Promise<void>;
}

export interface Transaction {
  /**
   * Sends records to one partition, in order, and resolves to the offset of the first; the others follow without a gap, or it throws.
   * One send at a time: a caller awaits each before the next.
   */
  send(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<number>;
  /** Resolves only when the broker said that the transaction is committed. */
  commit(): Promise<void>;
  /** Only before the first send; afterwards close the publisher instead. */
  abort(): Promise<void>;
}

export interface OutgoingRecord {
  readonly key: string | Uint8Array;
  /** Null is a tombstone. */
  readonly value: string | Uint8Array | null;
  readonly headers: HeaderTemplate;
  /** Values of the template's variable headers, in its order. */
  readonly headerValues: readonly string[];
}

/** Reads committed records of one partition without taking part in anybody's consumer group. Needs a join and a fetch: 0.1 to 3 s, so it is not used when there is nothing to read. */
export interface RecordReader {
  /**
   * Calls `each` for every committed record with from <= offset < until, in order; returns when the position has reached `until` (control records and
   * aborted records count as passed). Waits for a promise that `each` returns before it goes on. Throws KAFKA_UNREACHABLE when no progress is made for the deadline: a silent topic is not an empty one.
   */
  read(request: ReadRequest, each: (record: IncomingRecord) => unknown, signal: AbortSignal): Promise<void>;
  /** Whether the log goes on to this offset: a record lies there, be it committed or not. Where none does the answer takes some seconds. */
  hasRecordAt(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<boolean>;
}

export interface ReadRequest {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly until: number;
}

export interface IncomingRecord {
  readonly offset: number;
  /** Milliseconds since 1970, as the broker keeps it. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** What exists in the cluster, and its making. */
export interface TopicAdmin {
  clusterId(): Promise<string>;
  /** Undefined for a topic that does not exist. Fresh, never from a cache. */
  describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicState | undefined>>;
  /** Creates topics and waits until they can be written to. */
  create(specs: readonly TopicSpec[]): Promise<void>;
  alterConfig(topic: string, config: ReadonlyMap<string, string>): Promise<void>;
  /** Per partition: first offset still there, and last stable offset (the end as read_committed readers see it). */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>;
  brokers(): Promise<BrokerInfo>;
  remove(topics: readonly string[]): Promise<void>;
}

/** Consumer groups of others: what they have committed, and moving it. */
export interface GroupAdmin {
  /** Members that it has now; 0 for a group that does not exist or that nobody is in. */
  members(group: string): Promise<number>;
  /** Per partition of the topic, the offset that the group reads next; −1 where it committed none. */
  committed(group: string, topic: string): Promise<readonly number[]>;
  /** The same of several topics that exist; topics in which it committed nothing have −1 in each partition. */
  committedOf(group: string, topics: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>>;
  /** Per partition, the offset of the first record not older than this time (milliseconds since 1970); the end where there is none. */
  offsetsAt(topic: string, timeMs: number): Promise<readonly number[]>;
  /** Commits these offsets, one per partition, for a group without members. Throws GROUP_ACTIVE. */
  reset(group: string, topic: string, offsets: readonly number[]): Promise<void>;
}

export interface PartitionOffsets {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly replication?: number | undefined;
  readonly config: ReadonlyMap<string, string>;
}

export interface TopicState {
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  /** The fewest replicas in sync that any of its partitions has now. */
  readonly inSync: number;
  /** Every setting in force, defaults included; empty where the principal may not read settings. */
  readonly config: ReadonlyMap<string, string>;
  readonly configReadable: boolean;
}

export interface BrokerInfo {
  readonly count: number;
  readonly addresses: readonly string[];
}
