import type { Hash } from '../core/entry.ts';
import type { RowGroup, RowRef, RowRun } from '../snapshot/view.ts';
import type { Watermark } from './watermark.ts';

/** What is learned of a group of rows while they are compared one by one: remembered if every row turns out to be unchanged. */
export class GroupDraft {
  /** Of the group's rows alone. */
  readonly watermark: Watermark | undefined;
  readonly #print: Hash;
  readonly #runs: { ordinal: number; count: number; verdict: RowRun['verdict'] }[] = [];
  #allUnchanged = true;

  constructor(print: Hash, watermark: Watermark | undefined) {
    this.#print = print;
    this.watermark = watermark;
  }

  /** The group's next row; undefined if it is not as it was. */
  note(row: RowRef | undefined): void {
    if (row === undefined) {
      this.#allUnchanged = false;
      return;
    }
    const { ordinal, verdict } = row;
    const run = this.#runs.at(-1);
    if (run !== undefined && run.verdict === verdict && run.ordinal + run.count === ordinal) run.count++;
    else this.#runs.push({ ordinal, count: 1, verdict });
  }

  get cursor(): string | null {
    return this.watermark?.highest ?? null;
  }

  /** A cursor in the future says something else tomorrow: such a group is looked at row by row. */
  get isComplete(): boolean {
    return this.#allUnchanged && this.watermark?.hasSeenFuture !== true;
  }

  get group(): RowGroup {
    return { print: this.#print, runs: this.#runs, cursor: this.cursor };
  }
}
