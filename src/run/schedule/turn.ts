import type { Schedule } from '../../config/project.ts';
import { nextInstant } from './instants.ts';

/** What the scheduler knows of a mapping. */
export interface Plan {
  readonly mapping: string;
  /** Lower ones come first within a round: governance has 0. */
  readonly rank: number;
  readonly warehouse: string;
  /** Those of its runs and of its full comparisons; none: it runs only when it is triggered. */
  readonly schedules: readonly Schedule[];
}

/** Why a mapping starts. `missed`: a turn that fell into a time without this process. */
export type Cause = 'schedule' | 'missed' | 'trigger' | 'retry';

/** What a trigger asks for. */
export interface TriggerOptions {
  readonly full: boolean;
}

export interface Start {
  readonly mapping: string;
  readonly cause: Cause;
  /** When it became due, milliseconds since 1970. */
  readonly dueAt: number;
  /** Of the triggers that this start answers. */
  readonly options: TriggerOptions;
}

/**
 * How a run ended, as far as the next one depends on it. `unreachable`: something that may be there again in a while (exit code 3). `owned`: another instance runs
 * it. `failed`: everything that only a person or new data can change. `interrupted`: it was asked to end.
 */
export const ENDINGS = ['done', 'unreachable', 'owned', 'failed', 'interrupted'] as const;
export type Ending = (typeof ENDINGS)[number];

/** The turns of one mapping: what is due, what waits for a retry, what runs. Changed by the scheduler alone. */
export interface Turn {
  plan: Plan;
  readonly jitterMs: number;
  /** The next instant of its schedules, with its jitter; Infinity without any. */
  nextAt: number;
  /** At most one: further instants, triggers and retries fall into it. */
  due: { cause: Cause; readonly since: number; round: number; options: TriggerOptions; readonly isTriggered: boolean } | undefined;
  retry: { readonly at: number; readonly options: TriggerOptions; readonly isTriggered: boolean } | undefined;
  /** Attempts in a row that could not reach something. */
  attempts: number;
  running:
    | { readonly since: number; readonly warehouse: string; readonly options: TriggerOptions; readonly isTriggered: boolean }
    | undefined;
  /** Round of its last start. */
  round: number;
  isPaused: boolean;
  /** No longer in the configuration, but still running. */
  isRemoved: boolean;
}

/** The first instant of the schedules after another one, with the jitter. */
export function nextTurn(schedules: readonly Schedule[], jitterMs: number, afterMs: number): number {
  return Math.min(Number.POSITIVE_INFINITY, ...schedules.map((schedule) => nextInstant(schedule, afterMs - jitterMs) + jitterMs));
}

/** A trigger is more than a turn of the schedule, and a full one more than another. */
export function merged(due: NonNullable<Turn['due']>, other: Pick<NonNullable<Turn['due']>, 'cause' | 'options' | 'isTriggered'>) {
  return {
    ...due,
    cause: other.isTriggered && !due.isTriggered ? other.cause : due.cause,
    options: { full: due.options.full || other.options.full },
    isTriggered: due.isTriggered || other.isTriggered,
  };
}
