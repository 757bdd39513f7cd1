import type { RowMark, RowVerdict } from './change.ts';
import type { EntryState, Hash } from './entry.ts';
import type { KnownRow } from './row.ts';

/** Whose view it is, and the schema of the warehouse that Headrace owns. */
export interface ViewPlace {
  readonly schema: string;
  readonly project: string;
  readonly mapping: string;
  /** The snapshot topic that it is a view of. */
  readonly topic: string;
}

/**
 * The role of a view's tables: what a warehouse keeps of one mapping's snapshot topic, beside the model. They are a cache like any view. Throws HeadraceError with the
 * codes WAREHOUSE_*; WAREHOUSE_DENIED names the statements that somebody else has to run.
 */
export interface ViewTables {
  /** For people: schema, engine and address. */
  readonly address: string;
  /** Creates what is missing and, of an earlier layout, anew. Throws WAREHOUSE_DENIED where it may not; CONFIG_INVALID for tables of a later layout. */
  prepare(): Promise<void>;
  /** Whether a run could write, as far as that can be told without writing. Throws WAREHOUSE_DENIED, CONFIG_INVALID. */
  check(): Promise<void>;
  /** What was written last; undefined where there is nothing. Reads only. */
  readState(): Promise<StoredViewState | undefined>;
  /**
   * One transaction: only if the state still carries the stamp `write.expected`, and everything or nothing. Returns what the tables hold then; undefined, and nothing was
   * written, if another has written meanwhile. Of an unknown outcome it throws: the stamp tells.
   */
  write(write: ViewWrite): Promise<ViewCounts | undefined>;
  /** The entries that are there, in any order. */
  findEntries(slots: readonly Hash[]): Promise<readonly TableEntry[]>;
  /** The rows that are there, in any order. */
  findRows(handles: readonly Uint8Array[]): Promise<readonly KnownRow[]>;
  /** Entries that a full comparison must find the row of: all of them, or only those behind which no row of another verdict than `absent` stands. */
  confirmable(which: 'all' | 'without a row'): AsyncIterable<readonly Pick<TableEntry, 'slot' | 'ordinal'>[]>;
  /** Entries with these numbers. */
  findByOrdinal(ordinals: readonly number[]): Promise<readonly TableEntry[]>;
  entries(): AsyncIterable<readonly TableEntry[]>;
  /** Better estimates for the planner after much was written; does nothing where it may not. */
  analyze(): Promise<void>;
  close(): Promise<void>;
}

export interface TableEntry {
  readonly slot: Hash;
  readonly ordinal: number;
  readonly bytes: Uint8Array;
  /** What the row with its number came to; null without one. */
  readonly row: RowVerdict | null;
}

export interface ViewCounts {
  readonly entries: number;
  readonly confirmable: number;
  readonly quarantined: number;
  readonly rows: number;
}

export interface StoredViewState {
  /** Of the write that it comes from. */
  readonly stamp: string;
  readonly topic: string;
  /** The next offset of the topic. */
  readonly offset: number;
  readonly counts: ViewCounts;
  /** The caller's own, as it was written. */
  readonly state: string;
  /** Whether everything above is as one write left it, and the tables hold what it says as far as that can be told without reading them. */
  readonly isIntact: boolean;
}

export interface ViewWrite {
  /** Null: nothing was written before. */
  readonly expected: string | null;
  readonly stamp: string;
  readonly offset: number;
  readonly state: string;
  /** Everything that is there goes first. */
  readonly clear: boolean;
  readonly entries: readonly TableEntryUpdate[];
  readonly relinks: readonly { readonly slot: Hash; readonly ordinal: number }[];
  /** With `handle`. */
  readonly rows: readonly RowMark[];
  /** Handles. */
  readonly forget: readonly Uint8Array[];
}

export interface TableEntryUpdate {
  readonly slot: Hash;
  /** Null removes it. */
  readonly bytes: Uint8Array | null;
  readonly state: EntryState;
  readonly rowHash: Hash | null;
  /** Null: the number that it has, if the row is still the same, or else `newOrdinal`. */
  readonly ordinal: number | null;
  readonly newOrdinal: number;
}
