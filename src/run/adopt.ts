import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { mediaTypeOf } from '../contract/media-type.ts';
import { HeadraceError } from '../core/errors.ts';
import { compileEnvelope } from '../publish/envelope.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import { type AdoptionPlan, changesOf, type Survey, survey } from './adoption-plan.ts';
import { ChangeSet } from './change-set.ts';
import { checkTopics } from './check-topics.ts';
import type { ChunkProgress } from './chunk.ts';
import { asRun, type Job } from './job.ts';
import { openLocalCopy } from './local-copy.ts';
import { chunksOf, publishOne } from './publish-changes.ts';
import { catchUp, rebuildView, snapshotEnd } from './recovery.ts';
import { ADOPTED } from './scope.ts';
import { Writer } from './writer.ts';

export interface AdoptOptions {
  /** The environment that the snapshot belongs to, where it is meant to be another one from now on. */
  readonly environmentFrom: string | undefined;
}

export interface Adoption extends AdoptionPlan {
  readonly run: string;
  readonly chunks: number;
}

/** What an adoption would do now. Promise 7: reads topics into throw-away folders, fences nobody, changes nothing. Throws SNAPSHOT_FOREIGN, OWNED_ELSEWHERE. */
export async function planAdoption(job: Job, options: AdoptOptions): Promise<AdoptionPlan> {
  requireOneContract(job);
  await checkTopics(job);
  return await inScratch(job, async (folder) => {
    const view = await job.openView(path.join(folder, 'snapshot'), job.topics.snapshot);
    try {
      const { end } = await snapshotEnd(job, view);
      await catchUp(job, view, end);
      return await surveyed(job, view, options, folder, async ({ plan }) => plan);
    } finally {
      await view.close();
    }
  });
}

/**
 * Makes the facts in the fact topic, and whatever the snapshot topic still says of them, the state of the mapping: as its one writer, in transactions like a run's. Ended anywhere, it
 * goes on when it is started again; until it is complete the control record keeps runs away. Promise 2: the version floor lies above every version that was seen.
 */
export function adopt(job: Job, options: AdoptOptions): Promise<Adoption> {
  return asRun(
    job,
    () => adoptFacts(job, options),
    ({ chunks }) => ({ kind: 'adopt', chunks }),
  );
}

async function adoptFacts(job: Job, options: AdoptOptions): Promise<Adoption> {
  requireOneContract(job);
  await checkTopics(job);
  // In the folder, wherever the view lies: it is read whole.
  await using copy = await openLocalCopy({ ...job, openRemoteView: undefined });
  const { view } = copy;
  // Of which topic the copy is cannot be told here.
  view.clear();
  await using writer = await Writer.open(job, view);
  return await writer.recordingFailure(() =>
    inScratch(job, (folder) =>
      surveyed(job, view, options, folder, async (found) => {
        await write(job, view, writer, found);
        await renewRemoteView(job, view.state.offset);
        return { ...found.plan, run: job.runId, chunks: writer.chunks };
      }),
    ),
  );
}

/** The view in a warehouse is of the topic that was lost, and may know more than there is in this one: runs would refuse it. */
async function renewRemoteView(job: Job, end: number): Promise<void> {
  const view = await job.openRemoteView?.(false);
  if (view === undefined) return;
  try {
    await rebuildView(job, view, end);
  } finally {
    await view.close();
  }
}

/** The facts of one topic do not tell what stands in another: its versions might be published again. */
function requireOneContract({ mapping, also }: Job): void {
  if (also.length === 0) return;
  throw new HeadraceError(
    'CONFIG_INVALID',
    `${mapping.name}: a mapping that publishes ${also.length + 1} versions of its contract cannot be adopted.`,
    {
      path: mapping.location.file,
      suggestion:
        "Nothing was changed. Remove `also`, adopt the facts of the mapping's own topic, and publish the other version from a mapping and to a topic of its own.",
    },
  );
}

async function write(job: Job, view: SnapshotView, writer: Writer, found: Survey): Promise<void> {
  const { origin, facts, scratch, lostKey } = found;
  const common = {
    envelope: compileEnvelope(job.project.name, job.mapping, { runId: job.runId, contentType: mediaTypeOf(job.mapping.encoding) }),
    partitions: facts.nextOffsets.length,
    ledger: { origin: 'adopt' as const, kind: 'adoption', allowed: [] },
  };
  const progress = progressOf(found);
  const epoch = randomUUID();
  const { nextOffsets } = facts;
  const changes = new ChangeSet(job.folder);
  if (lostKey !== undefined) {
    // Under the old key to the end: with the new one in the control record, what is left of them would be taken for facts.
    await writer.use({ ...common, origin: { ...origin, fingerprint: lostKey, epoch }, adoption: { stage: 'clearing', nextOffsets } });
    for (const change of changesOf(job, view, undefined, found)) changes.add(change);
    for (const chunk of chunksOf(changes, job)) await publishOne(job, writer, chunk, progress);
  }
  await writer.use({ ...common, origin: { ...origin, epoch }, adoption: { stage: 'filling', nextOffsets } });
  for (const change of changesOf(job, view, scratch, found)) changes.add(change);
  for (const chunk of chunksOf(changes, job)) await publishOne(job, writer, chunk, progress);
  await publishOne(job, writer, [], { ...progress, last: true });
  await job.reach('done');
}

/** The next run compares everything; where first facts are only recorded, those that were recorded before are unknown now, and must not be published. */
function progressOf({ control, isKnown, plan }: Survey, mappingIsBaseline = plan.baseline): ChunkProgress {
  const before = control?.fullComparisonAt ?? null;
  const isComplete = isKnown || control?.digest === ADOPTED ? before !== null : !mappingIsBaseline;
  return {
    last: false,
    watermark: null,
    digest: ADOPTED,
    fullComparisonAt: isComplete ? (before ?? 0) : null,
    columns: control?.columns ?? null,
    horizon: control?.horizon ?? null,
    // Its offsets may be those of another topic.
    backfill: undefined,
    changeFeed: undefined,
    late: 0,
  };
}

async function surveyed<T>(
  job: Job,
  view: SnapshotView,
  options: AdoptOptions,
  folder: string,
  act: (found: Survey) => Promise<T>,
): Promise<T> {
  const scratch = await job.openView(path.join(folder, 'facts'), job.topics.facts);
  try {
    return await act(await survey(job, view, scratch, options.environmentFrom));
  } finally {
    await scratch.close();
  }
}

async function inScratch<T>(job: Job, act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), `headrace-adopt-${job.mapping.name}-`));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
