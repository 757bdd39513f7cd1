import type { ComparedRows, MarkedRow, RowBatch, RowValues } from '../core/row.ts';

/** Of a row that was read: by what the view knows it, and its digest. */
export interface RowHashes {
  readonly handle: Uint8Array;
  readonly hash: Uint8Array;
}

/** Rows of a comparison: those of a batch, and what the warehouse has computed of each. */
export class HashedRows implements ComparedRows {
  readonly count: number;
  readonly unmatched: readonly MarkedRow[];
  readonly #rows: RowBatch;
  readonly #hashes: readonly RowHashes[];

  constructor(rows: RowBatch, hashes: readonly RowHashes[], unmatched: readonly MarkedRow[]) {
    this.count = rows.count;
    this.unmatched = unmatched;
    this.#rows = rows;
    this.#hashes = hashes;
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

  #at(row: number): RowHashes {
    const found = this.#hashes[row];
    if (found === undefined) throw new RangeError(`row ${row} of ${this.count}`);
    return found;
  }
}
