import type { Change } from '../core/change.ts';
import { HeadraceError } from '../core/errors.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import type { SnapshotView, ViewStep } from '../snapshot/view.ts';
import { type ChunkProgress, controlOf, unmoved, type WriterParts } from './chunk.ts';
import type { LedgerRecord, LedgerSummary } from './chunk-records.ts';
import { FencedProducer, fenceAfterLooking, isUncertain, lookBeforeFencing } from './fenced-producer.ts';
import type { Job } from './job.ts';
import { ownedElsewhere, ownerOf } from './owner.ts';
import { namesEveryTopic } from './publication.ts';
import { newestOwner, newestReserved, recover, snapshotEnd } from './recovery.ts';
import { sendChunk } from './send-chunk.ts';
import { orTakenOver } from './taken-over.ts';

const MAX_ATTEMPTS = 3;

/** How a run ended that has no last chunk. */
type LedgerEnd = LedgerSummary | Required<Pick<LedgerRecord, 'failure'>>;

/**
 * The one writer of a mapping: holds the fence and the lease, and commits chunks. Promise 6: facts, entries, quarantine, ledger and control of a chunk are one transaction.
 *
 * Any error between the first send and the commit's answer leaves the outcome open. Then the producer is dropped, the mapping is fenced anew, and the control
 * record tells whether the chunk was committed. Nothing is ever retried on the same producer (KAFKA-17754).
 */
export class Writer {
  readonly #job: Job;
  readonly #view: SnapshotView;
  readonly #producer: FencedProducer;
  #parts: WriterParts | undefined;
  #chunk = 0;
  #published = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #renewal: NodeJS.Timeout | undefined;
  /** What left the producer unusable: a renewal or a chunk that failed. */
  #failure: unknown;
  #isReleased = false;
  /** What ended the run. */
  #runError: unknown;
  /** Whether the view holds all that was committed before this writer's next record: not while recovering, and not after an apply that failed. */
  #isInStep = false;

  private constructor(job: Job, view: SnapshotView) {
    this.#job = job;
    this.#view = view;
    this.#producer = new FencedProducer(job, view);
  }

  /** Steps 2 to 4 of the flow: looks who owns the mapping, fences every older instance, and brings the view up to the fence. Throws OWNED_ELSEWHERE. */
  static async open(job: Job, view: SnapshotView): Promise<Writer> {
    await lookBeforeFencing(job, view);
    await job.reach('before_fence');
    const writer = new Writer(job, view);
    const barrier = await writer.#takeOver();
    try {
      await job.reach('after_fence');
      await job.spans.within('recover', { mapping: job.mapping.name }, () =>
        recover(job, view, barrier, ownerOf(job, job.options.leaseMs)),
      );
    } catch (error) {
      const told = await orTakenOver(job, view, error);
      await writer[Symbol.asyncDispose]();
      throw told;
    }
    writer.#isInStep = true;
    return writer;
  }

