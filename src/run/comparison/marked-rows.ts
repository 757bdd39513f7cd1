import type { RowVerdict } from '../../core/change.ts';
import type { MarkedRow } from '../../core/row.ts';

const VERDICTS: readonly RowVerdict[] = ['fact', 'absent', 'quarantined'];
const HANDLE_BYTES = 16;
const RECORD_BYTES = HANDLE_BYTES + 9;
const BLOCK_RECORDS = 4_096;

/** Rows of a view in 25 bytes each: where a source is emptied, they are all of them. Handles are of sixteen bytes. */
export class MarkedRows {
  readonly #blocks: Buffer[] = [];
  count = 0;

  add({ handle, ordinal, verdict }: MarkedRow): void {
    const at = (this.count % BLOCK_RECORDS) * RECORD_BYTES;
    if (at === 0) this.#blocks.push(Buffer.allocUnsafe(BLOCK_RECORDS * RECORD_BYTES));
    const block = this.#blocks.at(-1);
    block?.set(handle, at);
    block?.writeDoubleBE(ordinal, at + HANDLE_BYTES);
    block?.writeUInt8(VERDICTS.indexOf(verdict), at + HANDLE_BYTES + 8);
    this.count++;
  }

  *pages(size: number, isWanted: (row: MarkedRow) => boolean): Iterable<readonly MarkedRow[]> {
    let page: MarkedRow[] = [];
    for (let i = 0; i < this.count; i++) {
      const row = this.#at(i);
      if (!isWanted(row)) continue;
      page.push(row);
      if (page.length < size) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }

  #at(index: number): MarkedRow {
    const block = this.#blocks[Math.floor(index / BLOCK_RECORDS)];
    const verdict = VERDICTS[block?.readUInt8((index % BLOCK_RECORDS) * RECORD_BYTES + HANDLE_BYTES + 8) ?? -1];
    if (block === undefined || verdict === undefined) throw new RangeError(`row ${index} of ${this.count}`);
    const at = (index % BLOCK_RECORDS) * RECORD_BYTES;
    return { handle: block.subarray(at, at + HANDLE_BYTES), ordinal: block.readDoubleBE(at + HANDLE_BYTES), verdict };
  }
}
