import type { RowBatch, RowValues } from '../../core/row.ts';
import type { FieldDecoder } from './values.ts';

/** The texts of one row, in the order of the select. */
export type TextRow = readonly (string | null)[];

/** How the rows of one scan are read. */
export interface RowLayout {
  readonly keyLength: number;
  /** Which field the cursor is; -1 without one. Behind the columns that were asked for, it is no part of raw() and values(). */
  readonly cursorIndex: number;
  readonly decoders: readonly FieldDecoder[];
  readonly decodeCursor: FieldDecoder;
}

/** Rows as Snowflake's texts. */
export class TextRows implements RowBatch {
  readonly count: number;
  readonly #rows: readonly TextRow[];
  readonly #layout: RowLayout;

  constructor(rows: readonly TextRow[], layout: RowLayout) {
    this.#rows = rows;
    this.count = rows.length;
    this.#layout = layout;
  }

  key(row: number): Uint8Array {
    return pack(this.#row(row), this.#layout.keyLength);
  }

  keyHasNull(row: number): boolean {
    return this.#row(row).slice(0, this.#layout.keyLength).includes(null);
  }

  raw(row: number): Uint8Array {
    return pack(this.#row(row), this.#layout.decoders.length);
  }

  cursor(row: number): string | null {
    const { cursorIndex, decodeCursor } = this.#layout;
    const text = cursorIndex < 0 ? null : (this.#row(row)[cursorIndex] ?? null);
    return text === null ? null : decodeCursor(text);
  }

  values(row: number): RowValues {
    const texts = this.#row(row);
    return this.#layout.decoders.map((decode, i) => {
      const text = texts[i] ?? null;
      return text === null ? null : decode(text);
    });
  }

  #row(row: number): TextRow {
    const texts = this.#rows[row];
    if (texts === undefined) throw new RangeError(`row ${row} of ${this.count}`);
    return texts;
  }
}

/** The first fields as bytes: per field `<length>:<text>`, or `n` for NULL. Lengths in front make it injective. */
function pack(row: TextRow, fields: number): Uint8Array {
  let packed = '';
  for (let i = 0; i < fields; i++) {
    const text = row[i] ?? null;
    packed += text === null ? 'n' : `${text.length}:${text}`;
  }
  return Buffer.from(packed, 'utf8');
}
