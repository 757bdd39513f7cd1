import { Bitmap } from './bitmap.ts';

/** Which entries have their row: those behind which none is found are over. */
export class Confirmations {
  /** Entries that need a row, as they were before this run. */
  readonly confirmableBefore: number;
  /** Numbers of rows that stand behind their entry. */
  readonly #confirmed = new Bitmap();
  #confirmedBefore = 0;

  constructor(confirmableBefore: number) {
    this.confirmableBefore = confirmableBefore;
  }

  confirm(ordinal: number, existedBefore = true): void {
    if (!this.#confirmed.add(ordinal) && existedBefore) this.#confirmedBefore++;
  }

  /** So many entries of before have a row that was not looked at. */
  confirmUnread(entries: number): void {
    this.#confirmedBefore += entries;
  }

  /** How many entries of before have no row. */
  get missing(): number {
    return this.confirmableBefore - this.#confirmedBefore;
  }

  has(ordinal: number): boolean {
    return this.#confirmed.has(ordinal);
  }

  /** No entry of before is left without a row. */
  get areComplete(): boolean {
    return this.#confirmedBefore >= this.confirmableBefore;
  }
}
