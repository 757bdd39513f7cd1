import type { Pause } from '../ops/pauses.ts';
import type { Start } from '../run/schedule/turn.ts';
import type { RunRecord } from './run-record.ts';

/** Whoever wants to know what the daemon does: the log, the metrics. None of these throws. */
export interface DaemonObserver {
  started(start: Start, run: string): void;
  ended(record: RunRecord): void;
  /** Something that a person should know although the run goes on. */
  warned(mapping: string, message: string): void;
  paused(pause: Pause): void;
  resumed(mapping: string): void;
  /** What the daemon itself could not do, and goes on without. */
  troubled(message: string, error: unknown): void;
}

/** One observer of several. */
export function observers(each: readonly Partial<DaemonObserver>[]): DaemonObserver {
  return {
    started: (start, run) => each.forEach((one) => void one.started?.(start, run)),
    ended: (record) => each.forEach((one) => void one.ended?.(record)),
    warned: (mapping, message) => each.forEach((one) => void one.warned?.(mapping, message)),
    paused: (pause) => each.forEach((one) => void one.paused?.(pause)),
    resumed: (mapping) => each.forEach((one) => void one.resumed?.(mapping)),
    troubled: (message, error) => each.forEach((one) => void one.troubled?.(message, error)),
  };
}
