import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../core/change.ts';
import { HeadraceError } from '../core/errors.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { ChangeSet } from './change-set.ts';
import { type ChunkProgress, unmoved } from './chunk.ts';
import type { LedgerSummary } from './chunk-records.ts';
import type { Job } from './job.ts';
import type { Reading } from './read-model.ts';
import type { Writer } from './writer.ts';

/** Steps 9 and 10 for what an initial load has found so far: whole chunks only, no progress. Returns whether anything was published. */
export async function publishFullChunks(job: Job, view: SnapshotView, writer: Writer, changes: ChangeSet): Promise<boolean> {
  if (changes.size < job.options.chunk.changes) return false;
  for (const chunk of chunksOf(changes, job)) await publishOne(job, writer, chunk, unmoved(view));
  job.progress.update({ phase: 'reading' });
  return true;
}

/**
 * Steps 9 and 10: all changes, in chunks; then, of an append-only model, the expiries. The last chunk moves the progress and gives the lease back; with nothing to say,
 * the lease is given back, and the ledger says so.
 */
export async function publishChanges(
  job: Job,
  view: SnapshotView,
  writer: Writer,
  { changes, expire }: Pick<Reading, 'changes' | 'expire'>,
  progress: Omit<ChunkProgress, 'last' | 'summary'>,
  summary: LedgerSummary,
): Promise<void> {
  const before = unmoved(view);
  const hasMoved = !isDeepStrictEqual({ ...progress, last: false }, before);
  job.progress.update({ phase: 'publishing', factsToPublish: writer.published + changes.size });
  if (expire !== undefined) {
    for (const chunk of chunksOf(changes, job)) await publishOne(job, writer, chunk, unmoved(view));
    expire();
  }
  let chunk: Change[] = [];
  for (const next of chunksOf(changes, job)) {
    if (chunk.length > 0) await publishOne(job, writer, chunk, { ...unmoved(view), horizon: progress.horizon });
    chunk = next;
  }
  if (chunk.length > 0 || hasMoved) await publishOne(job, writer, chunk, { ...progress, last: true, summary });
  else await writer.release(summary);
  await job.reach('done');
}

/** One chunk. Throws INTERRUPTED. */
export async function publishOne(job: Job, writer: Writer, chunk: readonly Change[], progress: ChunkProgress): Promise<void> {
  if (job.signal.aborted) throw interrupted(job);
  job.progress.update({ phase: 'publishing' });
  await writer.publish(chunk, progress);
  job.progress.update({ factsPublished: writer.published });
}

/** Takes the changes out in chunks. */
export function* chunksOf(changes: ChangeSet, job: Job): Iterable<Change[]> {
  const { changes: maxChanges, bytes: maxBytes } = job.options.chunk;
  let chunk: Change[] = [];
  let bytes = 0;
  for (const change of changes.drain()) {
    chunk.push(change);
    bytes += (change.value?.length ?? 0) + (change.entry?.current?.length ?? 0) + (change.entry?.previous?.length ?? 0);
    if (chunk.length < maxChanges && bytes < maxBytes) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

function interrupted(job: Job): HeadraceError {
  return new HeadraceError('INTERRUPTED', `${job.mapping.name}: the run was asked to end.`, {
    suggestion: 'What was published is complete; the next run goes on from there.',
  });
}
