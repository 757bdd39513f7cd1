import type { RowVerdict } from './change.ts';
import type { Hash } from './entry.ts';

/**
 * The words for what a warehouse yields. Promise 5: a value crosses the port as text in the canonical form of its kind (below), so that nothing
 * is rounded, shifted or re-zoned on the way: adapters produce these forms, mappers read them, and neither knows the other.
 */

/**
 * kind         canonical text
 * string       the text itself
 * boolean      `true` | `false`
 * int32, int64 decimal digits, `-` in front if negative
 * decimal      plain digits with the scale that the warehouse gave, no exponent; `NaN`, `Infinity`, `-Infinity` as the warehouse has them
 * float64      the shortest text that reads back as the same double; `NaN`, `Infinity`, `-Infinity`, `-0`
 * date         `YYYY-MM-DD`; BC, years above 9999 and `infinity` in the warehouse's own text (mappers reject them by name)
 * time         `HH:MM:SS[.ffffff]`
 * timestamp    `YYYY-MM-DD HH:MM:SS[.ffffff]`, no zone
 * timestamptz  the same in UTC, then `+00`
 * bytes        lower-case hex, no prefix
 * uuid         lower-case, with hyphens
 * json         the JSON text, numbers with all their digits
 * array        a JSON array text; numbers with all their digits; nulls, booleans and JSON as they are; other elements as JSON strings in their canonical form
 * other        the warehouse's own text (intervals, ranges, geometry …)
 */
export type ColumnKind =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'decimal'
  | 'float64'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'bytes'
  | 'uuid'
  | 'json'
  | 'array'
  | 'other';

export interface Column {
  /** The name as the warehouse gives it. */
  readonly name: string;
  readonly kind: ColumnKind;
  /** The warehouse's own name of the type, for messages and for the salt of raw fingerprints: `numeric(10,2)`. */
  readonly sourceType: string;
  /** Of an array: its elements. */
  readonly element?: ColumnKind | undefined;
}

/** One row: canonical texts in the order of the scan's columns; null is SQL's NULL. */
export type RowValues = readonly (string | null)[];

/**
 * Rows as they came over the wire, decoded only when asked: most rows of a full comparison are unchanged, and an unchanged row must
 * not cost a string (docs/performance.md). A batch is valid until the next one is asked for; a caller copies what it keeps.
 */
export interface RowBatch {
  readonly count: number;
  /**
   * The model key as bytes: equal exactly when all key columns are equal, whatever they hold (("a","bc") and ("ab","c") differ).
   * Stable across runs and processes for the same values.
   */
  key(row: number): Uint8Array;
  /** Whether a key column is NULL. */
  keyHasNull(row: number): boolean;
  /** Bytes that differ whenever any value of the row differs: the row itself, or a collision-safe digest that the warehouse computed. */
  raw(row: number): Uint8Array;
  /** The canonical text of the cursor column; null if it is NULL or the scan has none. */
  cursor(row: number): string | null;
  values(row: number): RowValues;
  /** By which a view in the warehouse knows the row: the warehouse's own hash of the model key. */
  handle?(row: number): Uint8Array;
  /** Undefined where the bytes of rows do not lie side by side. */
  readonly groups?: RowGroups | undefined;
}

/**
 * The rows of a batch in groups of neighbours, every row in one. Where a group ends depends on its own rows alone: the same rows in the same order form the same
 * groups again, whatever stands before them.
 */
export interface RowGroups {
  readonly count: number;
  /** The row after the group's last one. */
  end(group: number): number;
  /** Bytes that differ whenever any value of the group's rows differs, or their number or order. */
  bytes(group: number): Uint8Array;
}

/** Rows that the warehouse has hashed: `raw` is its digest. */
export interface ComparedRows extends RowBatch {
  handle(row: number): Uint8Array;
  /** Where rows that are as they were stay in the warehouse: rows of the view that no row of the model is equal to. It differs, or is gone. */
  readonly unmatched: readonly MarkedRow[];
}

export type MarkedRow = Pick<KnownRow, 'handle' | 'ordinal' | 'verdict'>;

/** What a view in the warehouse knows of a row. */
export interface KnownRow {
  readonly handle: Uint8Array;
  readonly ordinal: number;
  readonly verdict: RowVerdict;
  readonly raw: Hash | null;
  readonly slot: Hash | null;
}
