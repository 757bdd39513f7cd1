import type { Change } from '../core/change.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Envelope } from '../publish/envelope.ts';
import type { Publisher, Transaction } from '../publish/publisher.ts';
import { transactionalIdOf } from '../publish/topics.ts';
import type { ControlRecord, Horizon } from '../snapshot/changelog.ts';
import type { SnapshotView, ViewStep } from '../snapshot/view.ts';
import {
  changesUnder,
  entryUpdates,
  type FactRecords,
  factRecords,
  type LedgerRecord,
  ledgerRecord,
  ownerRecord,
  quarantineRecords,
  snapshotRecords,
} from './chunk-records.ts';
import type { Job } from './job.ts';
import { isAlive, ownedElsewhere, ownerOf } from './owner.ts';
import { furtherOffsets, knownOffsets, namesEveryTopic, type publishedAfter, zeros } from './publication.ts';
import { newestOwner, newestReserved, recover, snapshotEnd } from './recovery.ts';
import type { RollbackStates } from './rollback.ts';
import type { ColumnTypes } from './schema-drift.ts';
import { isSnapshotTailCommitted, UndecidedFacts, undecided } from './undecided.ts';

/** What a chunk says of progress, beside its changes. */
export interface ChunkProgress {
  readonly last: boolean;
  readonly watermark: string | null;
  readonly digest: string | null;
  readonly fullComparisonAt: number | null;
  readonly columns: ColumnTypes | null;
  /** Of the control record from the first expiry, or the last chunk, on. */
  readonly horizon: Horizon | null;
  /** Rows below the horizon, for the ledger. */
  readonly late: number;
}

/** Nothing but the changes of a chunk: progress stays where the view has it. */
export function unmoved(view: SnapshotView): ChunkProgress {
  const { control } = view.state;
  return {
    last: false,
    watermark: control?.watermark ?? null,
    digest: control?.digest ?? null,
    fullComparisonAt: control?.fullComparisonAt ?? null,
    columns: control?.columns ?? null,
    horizon: control?.horizon ?? null,
    late: 0,
  };
}

/** What every chunk of a run has in common. */
export interface WriterParts {
  readonly envelope: Envelope;
  /** Of the control record: what does not change during the run. */
  readonly origin: Pick<ControlRecord, 'contractVersion' | 'form' | 'environment' | 'clusterId' | 'fingerprint' | 'versionFloor' | 'epoch'>;
  readonly partitions: number;
  /** Topics of further contracts, in their order. */
  readonly further?: readonly FurtherTopic[];
  /** What is published: until the comparison is complete, and then. */
  readonly published?: ReturnType<typeof publishedAfter>;
  readonly rollback?: RollbackStates;
  readonly ledger: Pick<LedgerRecord, 'kind' | 'allowed'> & Partial<Pick<LedgerRecord, 'origin' | 'rollback'>>;
  /** Of an adoption: how far it is, and where the fact topic ends. */
  readonly adoption?: { readonly stage: 'clearing' | 'filling'; readonly nextOffsets: readonly number[] } | undefined;
}

/** The topic of a further contract, which gets every version of every fact in the same transaction. */
export interface FurtherTopic {
  readonly topic: string;
  readonly version: string;
  readonly partitions: number;
  readonly envelope: Envelope;
}

const MAX_ATTEMPTS = 3;

/**
 * The one writer of a mapping: holds the fence and the lease, and commits chunks. Promise 6: facts, entries, quarantine, ledger and control of a chunk are one transaction.
 *
 * Any error between the first send and the commit's answer leaves the outcome open. Then the producer is dropped, the mapping is fenced anew, and the control
 * record tells whether the chunk was committed. Nothing is ever retried on the same producer (KAFKA-17754).
 */
export class Writer {
  readonly #job: Job;
  readonly #view: SnapshotView;
  #publisher: Publisher | undefined;
  #parts: WriterParts | undefined;
  #chunk = 0;
  #published = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #renewal: NodeJS.Timeout | undefined;
  /** What left the producer unusable: a renewal or a chunk that failed. */
  #failure: unknown;
  #isReleased = false;
  /** Whether the view holds all that was committed before this writer's next record: not while recovering, and not after an apply that failed. */
  #isInStep = false;
  readonly #undecidedFacts: UndecidedFacts;

