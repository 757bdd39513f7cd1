import { setTimeout as sleep } from 'node:timers/promises';
import type { Mapping, Project } from '../config/project.ts';
import { scheduleOf } from '../config/schedule.ts';
import { HeadraceError } from '../core/errors.ts';
import { digestOfOrder, startOf, type ToldBackfill, told } from '../run/backfill/order.ts';
import { runSlice, type SliceOrder, type SliceResult } from '../run/backfill/run-slice.ts';
import { capture, type RunResult } from '../run/capture.ts';
import { NeedsFullComparison } from '../run/comparison/take-overs.ts';
import type { Job, ProgressSink } from '../run/job.ts';
import { isDue } from '../run/scope.ts';
import type { System } from '../run/system.ts';
import { createJob, type JobSettings } from './create-job.ts';
import { lookAt } from './look.ts';
import { pausesOf } from './pauses.ts';

/** How fast a backfill may be. */
export interface Pace {
  /** Facts per second, on the average of each slice; absent: as fast as it goes. */
  readonly rate?: number | undefined;
  /** Milliseconds between two slices. */
  readonly pauseMs: number;
}

/** Rows of a slice, where nobody says: one or two transactions, and a few seconds. */
export const DEFAULT_SLICE_ROWS = 20_000;
/** A slice of a slow backfill lasts no longer than this, seconds. */
const SLOW_SLICE_S = 10;
const LOOK_AGAIN_MS = 1_000;

export interface BackfillParts {
  readonly system: System;
  readonly project: Project;
  readonly mapping: Mapping;
  readonly slice: SliceOrder;
  readonly pace: Pace;
  readonly settings: JobSettings;
  readonly onSlice: (result: SliceResult, tookMs: number) => void;
}

export interface BackfillResult {
  readonly state: ToldBackfill;
  /** By this process. */
  readonly slices: number;
  readonly published: number;
  /** Live runs between the slices, and what they published. */
  readonly live: { readonly runs: number; readonly published: number };
  readonly tookMs: number;
}

/**
 * Executes a backfill as the mapping's owner, slice by slice, with the live runs in between. Whoever owns the mapping meanwhile is waited for; a pause is kept. Ended
 * anywhere, the same order goes on at its place. Throws what a run would, BACKFILL_UNFINISHED, INTERRUPTED.
 */
export async function runBackfill(parts: BackfillParts): Promise<BackfillResult> {
  const { project, mapping, pace, slice, settings } = parts;
  const startedAtMs = Date.now();
  const known = await knownState(parts);
  let done = { slices: 0, published: 0 };
  let live = { runs: 0, published: 0, lastAtMs: 0 };
  if (known.isComplete) return { state: known.state as ToldBackfill, ...done, live, tookMs: Date.now() - startedAtMs };
  const runLive = async (full = false): Promise<void> => {
    const lastAtMs = Date.now();
    const { published } = await inTurn(parts, live.runs > 0, (job) => capture(job), {
      ...settings,
      options: { ...settings.options, full },
    });
    live = { runs: live.runs + 1, published: live.published + published, lastAtMs };
  };
  for (let state = known.state; ; ) {
    await whilePaused(parts);
    if (live.runs === 0 || isLiveDue(project, mapping, live.lastAtMs)) await runLive();
    const beganAtMs = Date.now();
    const next = { ...slice, rows: slicedRows(slice.rows, pace) };
    const progress = countingOn(settings.progress, state);
    const act = () => inTurn(parts, true, (job) => runSlice(job, next), { ...settings, progress });
    const result = await act().catch(async (error: unknown) => {
      if (!(error instanceof NeedsFullComparison)) throw error;
      settings.progress.warn(`${mapping.name}: a fact moved to another row; comparing in full to see whether the old row is gone`);
      await runLive(true);
      return act();
    });
    state = result.state;
    done = { slices: done.slices + 1, published: done.published + result.published };
    parts.onSlice(result, Date.now() - beganAtMs);
    if (state.end !== undefined)
      return { state, ...done, live: { runs: live.runs, published: live.published }, tookMs: Date.now() - startedAtMs };
    await rest(parts, restMs(pace, result.published, Date.now() - beganAtMs));
  }
}

