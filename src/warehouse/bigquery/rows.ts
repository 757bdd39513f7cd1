import type { RowBatch, RowValues } from '../../core/row.ts';
import type { Cell, CellDecoder } from './values.ts';

/** How the rows of one scan are read. */
export interface RowLayout {
  readonly keyLength: number;
  /** Which cell the cursor is; -1 without one. Behind the columns that were asked for, it is no part of raw() and values(). */
  readonly cursorIndex: number;
  readonly decoders: readonly CellDecoder[];
  readonly decodeCursor: CellDecoder;
}

/** A row as the REST API writes it: its cells in the order of the schema. */
export interface ApiRow {
  readonly f: readonly Cell[];
}

/** One page of a result. */
export class ApiRows implements RowBatch {
  readonly count: number;
  readonly #rows: readonly ApiRow[];
  readonly #layout: RowLayout;

  constructor(rows: readonly ApiRow[], layout: RowLayout) {
    this.#rows = rows;
    this.count = rows.length;
    this.#layout = layout;
  }

  /** Per key column `<bytes>:<text>`, or `n` for NULL: lengths in front make it injective. */
  key(row: number): Uint8Array {
    const cells = this.#cells(row);
    const { keyLength, decoders } = this.#layout;
    let key = '';
    for (let i = 0; i < keyLength; i++) {
      const text = decoders[i]!(cells[i]!.v);
      key += text === null ? 'n' : `${Buffer.byteLength(text)}:${text}`;
    }
    return Buffer.from(key);
  }

  keyHasNull(row: number): boolean {
    const cells = this.#cells(row);
    for (let i = 0; i < this.#layout.keyLength; i++) if (cells[i]!.v === null) return true;
    return false;
  }

  /** BigQuery's own texts, undecoded: JSON keeps them apart. */
  raw(row: number): Uint8Array {
    const cells = this.#cells(row);
    const { length } = this.#layout.decoders;
    return Buffer.from(JSON.stringify(cells.length === length ? cells : cells.slice(0, length)));
  }

  cursor(row: number): string | null {
    const { cursorIndex, decodeCursor } = this.#layout;
    return cursorIndex < 0 ? null : decodeCursor(this.#cells(row)[cursorIndex]!.v);
  }

  values(row: number): RowValues {
    const cells = this.#cells(row);
    return this.#layout.decoders.map((decode, i) => decode(cells[i]!.v));
  }

  #cells(row: number): readonly Cell[] {
    const found = this.#rows[row];
    if (found === undefined) throw new RangeError(`row ${row} of ${this.count}`);
    return found.f;
  }
}
