import type { DeleteReason, RowMark } from '../../core/change.ts';
import { type Entry, type Hash, hasLiveFact, isHeldAgainstAbsence, mustBeConfirmed } from '../../core/entry.ts';
import type { PlacedEntry, SnapshotView } from '../../snapshot/view.ts';
import { deletion, removal } from '../make-change.ts';
import type { Confirmations } from './confirmations.ts';
import type { Differences } from './differences.ts';
import type { PendingMarks } from './pending-marks.ts';
import type { ComparisonRules } from './rules.ts';
import { textOf } from './text-of.ts';

/** Facts that are over, as far as rows say so: whether another row has one of them is known only after the last row. */
export class Endings {
  readonly #view: SnapshotView;
  readonly #rules: ComparisonRules;
  readonly #differences: Differences;
  readonly #confirmations: Confirmations;
  readonly #marks: PendingMarks;
  /** Entries whose row says that the fact is over. */
  readonly #ended = new Map<string, { readonly slot: Hash; readonly reason: DeleteReason; readonly row: RowMark }>();
  /** Rows (hash → number) that are refused and name no identity: they may stand behind a fact that they produced before. */
  readonly #unplaced = new Map<string, number>();

  constructor(
    view: SnapshotView,
    rules: ComparisonRules,
    { differences, confirmations, marks }: { differences: Differences; confirmations: Confirmations; marks: PendingMarks },
  ) {
    this.#view = view;
    this.#rules = rules;
    this.#differences = differences;
    this.#confirmations = confirmations;
    this.#marks = marks;
  }

  add(slot: Hash, reason: DeleteReason, row: RowMark): void {
    this.#ended.set(textOf(slot), { slot, reason, row });
  }

  has(slot: Hash): boolean {
    return this.#ended.has(textOf(slot));
  }

  /** Another row has the fact. Returns whether it would have ended. */
  withdraw(slot: Hash): boolean {
    return this.#ended.delete(textOf(slot));
  }

  noteUnplaced(rowHash: Hash, ordinal: number): void {
    this.#unplaced.set(textOf(rowHash), ordinal);
  }

  /** Rows that say it: read, but neither emitted nor marked before `publish`. */
  get rows(): RowMark[] {
    return [...this.#ended.values()].map(({ row }) => row);
  }

  publish(): void {
    for (const { slot, reason, row } of this.#ended.values()) {
      const stored = this.#view.findEntry(slot);
      if (this.#rules.keep.onDelete === 'none' || (stored !== undefined && isHeldAgainstAbsence(stored.entry))) this.#marks.add(row);
      else if (stored !== undefined) this.#end(slot, stored.entry, reason, stored.ordinal, row);
    }
  }

  /** What `publish` looks up. */
  get slots(): Hash[] {
    return [...this.#ended.values()].map(({ slot }) => slot);
  }

  /** After a complete scan: those of the entries that need a row, and have none. */
  publishVanished(entries: Iterable<PlacedEntry>): void {
    for (const { slot, ordinal, entry } of entries) {
      if (!mustBeConfirmed(entry.state) || this.#confirmations.has(ordinal) || this.has(slot) || isHeldAgainstAbsence(entry)) continue;
      // The row of an adopted fact may be among those that name no identity.
      if (entry.rowHash === null && this.#unplaced.size > 0) continue;
      const unplaced = entry.rowHash === null ? undefined : this.#unplaced.get(textOf(entry.rowHash));
      if (unplaced !== undefined) this.#marks.addRelink({ slot, ordinal: unplaced });
      else this.#end(slot, entry, 'vanished', ordinal, null);
    }
  }

  #end(slot: Hash, entry: Entry, reason: DeleteReason, ordinal: number, row: RowMark | null): void {
    const { keep, detectedAt, versionFloor } = this.#rules;
    if (hasLiveFact(entry)) this.#differences.emit(deletion(slot, entry, reason, detectedAt, versionFloor, ordinal, row, keep));
    else this.#differences.emit(removal(slot, entry, detectedAt, ordinal, row));
  }
}
