import type { ComparedRows, MarkedRow, RowValues } from '../../core/row.ts';
import { PackedRows, type RowLayout } from './rows.ts';

/** A row that was read: its handle, its hash, and the row proper. */
export interface ReadRow {
  readonly handle: Uint8Array;
  readonly hash: Uint8Array;
  readonly row: Uint8Array;
}

/** Rows of a comparison. */
export class ComparedPackedRows implements ComparedRows {
  readonly count: number;
  readonly unmatched: readonly MarkedRow[];
  readonly #read: readonly ReadRow[];
  readonly #rows: PackedRows;

  constructor(read: readonly ReadRow[], unmatched: readonly MarkedRow[], layout: RowLayout) {
    this.count = read.length;
    this.unmatched = unmatched;
    this.#read = read;
    this.#rows = new PackedRows(
      read.map(({ row }) => row),
      layout,
    );
  }

  handle(row: number): Uint8Array {
    return this.#at(row).handle;
  }

  raw(row: number): Uint8Array {
    return this.#at(row).hash;
  }

  key(row: number): Uint8Array {
    return this.#rows.key(row);
  }

  keyHasNull(row: number): boolean {
    return this.#rows.keyHasNull(row);
  }

  cursor(row: number): string | null {
    return this.#rows.cursor(row);
  }

  values(row: number): RowValues {
    return this.#rows.values(row);
  }

  #at(row: number): ReadRow {
    const found = this.#read[row];
    if (found === undefined) throw new RangeError(`row ${row} of ${this.count}`);
    return found;
  }
}
