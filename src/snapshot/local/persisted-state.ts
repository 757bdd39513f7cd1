import { randomBytes } from 'node:crypto';
import type { ViewState } from '../view.ts';

/** Of the local copy's form: a copy of another one is thrown away and rebuilt. */
export const LAYOUT = 3;

/** What a copy says of itself beside the state that it has reached. */
export interface PersistedState extends ViewState {
  readonly layout: number;
  /** The snapshot topic that this is a view of; null where nobody said. */
  readonly topic: string | null;
  readonly nextOrdinal: number;
  readonly groupNumber: number;
  /** Of this write: what moves the state further on follows just this one. Absent in copies of earlier versions. */
  readonly stamp?: string;
}

export function encodeState(state: ViewState, own: Pick<PersistedState, 'topic' | 'nextOrdinal' | 'groupNumber'>): Buffer {
  const persisted: PersistedState = { ...state, ...own, layout: LAYOUT, stamp: newNonce() };
  return Buffer.from(JSON.stringify(persisted));
}

export function decodeState(bytes: Uint8Array): PersistedState {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as PersistedState;
}

/** Of a copy that holds nothing yet. */
export function emptyState(): ViewState {
  return {
    offset: 0,
    control: null,
    owner: null,
    nonce: newNonce(),
    confirmable: 0,
    quarantined: 0,
    entries: 0,
    appliedAtMs: 0,
  };
}

/** Never given out before. */
export function newNonce(): string {
  return randomBytes(16).toString('hex');
}
