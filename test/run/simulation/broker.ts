import type { OutgoingRecord } from '../../../src/publish/publisher.ts';

/** A record as it lies in a partition of the model. Markers occupy an offset, as Kafka's control records do. */
export interface StoredRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
  /** Changes once, for a record that was left undecided: see `endUnheard`. */
  transaction: TransactionState;
  readonly isMarker: boolean;
  /** Compaction took it away; its offset stays empty. */
  removed: boolean;
}

export interface TransactionState {
  readonly number: number;
  readonly epoch: number;
  readonly beganAtMs: number;
  readonly partitions: Set<Partition>;
  outcome: 'open' | 'committed' | 'aborted';
  /** Some partition never heard how it ended: what consumers see of it is not all of it until that is decided. */
  isSplit?: true;
}

export interface Partition {
  readonly topic: string;
  readonly index: number;
  readonly log: StoredRecord[];
}

interface Coordinator {
  epoch: number;
  timeoutMs: number;
  current: TransactionState | undefined;
  /** What the last EndTxn of this epoch decided: asked for again, Kafka answers as it did. */
  last: 'none' | 'committed' | 'aborted';
  /** Decided transactions whose markers are not written yet. */
  unmarked: TransactionState[];
  /** What is left of transactions that ended unheard, one for each partition: the next transaction there takes it over. */
  undecided: TransactionState[];
}

export class BrokerError extends Error {
  readonly kind: 'FENCED' | 'INVALID_TXN_STATE';

  constructor(kind: 'FENCED' | 'INVALID_TXN_STATE') {
    super(kind);
    this.kind = kind;
  }
}

/**
 * A model of Kafka's transactions, one request at a time: epochs that fence, transactions that are open, committed or aborted, markers that are written some
 * time after the answer, a last stable offset, timeouts that bump the epoch. Requests name (transactional id, epoch) and nothing finer, as those of Kafka
 * before KIP-890's second part: so a late EndTxn decides whatever transaction of that epoch is open when it arrives (KAFKA-17754).
 */
export class Broker {
  readonly topics = new Map<string, Partition[]>();
  readonly #coordinators = new Map<string, Coordinator>();
  readonly #clock: () => number;
  #transactions = 0;
  /** Goes up whenever something is committed. */
  commits = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  create(topic: string, partitions: number): void {
    this.topics.set(
      topic,
      Array.from({ length: partitions }, (_, index) => ({ topic, index, log: [] })),
    );
  }

  partition(topic: string, index: number): Partition {
    const partition = this.topics.get(topic)?.[index];
    if (partition === undefined) throw new Error(`the model has no ${topic}/${index}`);
    return partition;
  }

  /** InitProducerId: ends what is open, and every older epoch. */
  initProducer(id: string, timeoutMs: number): number {
    const coordinator = this.#coordinator(id);
    if (coordinator.current !== undefined) this.#decide(coordinator, 'aborted');
    this.#writeMarkers(coordinator);
    coordinator.epoch++;
    coordinator.timeoutMs = timeoutMs;
    coordinator.last = 'none';
    return coordinator.epoch;
  }

