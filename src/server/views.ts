import type { Mapping } from '../config/project.ts';
import { scheduleOf, scheduleText } from '../config/schedule.ts';
import { needsPerson } from '../core/errors.ts';
import type { Pause } from '../ops/pauses.ts';
import type { MappingStatus } from '../ops/status.ts';
import type { MappingView, RunView, StatusView } from './api-shapes.ts';
import type { Daemon } from './daemon.ts';
import type { RunRecord } from './run-record.ts';

/** Where a mapping stands, as the daemon knows it: no question to Kafka or a warehouse. */
export function mappingView(daemon: Daemon, mapping: Mapping): MappingView {
  const { project } = daemon;
  const model = project.models.get(mapping.model);
  const schedule = model === undefined ? undefined : scheduleOf(mapping, model);
  const turn = daemon.turnOf(mapping.name);
  const pause = daemon.pauseOf(mapping.name);
  const last = daemon.runs.last(mapping.name);
  const { running, due, retry } = turn ?? {};
  return {
    mapping: mapping.name,
    class: mapping.class,
    model: mapping.model,
    tags: [...(mapping.tags ?? [])],
    schedule: schedule === undefined ? null : scheduleText(schedule),
    state:
      running !== undefined
        ? 'running'
        : pause !== undefined
          ? 'paused'
          : due !== undefined
            ? 'due'
            : retry !== undefined
              ? 'retrying'
              : 'idle',
    nextTurn: turn === undefined || turn.nextAt === Number.POSITIVE_INFINITY ? null : iso(turn.nextAt),
    runningSince: running === undefined ? null : iso(running.since),
    due: due === undefined ? null : { cause: due.cause, since: iso(due.since) },
    retryAt: retry === undefined ? null : iso(retry.at),
    pause: pause === undefined ? null : pauseView(pause),
    blocked: blockOf(last),
    lastRun: last === undefined ? null : runView(last),
    lastSuccess: iso(daemon.runs.lastSuccess(mapping.name)?.endedAt ?? null),
  };
}

/** A run that a person has to help. */
function blockOf(last: RunRecord | undefined): MappingView['blocked'] {
  const { code, message } = last?.error ?? {};
  return code !== undefined && message !== undefined && needsPerson(code) ? { code, message } : null;
}

export function statusView(status: MappingStatus): StatusView {
  const { lastRun, lastPublication, lastSuccess, lastFailure, paused, lease, backfill } = status;
  return {
    ...status,
    lastRun: lastRun && { ...lastRun, startedAt: iso(lastRun.startedAt) },
    lastPublication: lastPublication && { ...lastPublication, startedAt: iso(lastPublication.startedAt) },
    lastSuccess: lastSuccess && { ...lastSuccess, startedAt: iso(lastSuccess.startedAt), endedAt: iso(lastSuccess.endedAt) },
    lastFailure: lastFailure && { ...lastFailure, startedAt: iso(lastFailure.startedAt), endedAt: iso(lastFailure.endedAt) },
    paused: paused && pauseView(paused),
    lease: lease && { ...lease, endsAt: iso(lease.endsAt) },
    lastFullComparison: iso(status.lastFullComparison),
    nextRun: iso(status.nextRun),
    nextFullComparison: iso(status.nextFullComparison),
    backfill: backfill && {
      run: backfill.id,
      what: backfill.what,
      slices: backfill.slices,
      rows: backfill.counts.rows,
      total: backfill.total,
    },
  };
}

export function runView({ mapping, run, cause, dueAt, startedAt, endedAt, ending, result, error }: RunRecord): RunView {
  return {
    mapping,
    run,
    cause,
    dueAt: iso(dueAt),
    startedAt: iso(startedAt),
    endedAt: iso(endedAt),
    ending,
    scope: result?.scope ?? null,
    published: result?.published ?? null,
    counts: result === null ? null : { ...result.counts },
    watermark: result?.watermark.to ?? null,
    error: error === null ? null : { ...error, code: error.code as NonNullable<RunView['error']>['code'] },
  };
}

export function pauseView({ by, reason, at }: Omit<Pause, 'mapping'>) {
  return { by, reason, at: iso(at) };
}

export function iso(ms: number): string;
export function iso(ms: number | null): string | null;
export function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