  /** Fences, and keeps the lease from then on: rebuilding a large copy takes longer than a lease. */
  async #takeOver(): Promise<number> {
    const barrier = await fenceAfterLooking(this.#job, this.#view, this.#producer);
    this.#renewal = setInterval(() => void this.#renew(), this.#job.options.renewEveryMs);
    return barrier;
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
      const about = { chunk: this.#chunk + 1, changes: changes.length, last: progress.last };
      await this.#job.spans.within('chunk', about, () => this.#commitChunk(changes, progress, MAX_ATTEMPTS));
    });
  }

  /** Gives the lease back where no last chunk did; the ledger learns in the same transaction how the run ended. */
  async release(end?: LedgerEnd): Promise<void> {
    await this.#exclusive(async () => {
      if (!this.#isReleased && this.#producer.isOpen) await this.#commitRelease(end);
      this.#isReleased = true;
    });
  }

  /** Does the rest of a run. What it throws is told by the ledger, if the lease can still be given back. */
  async recordingFailure<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      this.#runError = await orTakenOver(this.#job, this.#view, error);
      throw this.#runError;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#renewal);
    await this.#queue.catch(() => undefined);
    // A run that failed gives the lease back if it can; if it cannot, the lease ends by itself.
    await this.#giveBack().catch((error: unknown) => this.#job.progress.warn(`the lease could not be given back: ${String(error)}`));
    await this.#producer.drop();
  }

  async #giveBack(): Promise<void> {
    if (this.#isReleased || !this.#producer.isOpen) return;
    const failure = this.#failure;
    // Fencing anew would set the view behind records that it does not hold.
    if (failure !== undefined && !this.#isInStep) return;
    if (failure instanceof HeadraceError && (failure.code === 'KAFKA_UNREACHABLE' || failure.code === 'OWNED_ELSEWHERE')) return;
    // After a failure this fences anew, which also ends the transaction that was left open: it would hold back every reader until its timeout.
    await this.release(this.#runError === undefined ? undefined : { failure: failureOf(this.#job, this.#runError) });
  }

  async #commitChunk(changes: readonly Change[], progress: ChunkProgress, attempts: number): Promise<void> {
    const control = controlOf(this.#job, this.#view, this.#required(this.#parts), ++this.#chunk, changes, progress);
    let step: ViewStep | undefined;
    try {
      const onPrepared = (prepared: ViewStep) => {
        step = prepared;
      };
      step = await this.#job.spans.within('transaction', {}, () => this.#send(changes, control, progress, onPrepared));
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
    control: ControlRecord,
    { late, summary }: ChunkProgress,
    onPrepared: (step: ViewStep) => void,
  ): Promise<ViewStep> {
    const { reach } = this.#job;
    const chunk = { changes, control, late, summary };
    const { transaction, step } = await sendChunk(this.#job, this.#view, this.#producer, this.#required(this.#parts), chunk);
    onPrepared(step);
    await reach('commit_sent');
    // Until the chunk is applied, or known not to be committed, nothing may move the view past it.
    this.#isInStep = false;
    await transaction.commit();
    await reach('after_commit');
    return step;
  }

  async #apply(step: ViewStep): Promise<void> {
    await this.#job.reach('inside_apply');
    this.#isInStep = false;
    this.#view.apply(step);
    await this.#view.remote?.persist();
    this.#isInStep = true;
    await this.#job.reach('applied');
  }

  /**
   * Drops the producer, makes sure that the mapping is still ours, and fences anew. Returns the view's next offset if the chunk in question turned out to be committed.
   * Throws OWNED_ELSEWHERE if another run wrote its owner record meanwhile.
   */
  #reopenAfter(error: unknown, control?: ControlRecord): Promise<number | undefined> {
    return this.#job.spans.within('reopen', {}, () => this.#findOut(error, control));
  }

  async #findOut(error: unknown, control?: ControlRecord): Promise<number | undefined> {
    const { job, view } = { job: this.#job, view: this.#view };
    // Promise 2: until this has come to its end, what lies between the view and the new fence is unknown, and nothing may set the view behind it.
    this.#failure = error;
    this.#isInStep = false;
    await this.#producer.drop();
    const { end } = await snapshotEnd(job, view);
    const owner = await newestOwner(job, view, end);
    if (owner !== null && owner.run !== job.runId) throw ownedElsewhere(owner, job.mapping.name, job.clock());
    job.progress.warn(`a transaction's outcome is unknown (${error instanceof Error ? error.message : String(error)}); recovering`);
    const barrier = await fenceAfterLooking(job, view, this.#producer);
    const found = await newestReserved(job, view.state.offset, barrier);
    if (found.owner !== undefined && found.owner.run !== job.runId) throw ownedElsewhere(found.owner, job.mapping.name, job.clock());
    this.#failure = undefined;
    const isCommitted = control !== undefined && found.control?.run === control.run && found.control.chunk === control.chunk;
    if (isCommitted) return barrier + 2;
    view.apply({ expected: view.state.offset, next: barrier + 2, appliedAtMs: job.clock(), owner: ownerOf(job, job.options.leaseMs) });
    this.#isInStep = true;
    return undefined;
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

  async #commitRelease(end: LedgerEnd | undefined): Promise<void> {
    if (this.#failure !== undefined) await this.#reopenAfter(this.#failure);
    const entry = end && this.#lastEntry(end);
    try {
      await this.#commitOwner(0, entry);
    } catch (error) {
      if (!isUncertain(error) || !this.#isInStep) throw error;
      await this.#reopenAfter(error);
      await this.#commitOwner(0, entry);
    }
  }

  /** Of a run that ends without a last chunk: it found nothing, or failed. */
  #lastEntry(end: LedgerEnd): LedgerRecord {
    const { mapping, runId, clock, host } = this.#job;
    const watermark = this.#view.state.control?.watermark ?? null;
    return {
      format: 1,
      run: runId,
      mapping: mapping.name,
      origin: 'live',
      chunk: this.#chunk,
      last: true,
      at: new Date(clock()).toISOString(),
      watermark: { from: watermark, to: watermark },
      counts: {},
      contractVersion: this.#parts?.origin.contractVersion ?? `${mapping.version.major}.${mapping.version.minor}`,
      host,
      ...(this.#parts?.ledger ?? { kind: 'run', allowed: [...this.#job.options.allow] }),
      ...end,
    };
  }

  async #commitOwner(leaseMs: number, entry?: LedgerRecord): Promise<void> {
    const offset = await this.#producer.sendOwner(leaseMs, entry);
    // Promise 2: a view that skipped a committed chunk would publish it again.
    if (!this.#isInStep) return;
    const { state } = this.#view;
    this.#view.apply({ expected: state.offset, next: offset + 2, appliedAtMs: this.#job.clock(), owner: ownerOf(this.#job, leaseMs) });
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

/** Promise 10: a message that may hold keys, because somebody asked for them, stays out of the ledger. */
function failureOf(job: Job, error: unknown): NonNullable<LedgerRecord['failure']> {
  const isTold = error instanceof HeadraceError;
  const message = isTold && !job.options.showKeys ? error.message : 'told by the run itself alone';
  return { code: isTold ? error.code : job.signal.aborted ? 'INTERRUPTED' : 'BUG', message };
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
