import type { RowMark, RowVerdict } from '../core/change.ts';
import type { Entry, Hash } from '../core/entry.ts';
import type { ControlRecord, OwnerRecord } from './changelog.ts';

/**
 * The materialized view of one mapping's snapshot topic: a cache that may be lost, stale or copied without harm. It holds the topic's entries up to
 * `state.offset`, and beside them what only this machine knows: a mark per source row. Everything is synchronous: a look-up costs about a microsecond.
 * Throws HeadraceError LOCAL_COPY_FAILED.
 */
export interface SnapshotView {
  /** As of the last apply. */
  readonly state: ViewState;
  /** The copy that was found was damaged, or of another topic, and thrown away: this one begins anew. */
  readonly wasDiscarded: boolean;
  /** The mark of a row; the result is overwritten by the next call. */
  findRow(key: Uint8Array): RowRef | undefined;
  findEntry(slot: Hash): StoredEntry | undefined;
  /** A group of rows, if it was remembered and no mark of its rows was written or dropped since. */
  findGroup(print: Hash): RowGroup | undefined;
  /** A number that no row has. Numbers are dense, so that a bit per row is enough. */
  newOrdinal(): number;
  /**
   * The one verb that moves progress: everything or nothing, and only if the view still stands at `step.expected` (a late apply of an older instance finds
   * another offset). Throws LOCAL_COPY_FAILED otherwise. A crash may take applied steps away again, the last ones and what was remembered since together:
   * the view then stands where it stood before them.
   */
  apply(step: ViewStep): void;
  /** What says nothing about progress: rows that were read and found unchanged, and groups of rows whose marks vouch for just these bytes. */
  remember(marks: Iterable<RowMark>, relinks: Iterable<Relink>, groups?: readonly RowGroup[]): void;
  /** Every entry, in no particular order. */
  entries(): Iterable<StoredEntry & { readonly slot: Hash }>;
  readonly rowCount: number;
  /** Every row's key and number. */
  rows(): Iterable<{ readonly key: Uint8Array; readonly ordinal: number }>;
  forgetRows(keys: Iterable<Uint8Array>): void;
  /** Back to nothing: the topic is read from its beginning. */
  clear(): void;
  close(): Promise<void>;
}

export interface ViewState {
  /** The next offset of the snapshot topic that the view has not seen; 0 for an empty view. */
  readonly offset: number;
  readonly control: ControlRecord | null;
  readonly owner: OwnerRecord | null;
  /** Renewed whenever entries arrive that this copy did not publish: it salts the raw fingerprints. */
  readonly nonce: string;
  /** Entries whose row a full comparison must find. */
  readonly confirmable: number;
  /** Entries whose row was refused, discarded ones included. */
  readonly quarantined: number;
  readonly entries: number;
  /** Broker's time of the last applied record, milliseconds since 1970. */
  readonly appliedAtMs: number;
}

export interface RowRef {
  readonly ordinal: number;
  readonly verdict: RowVerdict;
  readonly slot: Hash | null;
  rawEquals(raw: Hash): boolean;
}

/** Neighbours in a scan whose bytes are those of their marks: the same bytes again mean that nothing about any of them changed. */
export interface RowGroup {
  /** Raw fingerprint of all its bytes. */
  readonly print: Hash;
  readonly runs: readonly RowRun[];
  /** The highest cursor among its rows; null if none has one. */
  readonly cursor: string | null;
}

/** Rows with successive numbers and the same verdict. */
export interface RowRun {
  readonly ordinal: number;
  readonly count: number;
  readonly verdict: RowVerdict;
}

export interface StoredEntry {
  readonly ordinal: number;
  readonly entry: Entry;
}

/** The entry now belongs to the row of this number. */
export interface Relink {
  readonly slot: Hash;
  readonly ordinal: number;
}

export interface ViewStep {
  readonly expected: number;
  readonly next: number;
  readonly appliedAtMs: number;
  readonly control?: ControlRecord | undefined;
  readonly owner?: OwnerRecord | undefined;
  readonly entries?: readonly EntryUpdate[] | undefined;
  readonly marks?: readonly RowMark[] | undefined;
  readonly forget?: readonly Uint8Array[] | undefined;
  /** The entries were published by somebody else: raw fingerprints no longer vouch for them. */
  readonly foreign?: boolean | undefined;
}

export interface EntryUpdate {
  readonly slot: Hash;
  /** As in the topic; null removes it. */
  readonly bytes: Uint8Array | null;
  /** Undefined: the row that stands behind it is not known here; the view keeps the number if the row is still the same, or gives a new one. */
  readonly ordinal?: number | undefined;
  /** Known to be new: saves a look-up. */
  readonly isNew?: boolean | undefined;
}
