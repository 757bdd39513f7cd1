import { alsoNotices } from '../config/also-versions.ts';
import { checkTopics } from './check-topics.ts';
import type { Counts } from './comparison/counts.ts';
import { compileContract } from './contract.ts';
import { openEncodings } from './encoding.ts';
import { type GuardVerdict, stopIfExceeded, stopIfOther } from './guards.ts';
import { asRun, type Job } from './job.ts';
import { openLocalCopy } from './local-copy.ts';
import { establishOrigin } from './origin.ts';
import { judgeReading, progressAfter, type Standing, standingOf, summaryOf } from './outcome.ts';
import { digestOfJob, hasOtherTopics } from './publication.ts';
import { publishChanges, publishFullChunks } from './publish-changes.ts';
import { publishedContract } from './published-contract.ts';
import { readModel } from './read-model.ts';
import { refuseRolledBack } from './rollback.ts';
import { columnTypes, driftOf, judgeDrift } from './schema-drift.ts';
import { decideScope, MAPPING_EDITED, type Scope } from './scope.ts';
import { Writer } from './writer.ts';
import { writerParts } from './writer-parts.ts';

/** What a run did, for people and for `--json`. */
export interface RunResult {
  readonly mapping: string;
  readonly run: string;
  readonly scope: Scope['kind'];
  readonly reason: string;
  readonly counts: Counts;
  readonly changedFields: Readonly<Record<string, number>>;
  /** Facts (and deletions) that were committed to the fact topic. */
  readonly published: number;
  readonly chunks: number;
  readonly guards: readonly GuardVerdict[];
  /** What is published, and what is refused, once the run is done. */
  readonly standing: Standing;
  readonly watermark: { readonly from: string | null; readonly to: string | null };
  readonly tookMs: number;
}

/**
 * One run of one mapping: the flow of Headrace. The place to start reading.
 *
 *   lock ─▶ look ─▶ fence ─▶ recover ─▶ extract ─▶ map ─▶ diff ─▶ guard ─▶ publish ─▶ apply
 *
 * Kafka is the only source of truth: the snapshot topic says what was published, and the local copy is a view of it. A run may end anywhere: the next one finds in
 * the topic how far it came.
 */
export function capture(job: Job): Promise<RunResult> {
  const told = ({ scope, counts: { rows }, published, chunks }: RunResult) => ({ scope, rows, published, chunks });
  return asRun(job, () => flow(job), told);
}

async function flow(job: Job): Promise<RunResult> {
  const { mapping, model, options } = job;
  const startedAtMs = job.clock();
  const [main, facts] = await Promise.all([compileContract(job), checkTopics(job)]);

  await using copy = await openLocalCopy(job); // 1. Lock
  const { view } = copy;
  await using writer = await Writer.open(job, view); // 2. Look before fencing · 3. Fence · 4. Recover
  return await writer.recordingFailure(async () => {
    const origin = await establishOrigin(job, view);
    const before = view.state.control;
    refuseRolledBack(job, before);
    const encodings = await openEncodings(job);
    const contract = publishedContract(job, before, main, encodings, facts);
    const drift = driftOf(before?.columns ?? null, contract.columns, contract.mapper.columns);
    const schema = judgeDrift(drift, contract.mapper.columns.length, options.allow);
    stopIfExceeded(mapping.name, [schema]);
    const scope = decideScope(
      model,
      digestOfJob(job),
      before,
      { askedFor: options.full, isRetyped: schema.exceeded, hasOtherTopics: hasOtherTopics(job, before) },
      job.clock(),
    );
    const isInitialLoad = scope.kind === 'initial load';
    await writer.use(writerParts(job, before, { encodings, facts, origin, scope }));

    for (const note of [...drift.notes, ...alsoNotices(mapping, startedAtMs)]) job.progress.warn(`${mapping.name}: ${note}`);

    // 5. Extract · 6. Map · 7. Diff. Until something was published there is nothing to guard, and an initial load publishes while it reads.
    const reading = await readModel(job, view, scope, {
      contract,
      encode: contract.encode,
      fingerprints: origin.fingerprints,
      facts,
      versionFloor: origin.record.versionFloor,
      onBatch: isInitialLoad ? (changes) => publishFullChunks(job, view, writer, changes) : undefined,
    });

    const guards = isInitialLoad ? [] : [schema, ...judgeReading(job, reading)]; // 8. Guard
    stopIfExceeded(mapping.name, guards);
    stopIfOther(job, guards, reading.changes.digest);

    if (scope.reason === MAPPING_EDITED)
      job.progress.warn(`${mapping.name}: ${MAPPING_EDITED}: ${reading.changes.size.toLocaleString('en')} facts change with it`);
    const progress = { ...progressAfter(job, reading, before), columns: columnTypes(contract.columns) };
    await publishChanges(job, view, writer, reading, progress, summaryOf(reading.comparison.counts, guards)); // 9. Publish · 10. Apply
    await view.remote?.persist();

    const { counts, changedFields } = reading.comparison;
    return {
      mapping: mapping.name,
      run: job.runId,
      scope: reading.scope.kind,
      reason: reading.scope.reason,
      counts,
      changedFields: Object.fromEntries(changedFields),
      published: writer.published,
      chunks: writer.chunks,
      guards,
      standing: standingOf(view),
      watermark: { from: before?.watermark ?? null, to: progress.watermark },
      tookMs: job.clock() - startedAtMs,
    };
  });
}
