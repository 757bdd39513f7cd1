import { type EntryState, hasLiveFact } from '../core/entry.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Job } from '../run/job.ts';
import { type LockHolder, lockHolderOf, openLocalCopy } from '../run/local-copy.ts';
import { isAlive } from '../run/owner.ts';
import { rebuildView } from '../run/recovery.ts';
import type { ControlRecord, OwnerRecord } from '../snapshot/changelog.ts';
import { lookAt } from './look.ts';

/** The view of a mapping, on this machine or in the warehouse, beside the snapshot topic that it is a view of. */
export interface MappingState {
  readonly mapping: string;
  readonly folder: string;
  /** Absent where the local copy is the view. */
  readonly view?: { readonly address: string; readonly failure: string | null };
  readonly lock: LockHolder | null;
  readonly local: {
    /** The next offset of the topic that it has not seen; 0 for no copy. */
    readonly offset: number;
    readonly entries: number;
    readonly quarantined: number;
    readonly rows: number;
    readonly appliedAtMs: number;
  };
  /** By state, and how many of them consumers hold a fact of; absent unless they were to be counted. */
  readonly states?: Readonly<Partial<Record<EntryState | 'with a live fact', number>>>;
  readonly topic: { readonly name: string; readonly start: number; readonly end: number };
  /** Without the fingerprint key, which never leaves the topic. */
  readonly control: (Omit<ControlRecord, 'fingerprint'> & { readonly fingerprint: { algorithm: string; keptIn: string } }) | null;
  readonly owner: (OwnerRecord & { readonly alive: boolean }) | null;
}

export function showState(job: Job, countStates: boolean): Promise<MappingState> {
  return lookAt(job, async ({ view, failure, topic, control, owner }) => {
    const { offset, entries, quarantined, appliedAtMs } = view.state;
    const states: Partial<Record<EntryState | 'with a live fact', number>> = {};
    if (countStates) {
      for await (const page of view.remote?.allEntries() ?? [view.entries()]) {
        for (const { entry } of page) {
          states[entry.state] = (states[entry.state] ?? 0) + 1;
          if (hasLiveFact(entry)) states['with a live fact'] = (states['with a live fact'] ?? 0) + 1;
        }
      }
    }
    return {
      mapping: job.mapping.name,
      folder: job.folder,
      ...(job.viewPlace === undefined
        ? {}
        : {
            view: {
              address: view.remote?.address ?? `schema ${job.viewPlace.schema} of warehouse ${job.model.warehouse}`,
              failure: failure?.message ?? null,
            },
          }),
      lock: lockHolderOf(job.folder) ?? null,
      local: { offset, entries, quarantined, rows: view.rowCount, appliedAtMs },
      ...(countStates ? { states } : {}),
      topic: { name: job.topics.snapshot, start: topic.start, end: topic.end },
      control: control && withoutKey(control),
      owner: owner && { ...owner, alive: isAlive(owner, job) },
    };
  });
}

/** Promise 10: with the key, hashed keys could be guessed. */
function withoutKey({ fingerprint, ...control }: ControlRecord): MappingState['control'] {
  const keptIn = 'keyId' in fingerprint ? `snapshot.key (id ${fingerprint.keyId})` : 'the snapshot topic';
  return { ...control, fingerprint: { algorithm: fingerprint.algorithm, keptIn } };
}

export interface Rebuilt {
  readonly mapping: string;
  readonly entries: number;
  readonly offset: number;
  readonly tookMs: number;
}

/** Throws the view away and reads it from the topic again. Nothing in Kafka changes. Throws OWNED_ELSEWHERE where another process works on the copy. */
export async function rebuildState(job: Job, onRead: (records: number, ofOffsets: number) => void): Promise<Rebuilt> {
  const startedAtMs = job.clock();
  const [range] = await job.admin.offsets(job.topics.snapshot);
  if (range === undefined) throw new HeadraceError('TOPIC_MISSING', `The topic ${job.topics.snapshot} has no partition.`);
  let records = 0;
  const counting: Job = {
    ...job,
    reader: {
      hasRecordAt: (...where) => job.reader.hasRecordAt(...where),
      read: (request, each, signal) =>
        job.reader.read(
          request,
          (record) => {
            each(record);
            onRead(++records, range.end - range.start);
          },
          signal,
        ),
    },
  };
  await using copy = await openLocalCopy(job);
  await rebuildView(counting, copy.view, range.end);
  const { entries, offset } = copy.view.state;
  return { mapping: job.mapping.name, entries, offset, tookMs: job.clock() - startedAtMs };
}
