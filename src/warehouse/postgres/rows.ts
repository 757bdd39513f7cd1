import type { RowBatch, RowGroups, RowValues } from '../../core/row.ts';
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
  /** Bytes of the rows. */
  readonly size: number;
  readonly groups: RowGroups;
  readonly #lines: Buffer;
  readonly #layout: LineLayout;
  /** Per row: start of the line, end of the key; behind the last row, the end of everything. */
  readonly #marks: Int32Array;

  /** `marks` is kept from batch to batch by LineMarker. */
  constructor(lines: Buffer, marks: Int32Array, groupEnds: readonly number[], layout: LineLayout) {
    this.#lines = lines;
    this.#marks = marks;
    this.count = groupEnds.at(-1) ?? 0;
    this.size = this.count === 0 ? 0 : marks[2 * this.count]!;
    this.#layout = layout;
    this.groups = {
      count: groupEnds.length,
      end: (group) => groupEnds[group]!,
      bytes: (group) => lines.subarray(marks[2 * (groupEnds[group - 1] ?? 0)], marks[2 * groupEnds[group]!]),
    };
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

/** A group of rows ends behind a key whose hash has this many leading zeros: 64 rows on average. */
const GROUP_END_BITS = 6;
/** It ends as well behind the row that makes it so large: less than a batch, so that every batch holds whole groups. */
const MAX_GROUP_BYTES = 64 * 1024;

/** Finds rows and groups of rows in whole lines. The marks are used again for the next block, so a batch is valid until then. */
export class LineMarker {
  #marks: Int32Array;
  readonly #layout: LineLayout;

  constructor(layout: LineLayout, marks = 8192) {
    this.#layout = layout;
    this.#marks = new Int32Array(marks);
  }

  /** The groups that are complete; behind the last line of a scan, all. What lies behind `size` bytes belongs to the next batch. */
  mark(lines: Buffer, isLast: boolean): CopyRows {
    const { keyLength } = this.#layout;
    const groupEnds: number[] = [];
    let groupStart = 0;
    let marks = this.#marks;
    let count = 0;
    let position = 0;
    while (position < lines.length) {
      if (2 * count + 3 > marks.length) marks = this.#grow();
      marks[2 * count] = position;
      let tabs = 0;
      let hash = FNV_BASIS;
      let i = position;
      while (tabs < keyLength) {
        const byte = lines[i]!;
        if (byte === NEWLINE || (byte === TAB && ++tabs === keyLength)) break;
        hash = Math.imul(hash ^ byte, FNV_PRIME);
        i++;
      }
      marks[2 * count + 1] = i;
      position = lines.indexOf(NEWLINE, i) + 1;
      count++;
      if (Math.clz32(Math.imul(hash ^ (hash >>> 15), FNV_PRIME)) < GROUP_END_BITS && position - groupStart < MAX_GROUP_BYTES) continue;
      groupEnds.push(count);
      groupStart = position;
    }
    marks[2 * count] = position;
    if (isLast && groupEnds.at(-1) !== count) groupEnds.push(count);
    return new CopyRows(lines, marks, groupEnds, this.#layout);
  }

  #grow(): Int32Array {
    const larger = new Int32Array(this.#marks.length * 2);
    larger.set(this.#marks);
    this.#marks = larger;
    return larger;
  }
}

/** Of the hash FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). */
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