  /** AddPartitionsToTxn, then Produce. Returns the offset of the first record. */
  produce(id: string, epoch: number, topic: string, index: number, records: readonly OutgoingRecord[]): number {
    const coordinator = this.#coordinator(id);
    this.#mustBeNewest(coordinator, epoch);
    // CONCURRENT_TRANSACTIONS until the markers of the transaction before are written: the client waits.
    this.#writeMarkers(coordinator);
    coordinator.current ??= { number: ++this.#transactions, epoch, beganAtMs: this.#clock(), partitions: new Set(), outcome: 'open' };
    const partition = this.partition(topic, index);
    coordinator.current.partitions.add(partition);
    for (const left of coordinator.undecided.filter(({ partitions }) => partitions.has(partition))) {
      move(partition, left, coordinator.current);
      coordinator.undecided = coordinator.undecided.filter((other) => other !== left);
    }
    const first = partition.log.length;
    for (const record of records) append(partition, coordinator.current, this.#clock(), record);
    return first;
  }

  endTransaction(id: string, epoch: number, outcome: 'committed' | 'aborted'): void {
    const coordinator = this.#coordinator(id);
    this.#mustBeNewest(coordinator, epoch);
    if (coordinator.current === undefined) {
      if (coordinator.last === outcome) return;
      throw new BrokerError('INVALID_TXN_STATE');
    }
    this.#decide(coordinator, outcome);
  }

  /** Transactions that outlived their timeout are aborted, and their producers fenced. */
  expire(): void {
    for (const coordinator of this.#coordinators.values()) {
      const { current } = coordinator;
      if (current === undefined || this.#clock() - current.beganAtMs <= coordinator.timeoutMs) continue;
      this.#decide(coordinator, 'aborted');
      this.#writeMarkers(coordinator);
      coordinator.epoch++;
      coordinator.last = 'none';
    }
  }

  /**
   * KAFKA-20734: the broker comes back after a crash, aborts what outlived its timeout, and calls that done although partitions without a leader have not heard of it. So
   * too with a transaction whose commit was answered and whose markers it had not written yet; with `hearsCommit`.
   */
  endUnheard(hears: (partition: Partition) => boolean, hearsCommit: (partition: Partition) => boolean): void {
    for (const coordinator of this.#coordinators.values()) {
      for (const committed of coordinator.unmarked) leaveUndecided(coordinator, committed, hearsCommit);
      this.#writeMarkers(coordinator);
      const { current } = coordinator;
      if (current === undefined) continue;
      this.#decide(coordinator, 'aborted');
      leaveUndecided(coordinator, current, hears);
      this.#writeMarkers(coordinator);
      coordinator.epoch++;
      coordinator.last = 'none';
    }
  }

  writeAllMarkers(): void {
    for (const coordinator of this.#coordinators.values()) this.#writeMarkers(coordinator);
  }

  /** The end as read_committed readers see it. */
  stableEnd(partition: Partition): number {
    const unmarked = new Set(
      [...this.#coordinators.values()].flatMap(({ unmarked, undecided, current }) => [...unmarked, ...undecided, current]),
    );
    const open = partition.log.find((r) => !r.isMarker && unmarked.has(r.transaction));
    return open?.offset ?? partition.log.length;
  }

  committed(partition: Partition): StoredRecord[] {
    return partition.log.filter((r) => !r.isMarker && !r.removed && r.transaction.outcome === 'committed');
  }

  /** Log compaction up to the stable end: the newest record of a key stays, a removal only as long as `deleteRetentionMs`. */
  compact(topic: string, deleteRetentionMs: number): void {
    for (const partition of this.topics.get(topic) ?? []) {
      const end = this.stableEnd(partition);
      const newest = new Map<string, number>();
      const keyOf = (r: StoredRecord) => r.key?.toString('latin1') ?? '';
      for (const record of this.committed(partition)) if (record.offset < end) newest.set(keyOf(record), record.offset);
      for (const record of partition.log.slice(0, end)) {
        if (record.isMarker) continue;
        const isOld = record.value === null && this.#clock() - record.timestampMs > deleteRetentionMs;
        if (record.transaction.outcome !== 'committed' || newest.get(keyOf(record)) !== record.offset || isOld) record.removed = true;
      }
    }
  }

  #coordinator(id: string): Coordinator {
    this.expire();
    const known = this.#coordinators.get(id);
    if (known !== undefined) return known;
    const coordinator: Coordinator = { epoch: -1, timeoutMs: 0, current: undefined, last: 'none', unmarked: [], undecided: [] };
    this.#coordinators.set(id, coordinator);
    return coordinator;
  }

  #mustBeNewest(coordinator: Coordinator, epoch: number): void {
    if (epoch !== coordinator.epoch) throw new BrokerError('FENCED');
  }

  #decide(coordinator: Coordinator, outcome: 'committed' | 'aborted'): void {
    const { current } = coordinator;
    if (current === undefined) return;
    current.outcome = outcome;
    coordinator.current = undefined;
    coordinator.last = outcome;
    coordinator.unmarked.push(current);
    if (outcome === 'committed') this.commits++;
  }

  #writeMarkers(coordinator: Coordinator): void {
    for (const transaction of coordinator.unmarked)
      for (const partition of transaction.partitions) append(partition, transaction, this.#clock());
    coordinator.unmarked = [];
  }
}

function leaveUndecided(coordinator: Coordinator, transaction: TransactionState, hears: (partition: Partition) => boolean): void {
  for (const partition of transaction.partitions) {
    if (hears(partition)) continue;
    transaction.partitions.delete(partition);
    transaction.isSplit = true;
    const left: TransactionState = { ...transaction, partitions: new Set([partition]), outcome: 'open' };
    move(partition, transaction, left);
    coordinator.undecided.push(left);
  }
}

function move(partition: Partition, from: TransactionState, to: TransactionState): void {
  for (const record of partition.log) if (record.transaction === from && !record.isMarker) record.transaction = to;
}

function append(partition: Partition, transaction: TransactionState, timestampMs: number, record?: OutgoingRecord): void {
  const { constant, variable } = record?.headers ?? { constant: [], variable: [] };
  partition.log.push({
    offset: partition.log.length,
    key: record === undefined ? null : bytesOf(record.key),
    value: record?.value == null ? null : bytesOf(record.value),
    headers: Object.fromEntries([...constant, ...variable.map((name, i) => [name, record?.headerValues[i] ?? ''])]),
    timestampMs,
    transaction,
    isMarker: record === undefined,
    removed: false,
  });
}

function bytesOf(content: string | Uint8Array): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
}
