import type { Change, RowMark, RowVerdict } from '../../core/change.ts';
import { type Hash, mustBeConfirmed } from '../../core/entry.ts';
import type { Absent, Fact, Mapped, Rejected } from '../../core/fact.ts';
import type { RowBatch, RowGroups, RowValues } from '../../core/row.ts';
import type { PlacedEntry, RowGroup, RowRef } from '../../snapshot/view.ts';
import type { Watermark } from '../watermark.ts';
import { BadKeys } from './bad-keys.ts';
import { Bitmap } from './bitmap.ts';
import { Confirmations } from './confirmations.ts';
import type { Counts } from './counts.ts';
import { Differences, laterOf } from './differences.ts';
import { Endings } from './endings.ts';
import { GroupDraft } from './group-draft.ts';
import { LeavingRows } from './leaving-rows.ts';
import { PendingMarks } from './pending-marks.ts';
import { ReadRow } from './read-row.ts';
import { RowPlaces } from './row-places.ts';
import type { ComparisonParts, ComparisonRules } from './rules.ts';
import { TakeOvers } from './take-overs.ts';

/** A row's values, and what they came to. */
export interface MappedRow {
  readonly values: RowValues;
  readonly mapped: Mapped;
}

/**
 * Holds the rows of one scan against the snapshot: each row once, in any order, in constant memory but for what is found to differ. Equal raw bytes → unchanged, without
 * mapping. Otherwise the row is mapped and its fact compared. What depends on rows yet to come (did the fact's old row disappear?) waits for `finish`.
 *
 * A fact belongs to the row that produced it: a row outside `where` ends only its own fact, and a second row for a live identity is an error, unless the first one is gone.
 */
export class Comparison {
  readonly counts: Counts;
  readonly #parts: ComparisonParts;
  readonly #rules: ComparisonRules;
  readonly #badKeys: BadKeys;
  readonly #marks: PendingMarks;
  readonly #confirmations: Confirmations;
  readonly #differences: Differences;
  readonly #endings: Endings;
  readonly #takeOvers: TakeOvers;
  readonly #places: RowPlaces;
  /** Numbers of rows that were read. */
  readonly #seen: Bitmap;

  constructor(parts: ComparisonParts, rules: ComparisonRules) {
    const { view, fingerprints } = parts;
    this.#parts = parts;
    this.#rules = rules;
    const badKeys = new BadKeys(fingerprints, rules);
    const marks = new PendingMarks(view);
    const leaving = new LeavingRows();
    const confirmations = new Confirmations(view.state.confirmable);
    const differences = new Differences(parts, rules, { confirmations, leaving, marks, badKeys });
    const endings = new Endings(view, rules, { differences, confirmations, marks });
    this.#badKeys = badKeys;
    this.#marks = marks;
    this.#confirmations = confirmations;
    this.#differences = differences;
    this.#endings = endings;
    this.#takeOvers = new TakeOvers(view, { differences, endings, confirmations, badKeys });
    this.#places = new RowPlaces(parts, rules.detectedAt, { differences, endings, leaving, marks, badKeys });
    this.#seen = this.#places.seen;
    this.counts = differences.counts;
  }

  /** How often each field changed in an update. */
  get changedFields(): ReadonlyMap<string, number> {
    return this.#differences.changedFields;
  }

  /** Entries that need a row, as they were before this run. */
  get confirmableBefore(): number {
    return this.#confirmations.confirmableBefore;
  }

