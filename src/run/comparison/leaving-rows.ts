import type { Change, RowMark } from '../../core/change.ts';
import { textOf } from './text-of.ts';

/**
 * Rows that left the entry behind which they stood. Promise 1: its end and the row's new fact may be published in different chunks, and the run may die between them:
 * until that end is applied, the view knows such a row as one of the old entry.
 */
export class LeavingRows {
  /** By key. */
  readonly #rows = new Map<string, { readonly from: string; readonly mark: RowMark }>();

  /** The mark is what must be known of the row until then, and names the old entry's slot. */
  add(mark: RowMark & { readonly slot: Uint8Array }): void {
    this.#rows.set(textOf(mark.key), { from: textOf(mark.slot), mark });
  }

  /** What the view may know now of a row of which nothing is published. */
  markOf(mark: RowMark): RowMark {
    const leaving = this.#rows.size === 0 ? undefined : this.#rows.get(textOf(mark.key));
    return leaving?.mark ?? mark;
  }

  /** The change with what the view may know of its row once it is applied. */
  changeOf(change: Change): Change {
    const { row } = change;
    const leaving = row === null || this.#rows.size === 0 ? undefined : this.#rows.get(textOf(row.key));
    return leaving === undefined || leaving.from === textOf(change.slot) ? change : { ...change, row: leaving.mark };
  }
}
