import { needsPerson } from '../core/errors.ts';
import { nextTurn } from '../run/schedule/turn.ts';
import type { Daemon } from './daemon.ts';
import type { RunRecord } from './run-record.ts';

/**
 * How a mapping does. `blocked`: a person has to act (a guard, an approval, the configuration). `failing`: several runs in a row could not be done.
 * `stale`: it is due for longer than it may be. `unknown`: this process has not seen enough of it.
 */
export const HEALTH_STATES = ['healthy', 'failing', 'blocked', 'stale', 'unknown'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

export interface Health {
  readonly state: HealthState;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Runs in a row that failed. */
  readonly failures: number;
  /** Since the mapping became due, without a run that was done; 0 where none is due, or a person paused it. */
  readonly overdueMs: number;
  /** The newest run that was done or failed. */
  readonly last: RunRecord | undefined;
}

/** From when on a mapping counts as failing or stale. */
export interface HealthRules {
  readonly failures: number;
  readonly staleAfterMs: number;
}

/** What a daemon has seen of one mapping. */
export interface Seen {
  /** Newest first. */
  readonly runs: readonly RunRecord[];
  readonly overdueMs: number;
}

/** Of a mapping of the present configuration. */
export function healthOf(daemon: Daemon, mapping: string, now: number): Health {
  const runs = daemon.runs.list(mapping, 50);
  return judgeHealth({ runs, overdueMs: overdueMs(daemon, mapping, runs, now) }, daemon.project.serve.alerts, now);
}

/** What another instance ran, or was asked to end, says nothing of the mapping. */
export function judgeHealth({ runs, overdueMs }: Seen, rules: HealthRules, now: number): Health {
  const decisive = runs.filter(({ ending }) => ending !== 'owned' && ending !== 'interrupted');
  const last = decisive[0];
  const done = decisive.findIndex(({ ending }) => ending === 'done');
  const failed = done === -1 ? decisive : decisive.slice(0, done);
  const known = { failures: failed.length, overdueMs, last };
  const isBlocked = last !== undefined && last.ending !== 'done' && needsPerson(last.error?.code ?? '');
  const state = stateOf({ isBlocked, failures: failed.length, overdueMs, hasSucceeded: done !== -1 }, rules);
  const firstFailure = failed.at(-1)?.endedAt ?? now;
  const since = {
    blocked: firstFailure,
    failing: firstFailure,
    stale: now - overdueMs + rules.staleAfterMs,
    unknown: now,
    healthy: decisive[done]?.endedAt ?? now,
  }[state];
  return { state, since, ...known };
}

/** What is known of a mapping, whoever runs it. */
interface Known {
  readonly isBlocked: boolean;
  /** Runs in a row that failed. */
  readonly failures: number;
  readonly overdueMs: number;
  readonly hasSucceeded: boolean;
}

/** The worst that is true of it. */
export function stateOf({ isBlocked, failures, overdueMs, hasSucceeded }: Known, rules: HealthRules): HealthState {
  if (isBlocked) return 'blocked';
  if (failures >= rules.failures) return 'failing';
  if (overdueMs > rules.staleAfterMs) return 'stale';
  return hasSucceeded ? 'healthy' : 'unknown';
}

/** A run answers what was due when it started, also that of another instance. */
function overdueMs(daemon: Daemon, mapping: string, runs: Seen['runs'], now: number): number {
  const turn = daemon.turnOf(mapping);
  if (turn === undefined || daemon.pauseOf(mapping) !== undefined) return 0;
  const answered = runs.find(({ ending }) => ending === 'done' || ending === 'owned')?.startedAt;
  const since = Math.max(answered ?? 0, daemon.knownSince(mapping));
  return Math.max(0, now - nextTurn(turn.plan.schedules, turn.jitterMs, since));
}
