import type { RowVerdict } from '../../core/change.ts';
import type { MarkedRow } from '../../core/row.ts';
import type { ScanTotals } from '../../warehouse/warehouse.ts';
import { Bitmap } from './bitmap.ts';
import { MarkedRows } from './marked-rows.ts';

const VERDICTS: readonly RowVerdict[] = ['fact', 'absent', 'quarantined'];

/**
 * What became of each row that the view knows, where only rows that differ are read. The warehouse says which of them no row of the model is equal to: such a row was read, or it is
 * gone. Each of the others is equal to just one row, which stayed in the warehouse.
 */
export class UnreadAccount {
  readonly #readRows = new Bitmap();
  readonly #missingRows = new Bitmap();
  readonly #unmatched = new MarkedRows();
  readonly #unmatchedBy: Record<RowVerdict, number> = { fact: 0, absent: 0, quarantined: 0 };
  #read = 0;
  #readKnown = 0;
  #missing = 0;

  /** Rows of a batch: how many, the numbers of those that the view knows, and its rows that are equal to none. */
  note(rows: number, known: readonly number[], unmatched: readonly MarkedRow[]): void {
    this.#read += rows;
    this.#readKnown += known.length;
    for (const ordinal of known) this.#readRows.add(ordinal);
    for (const row of unmatched) {
      this.#unmatched.add(row);
      this.#unmatchedBy[row.verdict]++;
    }
  }

  /** After the last batch: the rows that are gone, by the page. */
  *missing(size: number): Iterable<readonly MarkedRow[]> {
    for (const page of this.#unmatched.pages(size, ({ ordinal }) => !this.#readRows.has(ordinal))) {
      this.noteMissing(page);
      yield page;
    }
  }

  noteMissing(rows: readonly MarkedRow[]): void {
    this.#missing += rows.length;
    for (const { ordinal } of rows) this.#missingRows.add(ordinal);
  }

  /** Rows that stayed in the warehouse, by what they came to when they were mapped last. */
  unread({ known }: ScanTotals): Record<RowVerdict, number> {
    const stayed = (verdict: RowVerdict) => known[verdict] - this.#unmatchedBy[verdict];
    return { fact: stayed('fact'), absent: stayed('absent'), quarantined: stayed('quarantined') };
  }

  /** Whether as many rows stayed as the view knows of them, and no row that was read stands beside one that stayed. Otherwise a key stands twice. */
  isBalanced(totals: ScanTotals): boolean {
    const unread = this.unread(totals);
    const stayed = VERDICTS.reduce((sum, verdict) => sum + unread[verdict], 0);
    return totals.rows - this.#read === stayed && this.#unmatched.count - this.#missing === this.#readKnown;
  }

  /** The row of this number was read, or is gone. */
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
}