  /** Throws KEY_INVALID if a row of the batch has no key or one that was read before. `mapped`: rows of it that are mapped already. */
  compareBatch(batch: RowBatch, mapped?: readonly (MappedRow | undefined)[]): void {
    const { groups } = batch;
    if (this.#rules.byGroups && groups !== undefined) this.#compareGroups(batch, groups);
    else for (let i = 0; i < batch.count; i++) this.#compareRow(batch, i, this.#parts.watermark, mapped?.[i]);
    this.#badKeys.refuse();
    if (this.#marks.areMany) this.#marks.flush();
    if (this.#places.newAreMany) this.#places.noteNew();
  }

  #compareGroups(batch: RowBatch, groups: RowGroups): void {
    const { view, raw, watermark } = this.#parts;
    let start = 0;
    for (let g = 0; g < groups.count; g++) {
      const end = groups.end(g);
      const print = raw.group(groups.bytes(g));
      const known = view.findGroup(print);
      if (known !== undefined && this.#passGroup(known)) {
        watermark?.note(known.cursor);
      } else {
        const draft = new GroupDraft(print, watermark?.ofPart());
        for (let i = start; i < end; i++) draft.note(this.#compareRow(batch, i, draft.watermark));
        watermark?.note(draft.cursor);
        if (draft.isComplete) this.#marks.addGroup(draft.group);
      }
      start = end;
    }
  }

  /** As if each of its rows had been found unchanged; returns false, and does nothing, if one of them was read before. */
  #passGroup({ runs }: RowGroup): boolean {
    for (const { ordinal, count } of runs) {
      for (let row = ordinal; row < ordinal + count; row++) if (this.#seen.has(row)) return false;
    }
    for (const { ordinal, count, verdict } of runs) {
      this.counts.rows += count;
      this.#places.known += count;
      this.#countUnchanged(verdict, count);
      for (let row = ordinal; row < ordinal + count; row++) {
        this.#seen.add(row);
        if (verdict !== 'absent') this.#confirmations.confirm(row);
      }
    }
    return true;
  }

  /** Returns the row as the view knows it, valid until the next look-up, if it is unchanged. */
  #compareRow(batch: RowBatch, i: number, watermark: Watermark | undefined, known?: MappedRow): RowRef | undefined {
    const { view } = this.#parts;
    this.counts.rows++;
    watermark?.note(batch.cursor(i));
    if (batch.keyHasNull(i)) {
      this.#badKeys.noteNull();
      return undefined;
    }
    const key = batch.key(i);
    const handle = batch.handle?.(i);
    const raw = this.#parts.raw.row(batch.raw(i));
    const found = view.findRow(handle ?? key);
    if (found !== undefined) {
      this.#places.known++;
      if (this.#seen.add(found.ordinal)) {
        this.#badKeys.noteDuplicate(key);
        return undefined;
      }
      if (this.isAsKnown(found, raw)) {
        this.#countUnchanged(found.verdict, 1);
        if (found.verdict !== 'absent') this.#confirmations.confirm(found.ordinal);
        return found;
      }
    }
    const cursor = this.#rules.positionOf?.(batch.cursor(i)) ?? null;
    const row = new ReadRow(Uint8Array.prototype.slice.call(key), handle, raw, found, cursor);
    if (found === undefined && this.#places.isRepeated(row)) return undefined;
    const { values, mapped } = known ?? this.mapRow(batch, i);
    if (this.#isLeft(row, mapped)) return undefined;
    if (this.#isLate(row, mapped)) this.counts.late++;
    else if (mapped.outcome === 'fact') this.#compareFact(row, mapped, values);
    else if (mapped.outcome === 'rejected') this.#compareRejected(row, mapped, values);
    else this.#compareAbsent(row, mapped);
    return undefined;
  }

  /** Whether the row need not be mapped. */
  isAsKnown(found: RowRef, raw: Hash): boolean {
    return found.rawEquals(raw) && !(found.verdict === 'fact' && this.#rules.backfill?.repeats !== undefined);
  }

  mapRow(batch: RowBatch, i: number): MappedRow {
    const values = batch.values(i);
    const mapped = this.#rules.rejectNullCursor && batch.cursor(i) === null ? this.#nullCursor() : this.#parts.mapper.mapRow(values);
    return { values, mapped };
  }

  /** Rows that the warehouse has found to be as they were, and kept. */
  passUnread(unread: Readonly<Record<RowVerdict, number>>): void {
    for (const verdict of ['fact', 'absent', 'quarantined'] as const) {
      const rows = unread[verdict];
      this.counts.rows += rows;
      this.#places.known += rows;
      this.#countUnchanged(verdict, rows);
      if (verdict !== 'absent') this.#confirmations.confirmUnread(rows);
    }
  }

  /** The entry's row is one of those. */
  confirmUnread(ordinal: number): void {
    if (!this.#seen.has(ordinal)) this.#confirmations.confirm(ordinal, false);
  }

  /** Rows that were read, but neither emitted nor marked. */
  get waitingRows(): readonly RowMark[] {
    return [...this.#takeOvers.rows, ...this.#endings.rows];
  }

  /** Slots that the end of the comparison looks up. */
  get waitingSlots(): { readonly takenOver: readonly Hash[]; readonly ended: readonly Hash[] } {
    return { takenOver: this.#takeOvers.slots, ended: this.#endings.slots };
  }

  isConfirmed(ordinal: number): boolean {
    return this.#confirmations.has(ordinal);
  }

  #countUnchanged(verdict: RowVerdict, rows: number): void {
    if (verdict === 'fact') this.counts.unchanged += rows;
    else if (verdict === 'absent') this.counts.absent += rows;
    else this.counts.rejected += rows;
  }

  /** Promise 2: below the horizon a row without an entry may have been published. One with an entry (a run ended between two chunks of expiries) is known. */
  #isLate({ key, cursor }: ReadRow, mapped: Mapped): boolean {
    const { horizon } = this.#rules;
    if (horizon === undefined || cursor === null || cursor >= horizon) return false;
    const { view, fingerprints } = this.#parts;
    const isKnown = mapped.identity !== null && view.findEntry(fingerprints.identity(mapped.identity)) !== undefined;
    return !isKnown && view.findEntry(fingerprints.rowSlot(fingerprints.row(key))) === undefined;
  }

  /** Of a backfill: the row's entry stays as it is, and no mark says that the row was looked at: the next run does. */
  #isLeft({ slot }: ReadRow, { outcome, identity }: Mapped): boolean {
    const { backfill } = this.#rules;
    if (backfill === undefined) return false;
    const { view, fingerprints } = this.#parts;
    const stateOf = (of: Hash | null) => (of === null ? undefined : view.findEntry(of)?.entry.state);
    const now = stateOf(identity === null ? null : fingerprints.identity(identity));
    const isDeleted = now === 'deleted' && outcome === 'fact';
    const left = isDeleted ? now : [now, stateOf(slot)].find((state) => state === 'held' || state === 'erased');
    if (left === undefined) return false;
    backfill.leave(left);
    return true;
  }

  #nullCursor(): Rejected {
    const columns = this.#rules.cursorColumn === undefined ? [] : [this.#rules.cursorColumn];
    return { outcome: 'rejected', identity: null, field: 'cursor', columns, reason: 'null_cursor', message: 'the cursor column is NULL' };
  }

  #compareFact(row: ReadRow, fact: Fact, values: readonly (string | null)[]): void {
    const { fingerprints, view } = this.#parts;
    const slot = fingerprints.identity(fact.identity);
    const rowHash = fingerprints.row(row.key);
    const stored = view.findEntry(slot);
    const mark = this.#places.leaveOldSlot(row, slot, this.#places.place(row, 'fact', slot, rowHash, stored), rowHash);
    if (stored !== undefined && mustBeConfirmed(stored.entry.state) && !this.#places.isBehind(stored, mark, rowHash)) {
      // Its row was read: a second one claims the fact, unless that row has left it for another in this very scan.
      if (this.#confirmations.has(stored.ordinal) && !this.#endings.has(slot)) this.#badKeys.noteDuplicate(row.key);
      this.#takeOvers.add({ fact, slot, rowHash, row: mark, cursor: row.cursor });
      return;
    }
    this.#differences.publish({ fact, slot, rowHash, row: mark, cursor: row.cursor }, stored?.entry, values);
  }

  #compareAbsent(row: ReadRow, absent: Absent): void {
    const { fingerprints, view } = this.#parts;
    this.counts.absent++;
    const slot = absent.identity === null ? null : fingerprints.identity(absent.identity);
    const stored = slot === null ? undefined : view.findEntry(slot);
    const rowHash = fingerprints.row(row.key);
    const mark = this.#places.leaveOldSlot(row, slot, this.#places.place(row, 'absent', slot, rowHash, stored), rowHash, absent.outcome);
    const isOwn =
      slot !== null && stored !== undefined && mustBeConfirmed(stored.entry.state) && this.#places.isBehind(stored, mark, rowHash);
    if (isOwn) this.#endings.add(slot, absent.outcome, mark);
    else this.#differences.note(mark);
  }

  #compareRejected(row: ReadRow, rejected: Rejected, values: readonly (string | null)[]): void {
    const { fingerprints, view } = this.#parts;
    const rowHash = fingerprints.row(row.key);
    const slotNow = rejected.identity === null ? null : fingerprints.identity(rejected.identity);
    const own = [slotNow, row.slot]
      .filter((slot): slot is Hash => slot !== null)
      .map((slot) => ({ slot, stored: view.findEntry(slot) }))
      .find(({ stored }) => stored !== undefined && mustBeConfirmed(stored.entry.state) && this.#places.ownsEntry(stored, row, rowHash));
    const isFree =
      slotNow !== null && (view.findEntry(slotNow)?.entry.state ?? 'deleted') === 'deleted' && !this.#differences.hasCreated(slotNow);
    const slot = own?.slot ?? (isFree ? slotNow : fingerprints.rowSlot(rowHash));
    const stored = own?.stored ?? view.findEntry(slot);
    const placed = this.#places.place(row, 'quarantined', slot, rowHash, stored);
    const mark = own === undefined ? placed : this.#places.leaveOldSlot(row, slot, placed, rowHash);
    // Promise 1: a refused row was seen, and what it said before is not over, under whatever number its entry came from the topic.
    if (stored !== undefined) this.#places.isBehind(stored, mark, rowHash);
    if (rejected.identity === null) this.#endings.noteUnplaced(rowHash, mark.ordinal);
    this.#confirmations.confirm(mark.ordinal, stored !== undefined && mustBeConfirmed(stored.entry.state));
    if (own?.stored !== undefined) this.#confirmations.confirm(own.stored.ordinal, false);
    const placedRow = { slot, rowHash, row: mark, cursor: laterOf(stored?.entry, row.cursor) };
    this.#differences.refuse(placedRow, rejected, stored?.entry, values);
  }

  /** All that was emitted so far is in the view now and need not be remembered here. */
  forgetPublished(): void {
    this.#marks.flush();
    // What waits for `finish` was read, but neither emitted nor marked.
    this.#marks.rememberUnknown(this.waitingRows);
    this.#places.knowNew();
    this.#differences.forgetPublished();
  }

  /** After the last row. Only a complete scan may say what vanished. Throws NeedsFullComparison. */
  finish(scanWasComplete: boolean): void {
    this.settle(scanWasComplete);
    if (scanWasComplete && this.#rules.endMissing && !this.#confirmations.areComplete)
      this.#endings.publishVanished(this.#parts.view.entries());
    if (scanWasComplete) this.#forgetMissingRows();
    this.#marks.flush();
  }

  /** What waited for the last row, but for what vanished. Throws NeedsFullComparison. */
  settle(scanWasComplete: boolean): void {
    this.#marks.flush();
    this.#takeOvers.resolve(scanWasComplete);
    this.#endings.publish();
    this.#marks.flush();
  }

  /** How many entries have lost their row, once all else is settled; none where nothing ends with its row. */
  get vanished(): number {
    return this.#rules.endMissing ? this.#confirmations.missing : 0;
  }

  /** Ends those of the entries that have no row. */
  publishVanished(entries: Iterable<PlacedEntry>): void {
    this.#endings.publishVanished(entries);
    this.#marks.flush();
  }

  /** Entries expire, and with them the marks of their rows; those of rows that this scan did not read would only save a full comparison some mapping: they go, too. */
  expire(changes: Iterable<Change>): void {
    const expired = new Bitmap();
    for (const change of changes) {
      expired.add(change.ordinal);
      this.#differences.emit(change);
    }
    this.#forgetRows((ordinal) => expired.has(ordinal) || !this.#seen.has(ordinal));
  }

  /**
   * Promise 1: rows that are gone from the source leave the view, before anything about them is published: if such a row comes back as it was, no mark may say
   * that nothing happened.
   */
  #forgetMissingRows(): void {
    if (this.#places.known < this.#parts.view.rowCount) this.#forgetRows((ordinal) => !this.#seen.has(ordinal));
  }

  #forgetRows(isGone: (ordinal: number) => boolean): void {
    const { view } = this.#parts;
    const gone: Uint8Array[] = [];
    for (const { key, ordinal } of view.rows()) if (isGone(ordinal)) gone.push(key);
    view.forgetRows(gone);
  }
}
