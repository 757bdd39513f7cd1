import { HeadraceError } from '../../core/errors.ts';
import type { ControlRecord } from '../../snapshot/changelog.ts';
import type { SnapshotView } from '../../snapshot/view.ts';
import { checkTopics, type FactTopics } from '../check-topics.ts';
import { compileContract } from '../contract.ts';
import { openEncodings, type RunEncodings } from '../encoding.ts';
import { stopIfExceeded } from '../guards.ts';
import type { Job } from '../job.ts';
import { openLocalCopy } from '../local-copy.ts';
import { establishOrigin, type Origin } from '../origin.ts';
import { digestOfJob, hasOtherTopics } from '../publication.ts';
import { type PublishedContract, publishedContract } from '../published-contract.ts';
import { refuseRolledBack } from '../rollback.ts';
import { driftOf, judgeDrift } from '../schema-drift.ts';
import { Writer } from '../writer.ts';

/** What a slice works with: the view is at the end of the topic, and nobody else can write. */
export interface OpenBackfill {
  readonly view: SnapshotView;
  readonly writer: Writer;
  readonly origin: Origin;
  readonly control: ControlRecord;
  readonly encodings: RunEncodings;
  readonly contract: PublishedContract;
  readonly facts: FactTopics;
}

/** Steps 1 to 4 of a run: lock, look, fence, recover; then `act`. Throws what a run would, and CONFIG_INVALID where the mapping must run first. */
export async function inBackfill<T>(job: Job, act: (open: OpenBackfill) => Promise<T>): Promise<T> {
  const [main, facts] = await Promise.all([compileContract(job), checkTopics(job)]);
  await using copy = await openLocalCopy(job);
  const { view } = copy;
  await using writer = await Writer.open(job, view);
  return await writer.recordingFailure(async () => {
    const origin = await establishOrigin(job, view);
    const control = requireCompared(job, view.state.control);
    const encodings = await openEncodings(job);
    const contract = publishedContract(job, control, main, encodings, facts);
    refuseDrift(job, control, contract);
    return await act({ view, writer, origin, control, encodings, contract, facts });
  });
}

/** A run has to come first. */
export class NotCompared extends HeadraceError {}

/** Throws NotCompared where entries do not stand under what the mapping is now: the next run compares in full, and a slice would run ahead of it. */
export function requireCompared(job: Job, control: ControlRecord | null): ControlRecord {
  const { mapping } = job;
  const refuse = (what: string): never => {
    throw new NotCompared('CONFIG_INVALID', `${mapping.name}: ${what}: there is nothing to fill in yet.`, {
      suggestion: `Run it first: headrace run ${mapping.name}. Nothing was changed.`,
    });
  };
  if (control === null) return refuse('nothing was published yet');
  if (control.fullComparisonAt === null) return refuse('its initial load is not complete');
  refuseRolledBack(job, control);
  if (control.digest !== digestOfJob(job)) return refuse('the mapping, or its model, was edited since everything was compared last');
  if (hasOtherTopics(job, control)) return refuse('its topics are others than those of the last full comparison');
  return control;
}

/** Throws GUARD_STOPPED for columns that are of other types than in the last run, unless that is allowed. */
export function refuseDrift(job: Job, control: ControlRecord, { columns, mapper }: PublishedContract): void {
  const drift = driftOf(control.columns, columns, mapper.columns);
  stopIfExceeded(job.mapping.name, [judgeDrift(drift, mapper.columns.length, job.options.allow)]);
}
