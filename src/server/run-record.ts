import { describeError, type ErrorBody } from '../cli/error-text.ts';
import { EXIT, exitCodeOf, HeadraceError } from '../core/errors.ts';
import type { RunResult } from '../run/capture.ts';
import { GuardStopped, type GuardVerdict } from '../run/guards.ts';
import type { Cause, Ending } from '../run/schedule/turn.ts';

/** A run that the daemon started, and what it came to. Times are milliseconds since 1970. */
export interface RunRecord {
  readonly mapping: string;
  /** Null where it failed before it had an id. */
  readonly run: string | null;
  readonly cause: Cause;
  readonly dueAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly ending: Ending;
  readonly result: RunResult | null;
  readonly error: ErrorBody | null;
  /** What the guards said, as far as it came to them. */
  readonly guards: readonly GuardVerdict[];
}

/** What an error means for the next run. */
export function endingOf(error: unknown): Ending {
  if (error instanceof HeadraceError && error.code === 'INTERRUPTED') return 'interrupted';
  const code = exitCodeOf(error);
  if (code === EXIT.unreachable) return 'unreachable';
  return code === EXIT.owned ? 'owned' : 'failed';
}

/** Of a run that came to this result, or this error. */
export function guardsOf(result: RunResult | null, error: unknown): readonly GuardVerdict[] {
  return result?.guards ?? (error instanceof GuardStopped ? error.verdicts : []);
}

export function describedError(error: unknown): ErrorBody | null {
  return error === undefined ? null : describeError(error);
}

/** The last runs, newest first: those of one mapping cannot push out all of another's. */
export class RecentRuns {
  readonly #perMapping: number;
  readonly #runs = new Map<string, RunRecord[]>();
  readonly #successes = new Map<string, RunRecord>();

  constructor(perMapping = 50) {
    this.#perMapping = perMapping;
  }

  add(record: RunRecord): void {
    const runs = this.#runs.get(record.mapping) ?? [];
    this.#runs.set(record.mapping, [record, ...runs].slice(0, this.#perMapping));
    if (record.ending === 'done') this.#successes.set(record.mapping, record);
  }

  last(mapping: string): RunRecord | undefined {
    return this.#runs.get(mapping)?.[0];
  }

  lastSuccess(mapping: string): RunRecord | undefined {
    return this.#successes.get(mapping);
  }

  list(mapping: string | undefined, limit: number): readonly RunRecord[] {
    const runs = mapping === undefined ? [...this.#runs.values()].flat() : (this.#runs.get(mapping) ?? []);
    return [...runs].sort((a, b) => b.endedAt - a.endedAt).slice(0, limit);
  }
}
