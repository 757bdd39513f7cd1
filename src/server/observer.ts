import type { SpanName } from '../core/spans.ts';
import type { Pause } from '../ops/pauses.ts';
import type { ToldBackfill } from '../run/backfill/order.ts';
import type { Start } from '../run/schedule/turn.ts';
import type { RunRecord } from './run-record.ts';

/** How far a consumer group is behind in a fact topic. */
export interface GroupLag {
  readonly group: string;
  readonly mapping: string;
  readonly topic: string;
  /** Offsets up to the committed end: records, and a marker for each transaction. */
  readonly behind: number;
}

/** What became of an attempt to tell the webhook. `refused`: it answered that it does not want it. */
export type AlertOutcome = 'delivered' | 'refused' | 'unreachable';

/** Whoever wants to know what the daemon does: the log, the metrics. None of these throws. */
export interface DaemonObserver {
  started(start: Start, run: string): void;
  ended(record: RunRecord): void;
  /** Something that a person should know although the run goes on; `run` is null of what is no run. */
  warned(mapping: string, message: string, run: string | null): void;
  /** A slice of a backfill is over; `state` is that of the whole. */
  sliced(mapping: string, state: ToldBackfill, slice: { readonly rows: number; readonly published: number; readonly tookMs: number }): void;
  /** A part of a run is over. */
  took(mapping: string, step: SpanName, ms: number, run: string | null): void;
  paused(pause: Pause): void;
  resumed(mapping: string): void;
  /** All groups that are known to read a fact topic. */
  lagged(lags: readonly GroupLag[]): void;
  /** Of an alert about a mapping; `event` is that of the payload. */
  alerted(mapping: string, outcome: AlertOutcome, event: string): void;
  /** What the daemon itself could not do, and goes on without. */
  troubled(message: string, error: unknown): void;
}

/** One observer of several. */
export function observers(each: readonly Partial<DaemonObserver>[]): DaemonObserver {
  return {
    started: (start, run) => each.forEach((one) => void one.started?.(start, run)),
    ended: (record) => each.forEach((one) => void one.ended?.(record)),
    warned: (mapping, message, run) => each.forEach((one) => void one.warned?.(mapping, message, run)),
    sliced: (mapping, state, slice) => each.forEach((one) => void one.sliced?.(mapping, state, slice)),
    took: (mapping, step, ms, run) => each.forEach((one) => void one.took?.(mapping, step, ms, run)),
    paused: (pause) => each.forEach((one) => void one.paused?.(pause)),
    resumed: (mapping) => each.forEach((one) => void one.resumed?.(mapping)),
    lagged: (lags) => each.forEach((one) => void one.lagged?.(lags)),
    alerted: (mapping, outcome, event) => each.forEach((one) => void one.alerted?.(mapping, outcome, event)),
    troubled: (message, error) => each.forEach((one) => void one.troubled?.(message, error)),
  };
}
