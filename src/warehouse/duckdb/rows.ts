import type { RowBatch, RowValues } from '../../core/row.ts';
import type { FieldDecoder } from './values.ts';

/** How the rows of one scan are read. */
export interface RowLayout {
  readonly keyLength: number;
  /** Which field the cursor is; -1 without one. Behind the columns that were asked for, it is no part of raw() and values(). */
  readonly cursorIndex: number;
  readonly decoders: readonly FieldDecoder[];
  readonly decodeCursor: (text: string) => string;
}

const COLON = 58;
const ZERO = 48;
const NULL_MARK = 110;

/** Rows in the form of `rowExpression` (columns.ts). */
export class PackedRows implements RowBatch {
  readonly count: number;
  readonly #rows: readonly Uint8Array[];
  readonly #layout: RowLayout;

  constructor(rows: readonly Uint8Array[], layout: RowLayout) {
    this.#rows = rows;
    this.count = rows.length;
    this.#layout = layout;
  }

  key(row: number): Uint8Array {
    const bytes = this.#row(row);
    return bytes.subarray(0, skipFields(bytes, this.#layout.keyLength));
  }

  keyHasNull(row: number): boolean {
    const bytes = this.#row(row);
    let at = 0;
    for (let field = 0; field < this.#layout.keyLength; field++) {
      if (bytes[at] === NULL_MARK) return true;
      at = fieldEnd(bytes, at);
    }
    return false;
  }

  raw(row: number): Uint8Array {
    const bytes = this.#row(row);
    const { cursorIndex, decoders } = this.#layout;
    return cursorIndex < decoders.length ? bytes : bytes.subarray(0, skipFields(bytes, decoders.length));
  }

  cursor(row: number): string | null {
    const { cursorIndex, decodeCursor } = this.#layout;
    if (cursorIndex < 0) return null;
    const bytes = this.#row(row);
    const text = fieldText(bytes, skipFields(bytes, cursorIndex));
    return text === null ? null : decodeCursor(text);
  }

  values(row: number): RowValues {
    const bytes = this.#row(row);
    const { decoders } = this.#layout;
    const values = new Array<string | null>(decoders.length);
    let at = 0;
    for (let i = 0; i < decoders.length; i++) {
      const text = fieldText(bytes, at);
      values[i] = text === null ? null : decoders[i]!(text);
      at = fieldEnd(bytes, at);
    }
    return values;
  }

  #row(row: number): Uint8Array {
    const bytes = this.#rows[row];
    if (bytes === undefined) throw new RangeError(`row ${row} of ${this.count}`);
    return bytes;
  }
}

function skipFields(bytes: Uint8Array, fields: number): number {
  let at = 0;
  for (let field = 0; field < fields; field++) at = fieldEnd(bytes, at);
  return at;
}

function fieldEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] === NULL_MARK) return at + 1;
  const colon = bytes.indexOf(COLON, at);
  return colon + 1 + length(bytes, at, colon);
}

function fieldText(bytes: Uint8Array, at: number): string | null {
  if (bytes[at] === NULL_MARK) return null;
  const colon = bytes.indexOf(COLON, at);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', colon + 1, colon + 1 + length(bytes, at, colon));
}

function length(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + bytes[i]! - ZERO;
  return value;
}
