import type { RowMark } from '../../core/change.ts';
import type { Hash } from '../../core/entry.ts';
import type { Fact } from '../../core/fact.ts';
import type { RowRef } from '../../snapshot/view.ts';
import { textOf } from './text-of.ts';

/** A row that must be looked at, with what was known of it before. */
export class ReadRow {
  readonly key: Uint8Array;
  /** By which a view in the warehouse knows it. */
  readonly handle: Uint8Array | undefined;
  readonly raw: Hash;
  readonly ordinal: number | null;
  readonly slot: Hash | null;
  /** Where its cursor stands; null where entries do not expire. */
  readonly cursor: number | null;
  /** The key, to look it up among the new rows. */
  readonly text: string;

  constructor(key: Uint8Array, handle: Uint8Array | undefined, raw: Hash, known: RowRef | undefined, cursor: number | null) {
    this.key = key;
    this.handle = handle;
    this.text = known === undefined ? textOf(key) : '';
    this.raw = raw;
    this.cursor = cursor;
    this.ordinal = known?.ordinal ?? null;
    this.slot = known?.slot ?? null;
  }
}

/** A row that has its number, and the entry that it stands behind now. */
export interface PlacedRow {
  readonly slot: Hash;
  readonly rowHash: Hash;
  readonly row: RowMark;
  /** Of the row, or of the entry: where it stands. */
  readonly cursor: number | null;
}

export interface PlacedFact extends PlacedRow {
  readonly fact: Fact;
}
