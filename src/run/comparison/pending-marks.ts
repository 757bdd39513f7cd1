import type { RowMark } from '../../core/change.ts';
import type { Relink, RowGroup, SnapshotView } from '../../snapshot/view.ts';

const FLUSH_MARKS = 20_000;
const FLUSH_GROUPS = 1_000;

/** What was learned of rows of which nothing is published: the view remembers it once there is enough. */
export class PendingMarks {
  readonly #view: SnapshotView;
  #marks: RowMark[] = [];
  #relinks: Relink[] = [];
  /** Groups whose rows were all found unchanged, one by one. */
  #groups: RowGroup[] = [];

  constructor(view: SnapshotView) {
    this.#view = view;
  }

  add(mark: RowMark): void {
    this.#marks.push(mark);
  }

  addRelink(relink: Relink): void {
    this.#relinks.push(relink);
  }

  addGroup(group: RowGroup): void {
    this.#groups.push(group);
  }

  get areMany(): boolean {
    return this.#marks.length + this.#relinks.length >= FLUSH_MARKS || this.#groups.length >= FLUSH_GROUPS;
  }

  flush(): void {
    if (this.#marks.length + this.#relinks.length + this.#groups.length === 0) return;
    this.#view.remember(this.#marks, this.#relinks, this.#groups);
    this.#marks = [];
    this.#relinks = [];
    this.#groups = [];
  }

  /** Marks without a raw fingerprint only say that the row was read: it is mapped again the next time. */
  rememberUnknown(rows: readonly RowMark[]): void {
    const unknown = rows.filter(({ key, handle }) => this.#view.findRow(handle ?? key) === undefined);
    if (unknown.length === 0) return;
    this.#view.remember(
      unknown.map((row) => ({ ...row, raw: null })),
      [],
    );
  }
}
