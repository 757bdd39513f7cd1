import type { DeleteReason, RowMark, RowVerdict } from '../../core/change.ts';
import { type Hash, mustBeConfirmed } from '../../core/entry.ts';
import { equalHash } from '../../snapshot/diff.ts';
import type { Fingerprints } from '../../snapshot/fingerprints.ts';
import type { SnapshotView, StoredEntry } from '../../snapshot/view.ts';
import { removal } from '../make-change.ts';
import type { BadKeys } from './bad-keys.ts';
import { Bitmap } from './bitmap.ts';
import type { Differences } from './differences.ts';
import type { Endings } from './endings.ts';
import type { LeavingRows } from './leaving-rows.ts';
import type { PendingMarks } from './pending-marks.ts';
import type { ReadRow } from './read-row.ts';
import type { ComparisonParts } from './rules.ts';

const MAX_NEW_ROWS = 200_000;

/** Which row is which: the numbers of rows, and the entries behind which they stand. */
export class RowPlaces {
  /** Numbers of rows that were read. */
  readonly seen = new Bitmap();
  /** How many of the rows that were read the view knows. */
  known = 0;
  readonly #view: SnapshotView;
  readonly #fingerprints: Fingerprints;
  readonly #detectedAt: string;
  readonly #differences: Differences;
  readonly #endings: Endings;
  readonly #leaving: LeavingRows;
  readonly #marks: PendingMarks;
  readonly #badKeys: BadKeys;
  /** Rows that the view does not know yet, by key: a second one is a duplicate. */
  readonly #newRows = new Map<string, RowMark>();

  constructor(
    { view, fingerprints }: ComparisonParts,
    detectedAt: string,
    parts: { differences: Differences; endings: Endings; leaving: LeavingRows; marks: PendingMarks; badKeys: BadKeys },
  ) {
    this.#view = view;
    this.#fingerprints = fingerprints;
    this.#detectedAt = detectedAt;
    this.#differences = parts.differences;
    this.#endings = parts.endings;
    this.#leaving = parts.leaving;
    this.#marks = parts.marks;
    this.#badKeys = parts.badKeys;
  }

  isRepeated(row: ReadRow): boolean {
    if (!this.#newRows.has(row.text)) return false;
    this.#badKeys.noteDuplicate(row.key);
    return true;
  }

  /** Gives the row its number: its own, the one of the entry that it stands behind, or a new one. */
  place(row: ReadRow, verdict: RowVerdict, slot: Hash | null, rowHash: Hash, stored: StoredEntry | undefined): RowMark {
    const { key, handle, raw } = row;
    if (row.ordinal !== null) return { key, handle, ordinal: row.ordinal, verdict, raw, slot };
    const isOwn = stored?.entry.rowHash != null && equalHash(stored.entry.rowHash, rowHash) && !this.seen.has(stored.ordinal);
    const ordinal = stored !== undefined && (isOwn || this.#isUnclaimed(stored)) ? stored.ordinal : this.#view.newOrdinal();
    const mark: RowMark = { key, handle, ordinal, verdict, raw, slot };
    this.seen.add(ordinal);
    this.#newRows.set(row.text, mark);
    this.#leaveQuarantine(rowHash, slot);
    return mark;
  }

  /** Whether the row produced the entry's fact. The view may know the entry under another number, if it was read from the topic. */
  isBehind(stored: StoredEntry, mark: RowMark, rowHash: Hash): boolean {
    if (stored.ordinal === mark.ordinal) return true;
    if (stored.entry.rowHash === null || !equalHash(stored.entry.rowHash, rowHash)) return false;
    if (mark.slot !== null) this.#marks.addRelink({ slot: mark.slot, ordinal: mark.ordinal });
    return true;
  }

  ownsEntry(stored: StoredEntry, row: ReadRow, rowHash: Hash): boolean {
    if (stored.ordinal === row.ordinal || this.#isUnclaimed(stored)) return true;
    return stored.entry.rowHash !== null && equalHash(stored.entry.rowHash, rowHash);
  }

  /**
   * The row stood behind another entry until now: that fact is over, or that entry in quarantine is. Promise 1: its end and the row's new fact may be published in
   * different chunks, and the run may die between them. So the row gets a new number, under which it does not stand for the old entry, and the view knows it as a row
   * of the old entry until that is over.
   */
  leaveOldSlot(row: ReadRow, slot: Hash | null, mark: RowMark, rowHash: Hash, reason: DeleteReason = 'left_scope'): RowMark {
    if (row.slot === null || row.ordinal === null || (slot !== null && equalHash(row.slot, slot))) return mark;
    const stored = this.#view.findEntry(row.slot);
    if (stored === undefined || !mustBeConfirmed(stored.entry.state) || !this.ownsEntry(stored, row, rowHash)) return mark;
    const moved = { ...mark, ordinal: this.#view.newOrdinal() };
    this.seen.add(moved.ordinal);
    this.#leaving.add({ ...mark, ordinal: row.ordinal, raw: null, slot: row.slot });
    this.#endings.add(row.slot, reason, moved);
    return moved;
  }

  get newAreMany(): boolean {
    return this.#newRows.size >= MAX_NEW_ROWS;
  }

  noteNew(): void {
    this.#marks.flush();
    this.#marks.rememberUnknown([...this.#newRows.values()]);
    this.knowNew();
  }

  /** Each of them has its mark in the view now. */
  knowNew(): void {
    this.known += this.#newRows.size;
    this.#newRows.clear();
  }

  /** The entry was adopted from its fact, which does not name its row: the first row of its identity is taken for it. */
  #isUnclaimed({ entry, ordinal }: StoredEntry): boolean {
    return entry.rowHash === null && mustBeConfirmed(entry.state) && !this.seen.has(ordinal);
  }

  /** After the copy was lost, a row that was refused without an identity is known by its hash alone. */
  #leaveQuarantine(rowHash: Hash, slot: Hash | null): void {
    if (this.#view.state.quarantined === 0) return;
    const rowSlot = this.#fingerprints.rowSlot(rowHash);
    if (slot !== null && equalHash(rowSlot, slot)) return;
    const stored = this.#view.findEntry(rowSlot);
    if (stored !== undefined) this.#differences.emit(removal(rowSlot, stored.entry, this.#detectedAt, stored.ordinal, null));
  }
}
