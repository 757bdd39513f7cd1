import type { RowBatch, RowValues } from '../../core/row.ts';
import type { FieldDecoder } from './values.ts';

/** How the lines of one scan are read. */
export interface LineLayout {
  readonly keyLength: number;
  /** Where the cursor stands in a line; -1 without one. */
  readonly cursorIndex: number;
  /** The cursor was added behind the columns that were asked for: it is no part of raw() and values(). */
  readonly cursorHidden: boolean;
  readonly decoders: readonly FieldDecoder[];
  readonly decodeCursor: FieldDecoder;
}

const TAB = 9;
const NEWLINE = 10;
const BACKSLASH = 92;
const CAPITAL_N = 78;

/**
 * Whole lines of COPY as rows. Per row only the ends of line and key are looked for. The line's text up to the K-th tab is the key: COPY escapes tabs within
 * values, so that it is equal exactly when the texts of all K columns are.
 */
export class CopyRows implements RowBatch {
  readonly count: number;
  readonly #lines: Buffer;
  readonly #layout: LineLayout;
  /** Per row: start of the line, end of the key; behind the last row, the end of everything. */
  readonly #marks: Int32Array;

  /** `marks` is kept from batch to batch by `markLines`. */
  constructor(lines: Buffer, marks: Int32Array, count: number, layout: LineLayout) {
    this.#lines = lines;
    this.#marks = marks;
    this.count = count;
    this.#layout = layout;
  }

  key(row: number): Uint8Array {
    return this.#lines.subarray(this.#marks[2 * row], this.#marks[2 * row + 1]);
  }

  keyHasNull(row: number): boolean {
    const lines = this.#lines;
    const start = this.#marks[2 * row]!;
    const end = this.#marks[2 * row + 1]!;
    // A text that reads \N is sent as \\N: two bytes between two borders can only be NULL.
    for (let i = start; i < end - 1; i++) {
      if (lines[i] !== BACKSLASH || lines[i + 1] !== CAPITAL_N) continue;
      if ((i === start || lines[i - 1] === TAB) && (i + 2 === end || lines[i + 2] === TAB)) return true;
    }
    return false;
  }

  raw(row: number): Uint8Array {
    return this.#lines.subarray(this.#marks[2 * row], this.#rawEnd(row));
  }

  cursor(row: number): string | null {
    const { cursorIndex, cursorHidden, decodeCursor, decoders } = this.#layout;
    if (cursorIndex < 0) return null;
    const lines = this.#lines;
    const lineEnd = this.#marks[2 * row + 2]! - 1;
    let start = this.#marks[2 * row]!;
    let end = lineEnd;
    if (cursorHidden) {
      start = this.#rawEnd(row) + 1;
    } else if (2 * cursorIndex < decoders.length) {
      for (let i = 0; i < cursorIndex; i++) start = lines.indexOf(TAB, start) + 1;
      const tab = lines.indexOf(TAB, start);
      if (tab >= 0 && tab < lineEnd) end = tab;
    } else {
      // Nearer to the end of the line, where a cursor mostly stands.
      for (let i = decoders.length - 1; i > cursorIndex; i--) end = tabBefore(lines, end, start);
      start = tabBefore(lines, end, start) + 1;
    }
    return decodeCursor(lines.toString('latin1', start, end));
  }

  values(row: number): RowValues {
    const { decoders } = this.#layout;
    const fields = this.#lines.toString('utf8', this.#marks[2 * row]!, this.#rawEnd(row)).split('\t');
    const values = new Array<string | null>(decoders.length);
    for (let i = 0; i < decoders.length; i++) values[i] = decoders[i]!(fields[i]!);
    return values;
  }

  #rawEnd(row: number): number {
    const lineEnd = this.#marks[2 * row + 2]! - 1;
    return this.#layout.cursorHidden ? this.#lines.lastIndexOf(TAB, lineEnd) : lineEnd;
  }
}

/** The last tab before `end`; `start` − 1 if there is none. A loop, because a field is shorter than a native call. */
function tabBefore(lines: Buffer, end: number, start: number): number {
  let at = end - 1;
  while (at >= start && lines[at] !== TAB) at--;
  return at;
}

/** Finds the rows in whole lines. The marks are used again for the next block, so a batch is valid until then. */
export class LineMarker {
  #marks: Int32Array = new Int32Array(8192);
  readonly #layout: LineLayout;

  constructor(layout: LineLayout) {
    this.#layout = layout;
  }

  mark(lines: Buffer): CopyRows {
    const { keyLength } = this.#layout;
    let marks = this.#marks;
    let count = 0;
    let position = 0;
    while (position < lines.length) {
      if (2 * count + 3 > marks.length) marks = this.#grow();
      marks[2 * count] = position;
      let tabs = 0;
      let byte = 0;
      let i = position;
      while (tabs < keyLength) {
        byte = lines[i]!;
        if (byte === NEWLINE || (byte === TAB && ++tabs === keyLength)) break;
        i++;
      }
      marks[2 * count + 1] = i;
      position = lines.indexOf(NEWLINE, i) + 1;
      count++;
    }
    marks[2 * count] = position;
    return new CopyRows(lines, marks, count, this.#layout);
  }

  #grow(): Int32Array {
    const larger = new Int32Array(this.#marks.length * 2);
    larger.set(this.#marks);
    this.#marks = larger;
    return larger;
  }
}
