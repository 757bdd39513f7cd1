import type { ComparedRows, MarkedRow, RowValues } from '../../core/row.ts';
import { verdictOf } from '../verdicts.ts';
import { LEADING_FIELDS } from './compare-text.ts';
import { type CopyRows, type LineLayout, LineMarker } from './rows.ts';

const TAB = 9;
const NEWLINE = 10;

/** Lines of a comparison: handle, hash, number and verdict of a mark, then what a line of a scan has. */
export class ComparedLines implements ComparedRows {
  readonly count: number;
  readonly unmatched: readonly MarkedRow[];
  readonly #lines: Buffer;
  /** Per row: start of the line, start of the row proper, end of the line. */
  readonly #places: readonly number[];
  readonly #layout: LineLayout;
  #at = -1;
  #row: CopyRows | undefined;

  constructor(lines: Buffer, layout: LineLayout) {
    this.#lines = lines;
    this.#layout = layout;
    const places: number[] = [];
    const unmatched: MarkedRow[] = [];
    for (let start = 0; start < lines.length; ) {
      let proper = start;
      for (let i = 0; i < LEADING_FIELDS; i++) proper = lines.indexOf(TAB, proper) + 1;
      const end = lines.indexOf(NEWLINE, proper) + 1;
      const [handle = '', hash, ordinal, verdict] = lines.toString('latin1', start, proper).split('\t');
      if (hash === '\\N') unmatched.push({ handle: bytesOf(handle), ordinal: Number(ordinal), verdict: verdictOf(Number(verdict)) });
      else places.push(start, proper, end);
      start = end;
    }
    this.count = places.length / 3;
    this.unmatched = unmatched;
    this.#places = places;
  }

  handle(row: number): Uint8Array {
    return bytesOf(this.#leading(row, 0));
  }

  raw(row: number): Uint8Array {
    return bytesOf(this.#leading(row, 1));
  }

  key(row: number): Uint8Array {
    return this.#proper(row).key(0);
  }

  keyHasNull(row: number): boolean {
    return this.#proper(row).keyHasNull(0);
  }

  cursor(row: number): string | null {
    return this.#proper(row).cursor(0);
  }

  values(row: number): RowValues {
    return this.#proper(row).values(0);
  }

  #leading(row: number, field: number): string {
    return this.#lines.toString('latin1', this.#places[3 * row], this.#places[3 * row + 1]).split('\t')[field] ?? '';
  }

  #proper(row: number): CopyRows {
    if (this.#at !== row || this.#row === undefined) {
      const line = this.#lines.subarray(this.#places[3 * row + 1], this.#places[3 * row + 2]);
      this.#row = new LineMarker(this.#layout, 4).mark(line, true);
      this.#at = row;
    }
    return this.#row;
  }
}

/** COPY's text of a bytea: `\\\\x`, then hexadecimal digits. */
function bytesOf(field: string): Buffer {
  return Buffer.from(field.slice(3), 'hex');
}
