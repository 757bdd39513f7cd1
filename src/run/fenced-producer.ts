import { HeadraceError } from '../core/errors.ts';
import type { Publisher, Transaction } from '../publish/publisher.ts';
import { transactionalIdOf } from '../publish/topics.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import { type LedgerRecord, ledgerRecord, ownerRecord } from './chunk-records.ts';
import type { Job } from './job.ts';
import { isAlive, ownedElsewhere, ownerOf } from './owner.ts';
import { aheadOfKafka, newestOwner, snapshotEnd } from './recovery.ts';
import { isSnapshotTailCommitted, UndecidedFacts, undecided } from './undecided.ts';

/** The producer of a mapping, which has shut out every older one. Promise 2: after an error it is dropped, and another one fences anew. */
export class FencedProducer {
  readonly undecidedFacts: UndecidedFacts;
  readonly #job: Job;
  readonly #view: SnapshotView;
  #publisher: Publisher | undefined;

  constructor(job: Job, view: SnapshotView) {
    this.#job = job;
    this.#view = view;
    this.undecidedFacts = new UndecidedFacts(job);
  }

  get isOpen(): boolean {
    return this.#publisher !== undefined;
  }

  get publisher(): Publisher {
    if (this.#publisher === undefined) throw new Error('the writer is closed');
    return this.#publisher;
  }

  /** A new producer whose first transaction is the owner record: from its commit on no older instance can write. Returns the record's offset. */
  async fence(): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const transaction = await this.#beginAnew();
      const [{ end } = { end: 0 }] = await this.#job.admin.offsets(this.#job.topics.snapshot);
      const offset = await this.#appendOwner(transaction, this.#job.options.leaseMs);
      // Now that the log's end is known. One less than what the view counts: the marker of what it holds was never written.
      if (offset < this.#view.state.offset - 1) {
        await this.drop();
        throw aheadOfKafka(this.#job, this.#view, offset);
      }
      // Promise 6: a commit here would also commit what Kafka left undecided. Whose records are still in the way after an abort, cannot be known: not ours.
      if (offset <= end || attempt > 1 || (await isSnapshotTailCommitted(this.#job, this.#view, end))) {
        await transaction.commit();
        this.undecidedFacts.fenced();
        return offset;
      }
      this.#job.progress.warn(undecided(this.#job.topics.snapshot, 0, end, offset));
      await this.drop();
    }
  }

  /** Commits an owner record, and what the ledger is to say with it. Returns the owner record's offset. */
  async sendOwner(leaseMs: number, entry?: LedgerRecord): Promise<number> {
    const transaction = await this.publisher.begin();
    if (entry !== undefined) await transaction.send(this.#job.topics.runs, 0, [ledgerRecord(entry)]);
    const offset = await this.#appendOwner(transaction, leaseMs);
    await transaction.commit();
    return offset;
  }

  #appendOwner(transaction: Transaction, leaseMs: number): Promise<number> {
    return transaction.send(this.#job.topics.snapshot, 0, [ownerRecord(ownerOf(this.#job, leaseMs))]);
  }

  async drop(): Promise<void> {
    await this.#publisher?.close();
    this.#publisher = undefined;
  }

  async #beginAnew(): Promise<Transaction> {
    const { project, mapping, publishers } = this.#job;
    this.#publisher = await publishers.open({
      transactionalId: transactionalIdOf(project.name, mapping),
      transactionTimeoutMs: project.kafka.transactionTimeoutMs,
    });
    return this.#publisher.begin();
  }
}

const FENCE_ATTEMPTS = 4;
/** Longer than it takes to commit an owner record. */
const STAND_BACK_MS = 500;

/**
 * Step 3. Who is shut out before its owner record is committed has lost a race: two looked at the same moment, and saw nobody. It stands back, and looks again: the
 * other's record says that it owns the mapping, or there is none, because it died. Throws OWNED_ELSEWHERE.
 */
export async function fenceAfterLooking(job: Job, view: SnapshotView, producer: FencedProducer): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await producer.fence();
    } catch (error) {
      await producer.drop();
      if (!isUncertain(error) || attempt === FENCE_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, STAND_BACK_MS * attempt));
      await lookBeforeFencing(job, view);
    }
  }
}

/** Whether a transaction was committed cannot be known: only recovery tells. Of an owner record that lost a race it matters to nobody. */
export function isUncertain(error: unknown): boolean {
  return error instanceof HeadraceError && (error.code === 'OUTCOME_UNKNOWN' || error.code === 'FENCED');
}

/** Step 2: a live lease of another run ends this one before it has touched anything. */
export async function lookBeforeFencing(job: Job, view: SnapshotView): Promise<void> {
  const { end } = await snapshotEnd(job, view);
  if (end < view.state.offset) await mustBeItsTopic(job, view, end);
  const owner = await newestOwner(job, view, end);
  if (owner !== null && !job.options.takeOver && isAlive(owner, job)) throw ownedElsewhere(owner, job.mapping.name, job.clock());
}

/**
 * A view that is ahead of the topic may be that of another cluster, whose runs nobody here may shut out. And where nothing was ever committed, no transaction of ours is
 * undecided either: the topic was created anew.
 */
async function mustBeItsTopic(job: Job, view: SnapshotView, end: number): Promise<void> {
  const { control } = view.state;
  const isElsewhere = control !== null && control.clusterId !== (await job.admin.clusterId());
  if (end === 0 || isElsewhere) throw aheadOfKafka(job, view, end);
}
