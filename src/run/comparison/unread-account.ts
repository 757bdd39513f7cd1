import type { RowVerdict } from '../../core/change.ts';
import type { MissingRow, ScanTotals } from '../../warehouse/warehouse.ts';
import { Bitmap } from './bitmap.ts';

const VERDICTS: readonly RowVerdict[] = ['fact', 'absent', 'quarantined'];

/**
 * What became of each row that the view knows, where only rows that differ are read. Each was read, is missing, or stayed in the warehouse as it was; and each row of the model was
 * read, or stayed. Counts alone would not notice a row that stands twice beside one that is gone: the sums of the keys' short hashes do.
 */
export class UnreadAccount {
  readonly #readRows = new Bitmap();
  #missingRows = new Bitmap();
  #read = 0;
  #readKnown: Record<RowVerdict, number> = { fact: 0, absent: 0, quarantined: 0 };
  #newKeys = 0n;
  #missing: Record<RowVerdict, number> = { fact: 0, absent: 0, quarantined: 0 };
  #missingKeys = 0n;
  #totals: ScanTotals | undefined;

  /** Rows of a batch: those that the view knows, and the handles of the others. */
  noteRead(
    rows: number,
    known: readonly { readonly ordinal: number; readonly verdict: RowVerdict }[],
    unknown: readonly Uint8Array[],
  ): void {
    this.#read += rows;
    for (const { ordinal, verdict } of known) {
      this.#readRows.add(ordinal);
      this.#readKnown[verdict]++;
    }
    for (const handle of unknown) this.#newKeys += shortHash(handle);
  }

  open(totals: ScanTotals): void {
    this.#totals = totals;
  }

  forgetMissing(): void {
    this.#missingRows = new Bitmap();
    this.#missing = { fact: 0, absent: 0, quarantined: 0 };
    this.#missingKeys = 0n;
  }

  noteMissing(rows: readonly MissingRow[]): void {
    for (const { handle, ordinal, verdict } of rows) {
      this.#missingRows.add(ordinal);
      this.#missing[verdict]++;
      this.#missingKeys += shortHash(handle);
    }
  }

  /** Rows that stayed in the warehouse, by what they came to when they were mapped last. */
  get unread(): Record<RowVerdict, number> {
    const { known } = this.#opened;
    const stayed = (verdict: RowVerdict) => known[verdict] - this.#readKnown[verdict] - this.#missing[verdict];
    return { fact: stayed('fact'), absent: stayed('absent'), quarantined: stayed('quarantined') };
  }

  get isBalanced(): boolean {
    const { rows, keys, knownKeys } = this.#opened;
    const { unread } = this;
    const stayed = VERDICTS.reduce((sum, verdict) => sum + unread[verdict], 0);
    return rows - this.#read === stayed && keys === knownKeys + this.#newKeys - this.#missingKeys;
  }

  /** The row of this number was read, or is missing. */
  isAccountedFor(ordinal: number): boolean {
    return this.#readRows.has(ordinal) || this.#missingRows.has(ordinal);
  }

  /** The numbers of those of them that are wanted. */
  *pages(size: number, isWanted: (ordinal: number) => boolean): Iterable<readonly number[]> {
    let page: number[] = [];
    for (const numbers of [this.#readRows, this.#missingRows]) {
      for (const ordinal of numbers) {
        if (!isWanted(ordinal)) continue;
        page.push(ordinal);
        if (page.length < size) continue;
        yield page;
        page = [];
      }
    }
    if (page.length > 0) yield page;
  }

  get #opened(): ScanTotals {
    if (this.#totals === undefined) throw new Error('the account is not open');
    return this.#totals;
  }
}

/** The second part of a handle: see `ScanTotals`. */
function shortHash(handle: Uint8Array): bigint {
  return new DataView(handle.buffer, handle.byteOffset, handle.length).getBigInt64(16);
}
