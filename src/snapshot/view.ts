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
  entries(): Iterable<PlacedEntry>;
  readonly rowCount: number;
  /** Every row's key and number. */
  rows(): Iterable<{ readonly key: Uint8Array; readonly ordinal: number }>;
  forgetRows(keys: Iterable<Uint8Array>): void;
  /** Back to nothing: the topic is read from its beginning. */
  clear(): void;
  close(): Promise<void>;
  /** Of a view that is not at hand: what has to be awaited. Absent where everything is. */
  readonly remote?: RemoteView | undefined;
}

/**
 * A view that lies in the warehouse, beside the model. What `apply`, `remember`, `forgetRows` and `clear` say waits until it is written; the counts in `state`, and
 * `rowCount`, are as of then. `findRow` and `findEntry` know what was loaded and what waits, and nothing else; rows are known by their handles. Throws WAREHOUSE_…, and
 * LOCAL_COPY_FAILED where another process has written to the tables since they were read.
 */
export interface RemoteView {
  /** For people: where it is. */
  readonly address: string;
  /** In front of a model key before the warehouse hashes it. */
  readonly keySalt: string;
  /** Under which salt the last complete comparison hashed rows: with another one, all rows look changed. */
  readonly comparedSalt: string | null;
  /** Reads where the tables stand now; what waits is dropped. */
  refresh(): Promise<void>;
  /** Writes what waits, in one transaction, if the tables are as this process has left them. */
  persist(): Promise<void>;
  /** The same, if much waits. */
  settle(): Promise<void>;
  /** Whether nobody else has written to the tables since this process read or wrote them. */
  isUnmoved(): Promise<boolean>;
  /** A complete comparison under this salt is over. */
  compared(salt: string): void;
  loadRows(handles: readonly Uint8Array[]): Promise<void>;
  /** `certain` are those that must be there. Throws LOCAL_COPY_FAILED where one of them is not. */
  loadEntries(slots: Iterable<Hash>, certain?: readonly Hash[]): Promise<void>;
  /** Nothing that was loaded is needed any more. */
  releaseLoaded(): void;
  /** What the row behind an entry that was loaded came to. */
  holderOf(slot: Hash): RowVerdict | null;
  /** Entries with these numbers. */
  entriesAt(ordinals: readonly number[]): Promise<readonly PlacedEntry[]>;
  /** Entries that a full comparison must find a row of, by the page: all, or those with whose number no row stands that has a fact or was refused. */
  confirmable(which: 'all' | 'without a row'): AsyncIterable<readonly Pick<PlacedEntry, 'slot' | 'ordinal'>[]>;
  /** Every entry that is stored, by the page. */
  allEntries(): AsyncIterable<readonly PlacedEntry[]>;
}

export type PlacedEntry = StoredEntry & { readonly slot: Hash };

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
  /** Of a view that is not at hand: whether the mark vouches for bytes, under whatever salt. */
  readonly hasRaw?: boolean;
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
