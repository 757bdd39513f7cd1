import { HeadraceError } from '../core/errors.ts';
import type { PartitionOffsets } from '../publish/publisher.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { Job } from './job.ts';
import { newestReserved } from './recovery.ts';

/*
 * Undecided records: a broker may end a transaction without writing so into a partition that has no leader at that moment, as after an unclean restart
 * (KAFKA-20734, seen with Kafka 4.3.1). Its coordinator calls the transaction ended; in the partition it goes on, and the next transaction of the same producer decides
 * its records together with its own: a commit would publish what was aborted. Once a producer has fenced, everything before it is decided (InitProducerId waits for
 * that): so a record that lands behind the committed end has undecided ones before it, and an abort of the transaction that holds it is what decides them.
 */

/** Watches the first send to each partition of facts after a fence. */
export class UndecidedFacts {
  readonly #job: Job;
  /** The committed ends as of the fence, of partitions that were not written to since; undefined until they were asked for. */
  #ends: Map<number, number> | undefined;
  /** Partitions in which an abort was tried: what is still in the way then is somebody else's, and no commit of ours decides it. */
  readonly #tried = new Set<number>();
  #found: string[] = [];

  constructor(job: Job) {
    this.#job = job;
  }

  /** A new producer: everything of an older one should be decided. */
  fenced(): void {
    this.#ends = undefined;
    this.#found = [];
  }

  /** To be called before the first send of a transaction with facts. */
  async look(): Promise<void> {
    const { admin, topics } = this.#job;
    this.#ends ??= new Map((await admin.offsets(topics.facts)).map(({ partition, end }) => [partition, end]));
  }

  /** The first record of a send got this offset; facts before `known` are committed, as the snapshot says. */
  sent(partition: number, offset: number, known: number): void {
    const end = this.#ends?.get(partition);
    this.#ends?.delete(partition);
    // What the snapshot counts as published was committed, and is committed here: an abort would lose it.
    if (end === undefined || offset <= end || end < known || this.#tried.has(partition)) return;
    this.#tried.add(partition);
    this.#found.push(undecided(this.#job.topics.facts, partition, end, offset));
  }

  /** Promise 2: throws OUTCOME_UNKNOWN, upon which the transaction is aborted, and sent again. To be called before the commit. */
  mustBeNone(): void {
    if (this.#found.length > 0) throw new HeadraceError('OUTCOME_UNKNOWN', this.#found.join('; '));
  }
}

/**
 * Whether what is undecided at the end of the snapshot topic was committed elsewhere: then the view holds it, whose run got the answer to its commit; or the fact topic
 * has committed facts that the snapshot does not know. Where nothing shows it, nobody has seen anything of it, and an abort is right.
 */
export async function isSnapshotTailCommitted(job: Job, view: SnapshotView, end: number): Promise<boolean> {
  if (end < view.state.offset) return true;
  const { control } = await newestReserved(job, view.state.offset, end);
  const known = (control ?? view.state.control)?.nextOffsets ?? [];
  for (const partition of await job.admin.offsets(job.topics.facts)) if (await hasFacts(job, partition, known)) return true;
  return false;
}

async function hasFacts(job: Job, { partition, start, end }: PartitionOffsets, known: readonly number[]): Promise<boolean> {
  const from = Math.max(start, known[partition] ?? 0);
  let found = false;
  await job.reader.read(
    { topic: job.topics.facts, partition, from, until: end },
    () => {
      found = true;
    },
    job.signal,
  );
  return found;
}

/**
 * Waits until what the view holds is decided in the snapshot topic, too: an abort of the next transaction would abort it there, and a later run without this view would
 * publish it again. Throws OUTCOME_UNKNOWN where it stays undecided: the fence that follows commits it.
 */
export async function mustBeDecided(job: Job, view: SnapshotView): Promise<void> {
  for (let waitMs = 5; ; waitMs *= 2) {
    const [{ end } = { end: 0 }] = await job.admin.offsets(job.topics.snapshot);
    if (end >= view.state.offset) return;
    if (waitMs > 5_000)
      throw new HeadraceError(
        'OUTCOME_UNKNOWN',
        `Kafka answered that ${job.topics.snapshot} was committed up to offset ${view.state.offset}, and left it undecided from ${end} on`,
      );
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** The end of each partition, as far as facts that are known to be published reach: where a marker was never written, read_committed readers see less than is there. */
export async function factEnds(job: Job, topic: string, known: readonly number[] | undefined): Promise<readonly PartitionOffsets[]> {
  const partitions = await job.admin.offsets(topic);
  return await Promise.all(
    partitions.map(async (each) => {
      const expected = known?.[each.partition] ?? 0;
      if (each.end >= expected || !(await job.reader.hasRecordAt(topic, each.partition, expected - 1, job.signal))) return each;
      return { ...each, end: expected };
    }),
  );
}

export function undecided(topic: string, partition: number, end: number, offset: number): string {
  return `Kafka never decided the records at offsets ${end} to ${offset - 1} of ${topic}, partition ${partition}, though their transaction has ended; it is aborted`;
}