  private constructor(job: Job, view: SnapshotView) {
    this.#job = job;
    this.#view = view;
    this.#undecidedFacts = new UndecidedFacts(job);
  }

  /** Steps 2 to 4 of the flow: looks who owns the mapping, fences every older instance, and brings the view up to the fence. Throws OWNED_ELSEWHERE. */
  static async open(job: Job, view: SnapshotView): Promise<Writer> {
    await lookBeforeFencing(job, view);
    await job.reach('before_fence');
    const writer = new Writer(job, view);
    const barrier = await writer.#takeOver();
    try {
      await job.reach('after_fence');
      await recover(job, view, barrier, ownerOf(job, job.options.leaseMs));
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      throw error;
    }
    writer.#isInStep = true;
    return writer;
  }

  /** Fences, and keeps the lease from then on: rebuilding a large copy takes longer than a lease. */
  async #takeOver(): Promise<number> {
    try {
      const barrier = await this.#fence();
      this.#renewal = setInterval(() => void this.#renew(), this.#job.options.renewEveryMs);
      return barrier;
    } catch (error) {
      await this.#drop();
      throw error;
    }
  }

  /** Facts that were committed by this writer. */
  get published(): number {
    return this.#published;
  }

  get chunks(): number {
    return this.#chunk;
  }

  /**
   * Says what the chunks of this run have in common. At the very first start it commits a control record before any fact: an initial load that dies in its first
   * chunk leaves aborted records behind, and the next start must know them as its own.
   */
  async use(parts: WriterParts): Promise<void> {
    this.#parts = parts;
    if (!namesEveryTopic(this.#job, this.#view.state.control)) await this.publish([], unmoved(this.#view));
  }

  /** Commits the changes as one transaction, or, where that turns out too slow for the transaction's timeout, as several. */
  async publish(changes: readonly Change[], progress: ChunkProgress): Promise<void> {
    await this.#exclusive(async () => {
      if (this.#failure !== undefined) await this.#reopenAfter(this.#failure);
      await this.#commitChunk(changes, progress, MAX_ATTEMPTS);
    });
  }

  /** Gives the lease back where no last chunk did. */
  async release(): Promise<void> {
    await this.#exclusive(async () => {
      if (!this.#isReleased && this.#publisher !== undefined) await this.#commitRelease();
      this.#isReleased = true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#renewal);
    await this.#queue.catch(() => undefined);
    // A run that failed gives the lease back if it can; if it cannot, the lease ends by itself.
    await this.#giveBack().catch((error: unknown) => this.#job.progress.warn(`the lease could not be given back: ${String(error)}`));
    await this.#drop();
  }

  async #giveBack(): Promise<void> {
    if (this.#isReleased || this.#publisher === undefined) return;
    const failure = this.#failure;
    // Fencing anew would set the view behind records that it does not hold.
    if (failure !== undefined && !this.#isInStep) return;
    if (failure instanceof HeadraceError && (failure.code === 'KAFKA_UNREACHABLE' || failure.code === 'OWNED_ELSEWHERE')) return;
    // After a failure this fences anew, which also ends the transaction that was left open: it would hold back every reader until its timeout.
    await this.release();
  }

  async #commitChunk(changes: readonly Change[], progress: ChunkProgress, attempts: number): Promise<void> {
    const control = this.#controlOf(changes, progress);
    let step: ViewStep | undefined;
    try {
      step = await this.#send(changes, control, progress, (prepared) => {
        step = prepared;
      });
    } catch (error) {
      if (!isUncertain(error)) {
        this.#failure = error;
        throw error;
      }
      const next = await this.#reopenAfter(error, control);
      if (next === undefined) {
        if (attempts === 1) throw tooManyAttempts(this.#job, error);
        await this.#sendAgain(changes, progress, attempts - 1, error);
        return;
      }
      if (step === undefined)
        throw new HeadraceError('SNAPSHOT_CORRUPT', `${this.#job.mapping.name}: a chunk was committed that was never sent.`);
      step = { ...step, expected: this.#view.state.offset, next };
    }
    await this.#apply(step);
    this.#published += changes.filter(
      (c) => c.kind === 'created' || c.kind === 'updated' || c.kind === 'deleted' || c.kind === 'filled',
    ).length;
    if (progress.last) this.#isReleased = true;
  }

  /** A transaction that outlived its timeout is halved; anything else is sent as it was. */
  async #sendAgain(changes: readonly Change[], progress: ChunkProgress, attempts: number, error: unknown): Promise<void> {
    if (!isFenced(error) || changes.length < 2) return this.#commitChunk(changes, progress, attempts);
    const half = Math.ceil(changes.length / 2);
    await this.#commitChunk(changes.slice(0, half), { ...unmoved(this.#view), horizon: progress.horizon }, attempts);
    await this.#commitChunk(changes.slice(half), progress, attempts);
  }

  /** Sends and commits; `onPrepared` gets what to apply, just before the commit is asked for. */
  async #send(
    changes: readonly Change[],
    base: ControlRecord,
    { late }: ChunkProgress,
    onPrepared: (step: ViewStep) => void,
  ): Promise<ViewStep> {
    const { topics, reach, mapping, partitionOf } = this.#job;
    const { envelope, partitions, ledger, further = [] } = this.#required(this.#parts);
    const facts = factRecords(changesUnder(changes, 0, further), envelope, (key) => partitionOf(key, partitions), mapping.onDelete);
    const others = further.map((to, i) => ({
      topic: to.topic,
      records: factRecords(changesUnder(changes, i + 1, further), to.envelope, (key) => partitionOf(key, to.partitions), mapping.onDelete),
    }));
    const quarantined = quarantineRecords(changes, { id: base.run, contractVersion: base.contractVersion, mapping: mapping.name });
    const owner = ownerOf(this.#job, base.last ? 0 : this.#job.options.leaseMs);

    await reach('before_first_send');
    const transaction = await this.#required(this.#publisher).begin();
    if (facts.byPartition.size > 0) await this.#undecidedFacts.look();
    const baseOffsets = new Map<number, number>();
    const nextOffsets = [...base.nextOffsets];
    for (const [partition, records] of facts.byPartition) {
      const offset = await transaction.send(topics.facts, partition, records);
      checkOffset(topics.facts, partition, offset, nextOffsets[partition] ?? 0);
      this.#undecidedFacts.sent(partition, offset, nextOffsets[partition] ?? 0);
      baseOffsets.set(partition, offset);
      nextOffsets[partition] = offset + records.length;
      await reach('between_sends');
    }
    const also = await this.#sendFurther(transaction, others, base.also);
    if (quarantined.length > 0) await transaction.send(topics.quarantine, 0, quarantined);
    const from = this.#view.state.control?.watermark ?? null;
    const entry = ledgerRecord({
      format: 1,
      run: base.run,
      mapping: mapping.name,
      origin: 'live',
      chunk: base.chunk,
      last: base.last,
      at: new Date(this.#job.clock()).toISOString(),
      watermark: { from, to: base.watermark },
      counts: { ...countKinds(changes), ...(late > 0 ? { late } : {}) },
      contractVersion: base.contractVersion,
      ...ledger,
    });
    if (changes.length > 0 || base.last) await transaction.send(topics.runs, 0, [entry]);
    const updates = entryUpdates(changes, facts.places, baseOffsets);
    const control = { ...base, nextOffsets, ...(also === undefined ? {} : { also }) };
    const records = snapshotRecords(updates, control, owner);
    const { offset: expected } = this.#view.state;
    const first = await transaction.send(topics.snapshot, 0, records);
    checkOffset(topics.snapshot, 0, first, expected);
    await reach('after_last_send');
    this.#undecidedFacts.mustBeNone();
    const step: ViewStep = {
      expected,
      // The last record, then the marker of the transaction.
      next: first + records.length + 1,
      appliedAtMs: this.#job.clock(),
      control,
      owner,
      entries: updates,
      marks: changes.map(({ row }) => row).filter((row) => row !== null),
      forget: changes.map(({ forgetRow }) => forgetRow).filter((key) => key !== null),
    };
    onPrepared(step);
    await reach('commit_sent');
    // Until the chunk is applied, or known not to be committed, nothing may move the view past it.
    this.#isInStep = false;
    await transaction.commit();
    await reach('after_commit');
    return step;
  }

  /** Promise 6: the topics of further contracts get the same versions in the same transaction. Returns where they end then. */
  async #sendFurther(
    transaction: Transaction,
    others: readonly { readonly topic: string; readonly records: FactRecords }[],
    before: ControlRecord['also'],
  ): Promise<ControlRecord['also']> {
    const after = new Map(before?.map(({ topic, nextOffsets }) => [topic, [...nextOffsets]]));
    for (const { topic, records } of others) {
      const next = after.get(topic) ?? [];
      for (const [partition, sent] of records.byPartition) {
        const offset = await transaction.send(topic, partition, sent);
        checkOffset(topic, partition, offset, next[partition] ?? 0);
        next[partition] = offset + sent.length;
        await this.#job.reach('between_sends');
      }
    }
    return before?.map(({ topic }) => ({ topic, nextOffsets: after.get(topic) ?? [] }));
  }

  async #apply(step: ViewStep): Promise<void> {
    await this.#job.reach('inside_apply');
    this.#isInStep = false;
    this.#view.apply(step);
    this.#isInStep = true;
    await this.#job.reach('applied');
  }

  /**
   * Drops the producer, makes sure that the mapping is still ours, and fences anew. Returns the view's next offset if the chunk in question turned out to be committed.
   * Throws OWNED_ELSEWHERE if another run wrote its owner record meanwhile.
   */
  async #reopenAfter(error: unknown, control?: ControlRecord): Promise<number | undefined> {
    const { job, view } = { job: this.#job, view: this.#view };
    // Promise 2: until this has come to its end, what lies between the view and the new fence is unknown, and nothing may set the view behind it.
    this.#failure = error;
    this.#isInStep = false;
    await this.#drop();
    const { end } = await snapshotEnd(job, view);
    const owner = await newestOwner(job, view, end);
    if (owner !== null && owner.run !== job.runId) throw ownedElsewhere(owner, job.mapping.name, job.clock());
    job.progress.warn(`a transaction's outcome is unknown (${error instanceof Error ? error.message : String(error)}); recovering`);
    const barrier = await this.#fence();
    const found = await newestReserved(job, view.state.offset, barrier);
    if (found.owner !== undefined && found.owner.run !== job.runId) throw ownedElsewhere(found.owner, job.mapping.name, job.clock());
    this.#failure = undefined;
    const isCommitted = control !== undefined && found.control?.run === control.run && found.control.chunk === control.chunk;
    if (isCommitted) return barrier + 2;
    view.apply({ expected: view.state.offset, next: barrier + 2, appliedAtMs: job.clock(), owner: ownerOf(job, job.options.leaseMs) });
    this.#isInStep = true;
    return undefined;
  }

  /** A new producer whose first transaction is the owner record: from its commit on no older instance can write. Returns the record's offset. */
  async #fence(): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const transaction = await this.#beginAnew();
      const [{ end } = { end: 0 }] = await this.#job.admin.offsets(this.#job.topics.snapshot);
      const offset = await this.#appendOwner(transaction, this.#job.options.leaseMs);
      // Promise 6: a commit here would also commit what Kafka left undecided. Whose records are still in the way after an abort, cannot be known: not ours.
      if (offset <= end || attempt > 1 || (await isSnapshotTailCommitted(this.#job, this.#view, end))) {
        await transaction.commit();
        this.#undecidedFacts.fenced();
        return offset;
      }
      this.#job.progress.warn(undecided(this.#job.topics.snapshot, 0, end, offset));
      await this.#drop();
    }
  }

  /** A new producer, which has shut out every older one. */
  async #beginAnew(): Promise<Transaction> {
    const { project, mapping, publishers } = this.#job;
    this.#publisher = await publishers.open({
      transactionalId: transactionalIdOf(project.name, mapping),
      transactionTimeoutMs: project.kafka.transactionTimeoutMs,
    });
    return this.#publisher.begin();
  }

  async #renew(): Promise<void> {
    await this.#exclusive(async () => {
      if (this.#isReleased || this.#failure !== undefined) return;
      try {
        await this.#commitOwner(this.#job.options.leaseMs);
      } catch (error) {
        // The next chunk recovers, or learns that another run took over.
        this.#failure = error;
      }
    });
  }

  async #commitRelease(): Promise<void> {
    if (this.#failure !== undefined) await this.#reopenAfter(this.#failure);
    try {
      await this.#commitOwner(0);
    } catch (error) {
      if (!isUncertain(error) || !this.#isInStep) throw error;
      await this.#reopenAfter(error);
      await this.#commitOwner(0);
    }
  }

  async #commitOwner(leaseMs: number): Promise<void> {
    const offset = await this.#sendOwner(leaseMs);
    // Promise 2: a view that skipped a committed chunk would publish it again.
    if (!this.#isInStep) return;
    const { state } = this.#view;
    this.#view.apply({ expected: state.offset, next: offset + 2, appliedAtMs: this.#job.clock(), owner: ownerOf(this.#job, leaseMs) });
  }

  async #sendOwner(leaseMs: number): Promise<number> {
    const transaction = await this.#required(this.#publisher).begin();
    const offset = await this.#appendOwner(transaction, leaseMs);
    await transaction.commit();
    return offset;
  }

  #appendOwner(transaction: Transaction, leaseMs: number): Promise<number> {
    return transaction.send(this.#job.topics.snapshot, 0, [ownerRecord(ownerOf(this.#job, leaseMs))]);
  }

  #controlOf(changes: readonly Change[], { late, ...progress }: ChunkProgress): ControlRecord {
    const { origin, partitions, adoption, rollback, further = [], published } = this.#required(this.#parts);
    const { control } = this.#view.state;
    // Promise 2: no entry is gone before the horizon says so; Promise 1: nothing is refused before it was published, and expiries come last.
    const isRaised = progress.last || changes.some(({ kind }) => kind === 'expired');
    const horizon = isRaised ? progress.horizon : (control?.horizon ?? null);
    const topic = this.#job.topics.facts;
    const places = {
      topic,
      nextOffsets: adoption?.nextOffsets ?? knownOffsets(this.#job, control, topic) ?? zeros(partitions),
      also: furtherOffsets(this.#job, control, further),
      published: progress.last ? published?.after : published?.during,
      rollback: progress.last ? rollback?.after : rollback?.during,
    };
    const stage = adoption !== undefined && !progress.last ? { adoption: adoption.stage } : {};
    return { format: 1, run: this.#job.runId, chunk: ++this.#chunk, ...progress, horizon, ...origin, ...places, ...stage };
  }

  async #drop(): Promise<void> {
    await this.#publisher?.close();
    this.#publisher = undefined;
  }

  /** One transaction at a time: a renewal of the lease waits for a chunk, and the other way round. */
  #exclusive<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(act, act);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #required<T>(part: T | undefined): T {
    if (part === undefined) throw new Error('the writer is closed or not yet in use');
    return part;
  }
}

