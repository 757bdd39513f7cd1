import type { ComparedRows, RowValues } from '../../core/row.ts';
import { LEADING_FIELDS } from './compare-text.ts';
import { type CopyRows, type LineLayout, LineMarker } from './rows.ts';

const TAB = 9;

/** Lines of a comparison: handle, hash, then what a line of a scan has. */
export class ComparedLines implements ComparedRows {
  readonly count: number;
  readonly #lines: Buffer;
  /** Per row: start of the line, and of the row proper; behind the last row, the end of everything. */
  readonly #starts: readonly number[];
  readonly #layout: LineLayout;
  #at = -1;
  #row: CopyRows | undefined;

  constructor(lines: Buffer, layout: LineLayout) {
    this.#lines = lines;
    this.#layout = layout;
    const starts: number[] = [];
    for (let start = 0; start < lines.length; ) {
      let proper = start;
      for (let i = 0; i < LEADING_FIELDS; i++) proper = lines.indexOf(TAB, proper) + 1;
      starts.push(start, proper);
      start = lines.indexOf(10, proper) + 1;
    }
    this.count = starts.length / 2;
    starts.push(lines.length);
    this.#starts = starts;
  }

  handle(row: number): Uint8Array {
    const start = this.#starts[2 * row]!;
    const end = this.#lines.indexOf(TAB, start);
    return packHandle(bytesOf(this.#lines, start, end), BigInt(this.#lines.toString('latin1', end + 1, this.#lines.indexOf(TAB, end + 1))));
  }

  raw(row: number): Uint8Array {
    const end = this.#starts[2 * row + 1]! - 1;
    return bytesOf(this.#lines, this.#lines.lastIndexOf(TAB, end - 1) + 1, end);
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

  #proper(row: number): CopyRows {
    if (this.#at !== row || this.#row === undefined) {
      const line = this.#lines.subarray(this.#starts[2 * row + 1], this.#starts[2 * row + 2]);
      this.#row = new LineMarker(this.#layout, 4).mark(line, true);
      this.#at = row;
    }
    return this.#row;
  }
}

/** COPY's text of a bytea: `\\x`, then hexadecimal digits. */
function bytesOf(lines: Buffer, start: number, end: number): Buffer {
  return Buffer.from(lines.toString('latin1', start + 3, end), 'hex');
}

/** Both parts of a handle as one: sixteen bytes, then the eight of the short hash. */
export function packHandle(long: Uint8Array, short: bigint): Buffer {
  const handle = Buffer.allocUnsafe(24);
  handle.set(long, 0);
  handle.writeBigInt64BE(short, 16);
  return handle;
}

export function unpackHandle(handle: Uint8Array): { readonly long: Buffer; readonly short: bigint } {
  const bytes = Buffer.from(handle.buffer, handle.byteOffset, handle.length);
  return { long: bytes.subarray(0, 16), short: bytes.readBigInt64BE(16) };
}
