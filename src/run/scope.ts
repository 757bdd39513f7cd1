import type { Model, Schedule } from '../config/project.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import { nextInstant } from './schedule/instants.ts';

/** How much of the model a run reads, and why. */
export interface Scope {
  readonly kind: 'initial load' | 'full comparison' | 'incremental';
  readonly reason: string;
  /** Of an incremental run: rows from here on, less the lookback. */
  readonly watermark: string | null;
}

/** New topics get the current version of every fact. */
export const OTHER_TOPICS = 'the topics of the mapping are others';
/** In place of a digest, until everything was compared once. */
export const ADOPTED = 'adopted';

/** Why a run compares in full that a person has asked for beforehand. */
export const DUE: Readonly<Record<NonNullable<ControlRecord['due']>, string>> = {
  retry: 'rows in quarantine are to be tried again',
  release: 'a hold has ended',
};

export const MAPPING_EDITED = 'the mapping or its model was edited';

/** Decides from what was committed last. Pure. */
export function decideScope(
  model: Model,
  digest: string,
  control: ControlRecord | null,
  why: { readonly askedFor: boolean; readonly isRetyped: boolean; readonly hasOtherTopics?: boolean },
  nowMs: number,
): Scope {
  const full = (reason: string): Scope => ({ kind: 'full comparison', reason, watermark: null });
  const adopted = control?.digest === ADOPTED ? 'the snapshot was adopted from the facts' : undefined;
  if (control?.fullComparisonAt == null) {
    return {
      kind: 'initial load',
      reason: adopted ?? (control === null ? 'nothing was published before' : 'the initial load was interrupted'),
      watermark: null,
    };
  }
  if (adopted !== undefined) return full(adopted);
  if (why.askedFor) return full('asked for');
  if (why.isRetyped) return full('columns of the model have other types');
  if (why.hasOtherTopics === true) return full(OTHER_TOPICS);
  if (control.digest !== digest) return full(MAPPING_EDITED);
  if (control.due !== undefined) return full(DUE[control.due]);
  if (model.cursor === undefined) return full('the model has no cursor column');
  if (control.watermark === null) return full('no row has had a cursor value yet');
  if (isDue(model.fullComparison, control.fullComparisonAt, nowMs)) return full('due by its schedule');
  return { kind: 'incremental', reason: `rows since ${control.watermark}, less the lookback`, watermark: control.watermark };
}

/** Whether an instant of the schedule has passed since the last time. */
export function isDue(schedule: Schedule | undefined, lastMs: number, nowMs: number): boolean {
  return schedule !== undefined && nextInstant(schedule, lastMs) <= nowMs;
}
