import type { Entry, Hash } from './entry.ts';

export type DeleteReason = 'vanished' | 'soft_deleted' | 'left_scope' | 'erased' | 'undone';

/** What the view remembers of one source row; it never comes to Kafka. */
export interface RowMark {
  /** The model key, as the warehouse's batch gave it. */
  readonly key: Uint8Array;
  /** By which a view in the warehouse knows the row; absent with a local copy, which knows it by its key. */
  readonly handle?: Uint8Array | undefined;
  /** Dense number of the row. An entry carries the number of the row that produced it. */
  readonly ordinal: number;
  readonly verdict: RowVerdict;
  /** Of the row's bytes: equal → nothing about the row changed since. Null: must be mapped the next time. */
  readonly raw: Hash | null;
  /** Slot of the entry that the row stands behind; null if it has none. */
  readonly slot: Hash | null;
}

/** What a row came to when it was mapped last. */
export type RowVerdict = 'fact' | 'absent' | 'quarantined';

/** One step of one identity, complete: everything that is sent and everything that is remembered. */
export interface Change {
  readonly kind: ChangeKind;
  /** Key of the entry in the snapshot: keyed hash of the identity, or of the row where it has none. */
  readonly slot: Hash;
  /** Null only for a row in quarantine that yields no identity. */
  readonly identity: string | null;
  readonly key: string | null;
  /** The entry afterwards, but for the offset of what is about to be sent; null removes it from the snapshot. */
  readonly entry: Entry | null;
  /** The entry before. */
  readonly before: { readonly partition: number; readonly offset: number; readonly version: number } | null;
  /** The new fact as it is sent; of a deletion the fact before, where it is kept; null for what is only remembered. */
  readonly value: string | Uint8Array | null;
  /** The fact under the further contracts that are published, in their order; absent where there are none. */
  readonly also?: readonly { readonly value: string | Uint8Array | null; readonly occurredAt: string }[] | undefined;
  /** Of `filled`: which of the published contracts it is sent under; 0 is the mapping's own. */
  readonly under?: readonly number[] | undefined;
  /** RFC 3339, of the fact, or of the detection of a deletion. */
  readonly occurredAt: string;
  /** Names of the fields that an update changed. */
  readonly changed: readonly string[];
  readonly reason: DeleteReason | null;
  readonly rejection: Rejection | null;
  /** Of an undo: `ce_id` of the event that is taken back. */
  readonly undoes?: string | undefined;
  /** The source row to remember, or (`forgetRow`) to forget. */
  readonly row: RowMark | null;
  readonly forgetRow: Uint8Array | null;
  /** The ordinal of the row behind the entry. */
  readonly ordinal: number;
}

/**
 * created, updated, deleted: facts are published.
 * filled: a topic that is new gets the current version; the other topics have it.
 * recorded: only the snapshot learns (a baseline, a released quarantine, another row behind the same fact).
 * quarantined: a row is reported; the published fact stays as it is.
 * expired: the entry leaves the snapshot because the horizon has passed it; consumers keep the fact.
 */
export type ChangeKind = 'created' | 'updated' | 'deleted' | 'filled' | 'recorded' | 'quarantined' | 'expired';

export interface Rejection {
  readonly field: string;
  readonly columns: readonly string[];
  readonly reason: string;
  readonly message: string;
}