/** Step 2: a live lease of another run ends this one before it has touched anything. */
async function lookBeforeFencing(job: Job, view: SnapshotView): Promise<void> {
  const { end } = await snapshotEnd(job, view);
  const owner = await newestOwner(job, view, end);
  if (owner !== null && !job.options.takeOver && isAlive(owner, job)) throw ownedElsewhere(owner, job.mapping.name, job.clock());
}

function isUncertain(error: unknown): boolean {
  return error instanceof HeadraceError && (error.code === 'OUTCOME_UNKNOWN' || isFenced(error));
}

function isFenced(error: unknown): boolean {
  return error instanceof HeadraceError && error.code === 'FENCED';
}

function tooManyAttempts(job: Job, cause: unknown): HeadraceError {
  return new HeadraceError('KAFKA_UNREACHABLE', `${job.mapping.name}: a chunk could not be committed in ${MAX_ATTEMPTS} attempts.`, {
    suggestion: 'Nothing is half-written. Check the brokers (headrace doctor), then run again: it goes on with the next chunk.',
    cause,
  });
}

/** A partition that gives out an offset twice is not the one that was written before. */
function checkOffset(topic: string, partition: number, offset: number, atLeast: number): void {
  if (offset >= atLeast) return;
  throw new HeadraceError(
    'SNAPSHOT_FOREIGN',
    `${topic} gave offset ${offset} in partition ${partition}, but ${atLeast} was reached before.`,
    {
      suggestion: 'The topic was recreated while the run went on. The transaction was not committed.',
    },
  );
}

function countKinds(changes: readonly Change[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of changes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