/** What the topic says of it, before anybody is shut out. */
async function knownState({
  system,
  project,
  mapping,
  slice,
  settings,
}: BackfillParts): Promise<{ state: ToldBackfill | undefined; isComplete: boolean }> {
  const job = await createJob(system, project, mapping, settings);
  const known = await lookAt(job, async ({ control }) => control?.backfill);
  const start = startOf(mapping.name, known, slice.order, digestOfOrder(slice.order, job.model));
  return { state: start.go === 'begin' ? undefined : told(start.state), isComplete: start.go === 'nowhere' };
}

/** An incremental run costs little: changes are published between any two slices. One that reads the whole model comes when its schedule says. */
export function isLiveDue(project: Project, mapping: Mapping, lastAtMs: number): boolean {
  const model = project.models.get(mapping.model);
  if (model === undefined || model.cursor !== undefined) return true;
  return isDue(scheduleOf(mapping, model), lastAtMs, Date.now());
}

/** One that is slow has small slices: so its facts come evenly. */
export function slicedRows(rows: number, { rate }: Pace): number {
  return rate === undefined ? rows : Math.max(1, Math.min(rows, Math.ceil(rate * SLOW_SLICE_S)));
}

/** How long to rest after a slice. */
export function restMs({ rate, pauseMs }: Pace, published: number, tookMs: number): number {
  return Math.max(pauseMs, rate === undefined ? 0 : (published / rate) * 1000 - tookMs);
}

/** Each as a job of its own. Whoever owns the mapping is waited for, except before anything was done. */
async function inTurn<T extends RunResult | SliceResult>(
  { system, project, mapping }: BackfillParts,
  isPatient: boolean,
  act: (job: Job) => Promise<T>,
  settings: JobSettings,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    mustGoOn(mapping, settings.signal);
    try {
      return await act(await createJob(system, project, mapping, settings));
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'OWNED_ELSEWHERE') throw error;
      if (!isPatient) throw ownedByAnother(error, mapping);
      if (attempt === 1) settings.progress.warn(`${error.message} The backfill goes on after it.`);
      await rest({ mapping, settings }, LOOK_AGAIN_MS);
    }
  }
}

function ownedByAnother(error: HeadraceError, { name }: Mapping): HeadraceError {
  return new HeadraceError('OWNED_ELSEWHERE', error.message, {
    suggestion: `Nothing was changed. Wait for it to end. If it is headrace serve, hand the backfill to it: headrace backfill ${name} … --server URL.`,
    cause: error,
  });
}

async function whilePaused({ project, mapping, settings }: BackfillParts): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const pause = pausesOf(project).get(mapping.name);
    if (pause === undefined) return;
    if (attempt === 1)
      settings.progress.warn(`${mapping.name} is paused by ${pause.by}: the backfill waits for headrace resume ${mapping.name}`);
    await rest({ mapping, settings }, LOOK_AGAIN_MS);
  }
}

/** Throws INTERRUPTED. */
async function rest({ mapping, settings: { signal } }: Pick<BackfillParts, 'mapping' | 'settings'>, ms: number): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
  mustGoOn(mapping, signal);
}

function mustGoOn({ name }: Mapping, signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new HeadraceError('INTERRUPTED', `${name}: the backfill was asked to end.`, {
    suggestion: 'What was published is complete. The same order, given again, goes on where it ended.',
  });
}

/** Progress of a slice as that of the whole. */
function countingOn(sink: ProgressSink, state: ToldBackfill | undefined): ProgressSink {
  const rows = state?.counts.rows ?? 0;
  return {
    warn: (message) => sink.warn(message),
    update: ({ rowsRead, rowsEstimated: _, ...rest }) =>
      sink.update({
        ...rest,
        ...(state === undefined ? {} : { rowsEstimated: state.total }),
        ...(rowsRead === undefined ? {} : { rowsRead: rows + rowsRead }),
      }),
  };
}
