import type { Change, DeleteReason, RowMark, RowVerdict } from '../core/change.ts';
import { type Entry, type Hash, hasLiveFact, mustBeConfirmed } from '../core/entry.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Absent, Fact, FactMapper, Mapped, Rejected } from '../core/fact.ts';
import type { RowBatch, RowGroups } from '../core/row.ts';
import { type Difference, type DiffRules, diffFact, equalHash } from '../snapshot/diff.ts';
import type { Fingerprints, RawFingerprints } from '../snapshot/fingerprints.ts';
import type { Relink, RowGroup, RowRef, SnapshotView, StoredEntry } from '../snapshot/view.ts';
import { Bitmap } from './bitmap.ts';
import { GroupDraft } from './group-draft.ts';
import { deletion, factChange, type KeepRules, quarantine, type Refill, refilled, removal } from './make-change.ts';
import type { Watermark } from './watermark.ts';

export interface ComparisonRules extends DiffRules {
  readonly mapping: string;
  readonly keep: KeepRules;
  /** A new fact is remembered as known instead of being published. */
  readonly baseline: boolean;
  /** A larger encoded fact is refused. */
  readonly maxValueBytes: number;
  /** When this run detected what it detects; RFC 3339. */
  readonly detectedAt: string;
  readonly showKeys: boolean;
  /** A fact whose row a complete scan does not find is over. */
  readonly endMissing: boolean;
  /** The model says `cursor.nulls: reject`. */
  readonly rejectNullCursor: boolean;
  readonly cursorColumn: string | undefined;
  /** Of a model whose entries expire: where a row's cursor stands. */
  readonly positionOf?: ((cursor: string | null) => number | null) | undefined;
  /** Rows whose cursor stands below it and that have no entry are late: they are counted, and nothing else. */
  readonly horizon?: number | undefined;
  /** Groups of rows that are as they were need no look at each row: where the whole model is read. */
  readonly byGroups: boolean;
}

export interface ComparisonParts {
  readonly view: SnapshotView;
  readonly mapper: FactMapper;
  /** Field order does not matter in it. */
  readonly canonical: (fields: readonly string[]) => string;
  readonly encode: (fields: readonly string[]) => string | Uint8Array;
  readonly fingerprints: Fingerprints;
  readonly raw: RawFingerprints;
  /** Undefined where the model has no cursor. */
  readonly watermark: Watermark | undefined;
  readonly emit: (change: Change) => void;
  /** While the topics of the mapping change: whether the fact is as it was under the contracts that were published before. */
  readonly refill?: ((before: Entry, fact: Fact) => Refill | undefined) | undefined;
}

export interface Counts {
  rows: number;
  /** Rows whose fact is as published. */
  unchanged: number;
  /** Rows without a fact: outside `where`, or soft-deleted. */
  absent: number;
  /** Rows that do not fit the contract, whether reported now or before. */
  rejected: number;
  created: number;
  updated: number;
  deleted: number;
  /** Facts whose current version a new topic gets. */
  filled: number;
  /** Entries that changed without anything being published. */
  recorded: number;
  /** Rows that are reported now. */
  quarantined: number;
  /** Entries of an append-only model that leave the snapshot. */
  expired: number;
  /** Rows below the horizon without an entry: published and expired, or too late. They are not published. */
  late: number;
}

/** An incremental run saw a fact move to another row and cannot tell whether the old row is gone: only a full comparison can. */
export class NeedsFullComparison extends Error {}

const FLUSH_MARKS = 20_000;
const FLUSH_GROUPS = 1_000;
const MAX_NEW_ROWS = 200_000;
const SAMPLES = 5;

/**
 * Holds the rows of one scan against the snapshot: each row once, in any order, in constant memory but for what is found to differ. Equal raw bytes → unchanged, without
 * mapping. Otherwise the row is mapped and its fact compared. What depends on rows yet to come (did the fact's old row disappear?) waits for `finish`.
 *
 * A fact belongs to the row that produced it: a row outside `where` ends only its own fact, and a second row for a live identity is an error, unless the first one is gone.
 */
export class Comparison {
  readonly counts: Counts = {
    rows: 0,
    unchanged: 0,
    absent: 0,
    rejected: 0,
    created: 0,
    updated: 0,
    deleted: 0,
    filled: 0,
    recorded: 0,
    quarantined: 0,
    expired: 0,
    late: 0,
  };
  /** How often each field changed in an update. */
  readonly changedFields = new Map<string, number>();
  /** Entries that need a row, as they were before this run. */
  readonly confirmableBefore: number;
  readonly #parts: ComparisonParts;
  readonly #rules: ComparisonRules;
  /** Numbers of rows that were read. */
  readonly #seen = new Bitmap();
  /** Numbers of rows that stand behind their entry. */
  readonly #confirmed = new Bitmap();
  #confirmedBefore = 0;
  /** Slots that this run created and the view does not have yet. */
  readonly #created = new Set<string>();
  /** Entries whose row says that the fact is over. */
  readonly #ended = new Map<string, { slot: Hash; reason: DeleteReason; row: RowMark }>();
  /** Rows that left the entry behind which they stood, by key: until its end is applied, this is what must be known of them. */
  readonly #leaving = new Map<string, { readonly from: string; readonly mark: RowMark }>();
  /** Facts that another row produced before. */
  #takeovers: { fact: Fact; slot: Hash; rowHash: Hash; row: RowMark; cursor: number | null }[] = [];
  /** Rows (hash → number) that are refused and name no identity: they may stand behind a fact that they produced before. */
  readonly #unplaced = new Map<string, number>();
  #marks: RowMark[] = [];
  #relinks: Relink[] = [];
  /** Groups whose rows were all found unchanged, one by one. */
  #groups: RowGroup[] = [];
  /** Rows that the view does not know yet, by key: a second one is a duplicate. */
  #newRows = new Map<string, RowMark>();
  #knownRows = 0;
  readonly #duplicates: string[] = [];
  #nullKeys = 0;

  constructor(parts: ComparisonParts, rules: ComparisonRules) {
    this.#parts = parts;
    this.#rules = rules;
    this.confirmableBefore = parts.view.state.confirmable;
  }

  /** Throws KEY_INVALID if a row of the batch has no key or one that was read before. */
  compareBatch(batch: RowBatch): void {
    const { groups } = batch;
    if (this.#rules.byGroups && groups !== undefined) this.#compareGroups(batch, groups);
    else for (let i = 0; i < batch.count; i++) this.#compareRow(batch, i, this.#parts.watermark);
    this.#refuseBadKeys();
    if (this.#marks.length + this.#relinks.length >= FLUSH_MARKS || this.#groups.length >= FLUSH_GROUPS) this.#flushMarks();
    if (this.#newRows.size >= MAX_NEW_ROWS) this.#noteNewRows();
  }

  /** All that was emitted so far is in the view now and need not be remembered here. */
  forgetPublished(): void {
    this.#flushMarks();
    // What waits for `finish` was read, but neither emitted nor marked.
    this.#noteUnknown([...this.#takeovers, ...this.#ended.values()].map(({ row }) => row));
    this.#knowNewRows();
    this.#created.clear();
  }

  /** Entries expire, and with them the marks of their rows; those of rows that this scan did not read would only save a full comparison some mapping: they go, too. */
  expire(changes: Iterable<Change>): void {
    const expired = new Bitmap();
    for (const change of changes) {
      expired.add(change.ordinal);
      this.#emit(change);
    }
    this.#forgetRows((ordinal) => expired.has(ordinal) || !this.#seen.has(ordinal));
  }

  /** After the last row. Only a complete scan may say what vanished. Throws NeedsFullComparison. */
  finish(scanWasComplete: boolean): void {
    this.#flushMarks();
    this.#resolveTakeovers(scanWasComplete);
    for (const { slot, reason, row } of this.#ended.values()) {
      const stored = this.#parts.view.findEntry(slot);
      if (this.#rules.keep.onDelete === 'none') this.#marks.push(row);
      else if (stored !== undefined) this.#end(slot, stored.entry, reason, stored.ordinal, row);
    }
    if (scanWasComplete && this.#rules.endMissing) this.#endVanished();
    if (scanWasComplete) this.#forgetMissingRows();
    this.#flushMarks();
  }

  /**
   * Promise 1: rows that are gone from the source leave the view, before anything about them is published: if such a row comes back as it was, no mark may say
   * that nothing happened.
   */
  #forgetMissingRows(): void {
    if (this.#knownRows < this.#parts.view.rowCount) this.#forgetRows((ordinal) => !this.#seen.has(ordinal));
  }

  #forgetRows(isGone: (ordinal: number) => boolean): void {
    const { view } = this.#parts;
    const gone: Uint8Array[] = [];
    for (const { key, ordinal } of view.rows()) if (isGone(ordinal)) gone.push(key);
    view.forgetRows(gone);
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
        if (draft.isComplete) this.#groups.push(draft.group);
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
      this.#knownRows += count;
      this.#countUnchanged(verdict, count);
      for (let row = ordinal; row < ordinal + count; row++) {
        this.#seen.add(row);
        if (verdict !== 'absent') this.#confirm(row);
      }
    }
    return true;
  }

  /** Returns the row as the view knows it, valid until the next look-up, if it is unchanged. */
  #compareRow(batch: RowBatch, i: number, watermark: Watermark | undefined): RowRef | undefined {
    const { view, mapper } = this.#parts;
    this.counts.rows++;
    watermark?.note(batch.cursor(i));
    if (batch.keyHasNull(i)) {
      this.#nullKeys++;
      return undefined;
    }
    const key = batch.key(i);
    const raw = this.#parts.raw.row(batch.raw(i));
    const known = view.findRow(key);
    if (known !== undefined) {
      this.#knownRows++;
      if (this.#seen.add(known.ordinal)) {
        this.#duplicate(key);
        return undefined;
      }
      if (known.rawEquals(raw)) {
        this.#countUnchanged(known.verdict, 1);
        if (known.verdict !== 'absent') this.#confirm(known.ordinal);
        return known;
      }
    }
    const cursor = this.#rules.positionOf?.(batch.cursor(i)) ?? null;
    const row = new ReadRow(Uint8Array.prototype.slice.call(key), raw, known, cursor);
    if (known === undefined && this.#isRepeated(row)) return undefined;
    const values = batch.values(i);
    const mapped = this.#rules.rejectNullCursor && batch.cursor(i) === null ? this.#nullCursor() : mapper.mapRow(values);
    if (this.#isLate(row, mapped)) this.counts.late++;
    else if (mapped.outcome === 'fact') this.#compareFact(row, mapped, values);
    else if (mapped.outcome === 'rejected') this.#compareRejected(row, mapped, values);
    else this.#compareAbsent(row, mapped);
    return undefined;
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

  #nullCursor(): Rejected {
    const columns = this.#rules.cursorColumn === undefined ? [] : [this.#rules.cursorColumn];
    return { outcome: 'rejected', identity: null, field: 'cursor', columns, reason: 'null_cursor', message: 'the cursor column is NULL' };
  }

  #compareFact(row: ReadRow, fact: Fact, values: readonly (string | null)[]): void {
    const { fingerprints, view } = this.#parts;
    const slot = fingerprints.identity(fact.identity);
    const rowHash = fingerprints.row(row.key);
    const stored = view.findEntry(slot);
    const mark = this.#leaveOldSlot(row, slot, this.#place(row, 'fact', slot, rowHash, stored), rowHash);
    if (stored !== undefined && mustBeConfirmed(stored.entry.state) && !this.#isBehind(stored, mark, rowHash)) {
      // Its row was read: a second one claims the fact, unless that row has left it for another in this very scan.
      if (this.#confirmed.has(stored.ordinal) && !this.#ended.has(textOf(slot))) this.#duplicate(row.key);
      this.#takeovers.push({ fact, slot, rowHash, row: mark, cursor: row.cursor });
      return;
    }
    this.#publishDifference(fact, slot, rowHash, mark, row.cursor, stored?.entry, values);
  }

  #publishDifference(
    fact: Fact,
    slot: Hash,
    rowHash: Hash,
    mark: RowMark,
    rowCursor: number | null,
    before: Entry | undefined,
    values: readonly (string | null)[] | null,
    rowChanged = false,
  ): void {
    const { fingerprints, mapper, canonical, encode } = this.#parts;
    const { keep, baseline, maxValueBytes } = this.#rules;
    const fingerprint = fingerprints.fact(canonical(fact.fields));
    let digests: Uint8Array | undefined;
    const fieldDigests = () => {
      digests ??= fingerprints.fieldDigests(mapper.fieldNames, fact.fields);
      return digests;
    };
    const difference = diffFact(before, { fingerprint, fieldDigests }, this.#rules);
    // The entry that a take-over changes is counted where that is decided: twice would hide one that vanished.
    this.#confirm(mark.ordinal, !rowChanged && before !== undefined && mustBeConfirmed(before.state));
    const cursor = laterOf(before, rowCursor);
    const hasMoved = before?.state === 'live' && (before.cursor !== cursor || before.rowHash === null);
    if (difference.outcome === 'unchanged' && !rowChanged && !hasMoved) {
      this.counts.unchanged++;
      this.#note(mark);
      return;
    }
    const refill = isDifferent(difference) && before !== undefined ? this.#parts.refill?.(before, fact) : undefined;
    if (difference.outcome === 'refused' && refill === undefined) {
      const why = {
        field: '',
        reason: 'immutable_changed',
        message: 'the fact was published before with other values, and facts of this class never change',
      };
      this.#refuse(slot, mark, rowHash, { outcome: 'rejected', identity: fact.identity, columns: [], ...why }, cursor, before, values);
      return;
    }
    const value = encode(fact.fields);
    if (isLarger(value, maxValueBytes)) {
      const why = {
        field: '',
        reason: 'record_too_large',
        message: `the encoded fact is larger than the topic's max.message.bytes allows (${maxValueBytes} bytes)`,
      };
      this.#refuse(slot, mark, rowHash, { outcome: 'rejected', identity: fact.identity, columns: [], ...why }, cursor, before, values);
      return;
    }
    const prints = { slot, rowHash, fingerprint, fieldDigests: fieldDigests(), cursor };
    if (refill !== undefined) {
      const next = { version: before?.version ?? 0, changed: [], before };
      this.#emit(refilled(factChange('recorded', fact, value, prints, next, mark, keep), refill));
      return;
    }
    if (difference.outcome === 'refused') throw new Error('a refused fact was reported before');
    const isCreated = difference.outcome === 'created';
    // A take-over has claimed the slot already, and may create: the row before may never have had a fact.
    if (isCreated && !rowChanged) this.#claim(slot, mark.key);
    if (difference.outcome === 'unchanged' || difference.outcome === 'recorded' || (isCreated && baseline)) {
      const version = before?.version ?? 0;
      this.#emit(factChange('recorded', fact, value, prints, { version, changed: [], before }, mark, keep));
      return;
    }
    // While the topics change, digests of fields may stand under the names of another contract.
    const changed = difference.outcome === 'updated' && this.#parts.refill === undefined ? difference.changed : [];
    for (const name of changed) this.changedFields.set(name, (this.changedFields.get(name) ?? 0) + 1);
    this.#emit(factChange(difference.outcome, fact, value, prints, { version: difference.version, changed, before }, mark, keep));
  }

  #compareAbsent(row: ReadRow, absent: Absent): void {
    const { fingerprints, view } = this.#parts;
    this.counts.absent++;
    const slot = absent.identity === null ? null : fingerprints.identity(absent.identity);
    const stored = slot === null ? undefined : view.findEntry(slot);
    const rowHash = fingerprints.row(row.key);
    const mark = this.#leaveOldSlot(row, slot, this.#place(row, 'absent', slot, rowHash, stored), rowHash, absent.outcome);
    const isOwn = slot !== null && stored !== undefined && mustBeConfirmed(stored.entry.state) && this.#isBehind(stored, mark, rowHash);
    if (isOwn) this.#ended.set(textOf(slot), { slot, reason: absent.outcome, row: mark });
    else this.#note(mark);
  }

  #compareRejected(row: ReadRow, rejected: Rejected, values: readonly (string | null)[]): void {
    const { fingerprints, view } = this.#parts;
    const rowHash = fingerprints.row(row.key);
    const slotNow = rejected.identity === null ? null : fingerprints.identity(rejected.identity);
    const own = [slotNow, row.slot]
      .filter((slot): slot is Hash => slot !== null)
      .map((slot) => ({ slot, stored: view.findEntry(slot) }))
      .find(({ stored }) => stored !== undefined && mustBeConfirmed(stored.entry.state) && this.#ownsEntry(stored, row, rowHash));
    const isFree =
      slotNow !== null && (view.findEntry(slotNow)?.entry.state ?? 'deleted') === 'deleted' && !this.#created.has(textOf(slotNow));
    const slot = own?.slot ?? (isFree ? slotNow : fingerprints.rowSlot(rowHash));
    const stored = own?.stored ?? view.findEntry(slot);
    const placed = this.#place(row, 'quarantined', slot, rowHash, stored);
    const mark = own === undefined ? placed : this.#leaveOldSlot(row, slot, placed, rowHash);
    // Promise 1: a refused row was seen, and what it said before is not over, under whatever number its entry came from the topic.
    if (stored !== undefined) this.#isBehind(stored, mark, rowHash);
    if (rejected.identity === null) this.#unplaced.set(textOf(rowHash), mark.ordinal);
    this.#confirm(mark.ordinal, stored !== undefined && mustBeConfirmed(stored.entry.state));
    if (own?.stored !== undefined) this.#confirmed.add(own.stored.ordinal);
    this.#refuse(slot, mark, rowHash, rejected, laterOf(stored?.entry, row.cursor), stored?.entry, values);
  }

  /** Reports a refused row, unless it was reported as it is. */
  #refuse(
    slot: Hash,
    mark: RowMark,
    rowHash: Hash,
    rejected: Rejected,
    cursor: number | null,
    before: Entry | undefined,
    values: readonly (string | null)[] | null,
  ): void {
    this.counts.rejected++;
    const refused = this.#parts.fingerprints.fact(JSON.stringify([rejected.field, rejected.reason, values ?? []]));
    const refusedMark: RowMark = { ...mark, verdict: 'quarantined' };
    if (before?.state === 'quarantined' && before.refused !== null && equalHash(before.refused, refused)) {
      this.#note(refusedMark);
      return;
    }
    this.#emit(quarantine(slot, rowHash, refused, rejected, before, this.#rules.detectedAt, refusedMark, cursor));
  }

  /** Gives the row its number: its own, the one of the entry that it stands behind, or a new one. */
  #place(row: ReadRow, verdict: RowVerdict, slot: Hash | null, rowHash: Hash, stored: StoredEntry | undefined): RowMark {
    const { key, raw } = row;
    if (row.ordinal !== null) return { key, ordinal: row.ordinal, verdict, raw, slot };
    const isOwn = stored?.entry.rowHash != null && equalHash(stored.entry.rowHash, rowHash) && !this.#seen.has(stored.ordinal);
    const ordinal = stored !== undefined && (isOwn || this.#isUnclaimed(stored)) ? stored.ordinal : this.#parts.view.newOrdinal();
    const mark: RowMark = { key, ordinal, verdict, raw, slot };
    this.#seen.add(ordinal);
    this.#newRows.set(row.text, mark);
    this.#leaveQuarantine(rowHash, slot);
    return mark;
  }

  /** Whether the row produced the entry's fact. The view may know the entry under another number, if it was read from the topic. */
  #isBehind(stored: StoredEntry, mark: RowMark, rowHash: Hash): boolean {
    if (stored.ordinal === mark.ordinal) return true;
    if (stored.entry.rowHash === null || !equalHash(stored.entry.rowHash, rowHash)) return false;
    if (mark.slot !== null) this.#relinks.push({ slot: mark.slot, ordinal: mark.ordinal });
    return true;
  }

  /** The entry was adopted from its fact, which does not name its row: the first row of its identity is taken for it. */
  #isUnclaimed({ entry, ordinal }: StoredEntry): boolean {
    return entry.rowHash === null && mustBeConfirmed(entry.state) && !this.#seen.has(ordinal);
  }

  #ownsEntry(stored: StoredEntry, row: ReadRow, rowHash: Hash): boolean {
    if (stored.ordinal === row.ordinal || this.#isUnclaimed(stored)) return true;
    return stored.entry.rowHash !== null && equalHash(stored.entry.rowHash, rowHash);
  }

  /**
   * The row stood behind another entry until now: that fact is over, or that entry in quarantine is. Promise 1: its end and the row's new fact may be published in
   * different chunks, and the run may die between them. So the row gets a new number, under which it does not stand for the old entry, and the view knows it as a row
   * of the old entry until that is over.
   */
  #leaveOldSlot(row: ReadRow, slot: Hash | null, mark: RowMark, rowHash: Hash, reason: DeleteReason = 'left_scope'): RowMark {
    if (row.slot === null || row.ordinal === null || (slot !== null && equalHash(row.slot, slot))) return mark;
    const { view } = this.#parts;
    const stored = view.findEntry(row.slot);
    if (stored === undefined || !mustBeConfirmed(stored.entry.state) || !this.#ownsEntry(stored, row, rowHash)) return mark;
    const moved = { ...mark, ordinal: view.newOrdinal() };
    this.#seen.add(moved.ordinal);
    const from = textOf(row.slot);
    this.#leaving.set(textOf(row.key), { from, mark: { ...mark, ordinal: row.ordinal, raw: null, slot: row.slot } });
    this.#ended.set(from, { slot: row.slot, reason, row: moved });
    return moved;
  }

  /** After the copy was lost, a row that was refused without an identity is known by its hash alone. */
  #leaveQuarantine(rowHash: Hash, slot: Hash | null): void {
    const { view, fingerprints } = this.#parts;
    if (view.state.quarantined === 0) return;
    const rowSlot = fingerprints.rowSlot(rowHash);
    if (slot !== null && equalHash(rowSlot, slot)) return;
    const stored = view.findEntry(rowSlot);
    if (stored !== undefined) this.#emit(removal(rowSlot, stored.entry, this.#rules.detectedAt, stored.ordinal, null));
  }

  #resolveTakeovers(scanWasComplete: boolean): void {
    for (const { fact, slot, rowHash, row, cursor } of this.#takeovers) {
      const stored = this.#parts.view.findEntry(slot);
      const hasEnded = this.#ended.delete(textOf(slot));
      if (stored !== undefined && !hasEnded) {
        if (this.#confirmed.has(stored.ordinal)) this.#duplicate(row.key);
        else if (!scanWasComplete) throw new NeedsFullComparison();
      }
      if (this.#created.has(textOf(slot))) this.#duplicate(row.key);
      this.#created.add(textOf(slot));
      if (stored !== undefined && this.#confirmed.add(stored.ordinal) === false) this.#confirmedBefore++;
      this.#publishDifference(fact, slot, rowHash, row, cursor, stored?.entry, null, true);
    }
    this.#takeovers = [];
    this.#refuseBadKeys();
  }

  #endVanished(): void {
    if (this.#confirmedBefore >= this.confirmableBefore) return;
    for (const { slot, ordinal, entry } of this.#parts.view.entries()) {
      if (!mustBeConfirmed(entry.state) || this.#confirmed.has(ordinal) || this.#ended.has(textOf(slot))) continue;
      // The row of an adopted fact may be among those that name no identity.
      if (entry.rowHash === null && this.#unplaced.size > 0) continue;
      const unplaced = entry.rowHash === null ? undefined : this.#unplaced.get(textOf(entry.rowHash));
      if (unplaced !== undefined) this.#relinks.push({ slot, ordinal: unplaced });
      else this.#end(slot, entry, 'vanished', ordinal, null);
    }
  }

  #end(slot: Hash, entry: Entry, reason: DeleteReason, ordinal: number, row: RowMark | null): void {
    const { keep, detectedAt, versionFloor } = this.#rules;
    if (hasLiveFact(entry)) this.#emit(deletion(slot, entry, reason, detectedAt, versionFloor, ordinal, row, keep));
    else this.#emit(removal(slot, entry, detectedAt, ordinal, row));
  }

  #confirm(ordinal: number, existedBefore = true): void {
    if (!this.#confirmed.add(ordinal) && existedBefore) this.#confirmedBefore++;
  }

  #claim(slot: Hash, key: Uint8Array): void {
    const text = textOf(slot);
    if (this.#created.has(text)) this.#duplicate(key);
    this.#created.add(text);
  }

  #isRepeated(row: ReadRow): boolean {
    if (!this.#newRows.has(row.text)) return false;
    this.#duplicate(row.key);
    return true;
  }

  #duplicate(key: Uint8Array): void {
    if (this.#duplicates.length < SAMPLES) this.#duplicates.push(this.#showKey(key));
  }

  /** Promise 10: keys appear hashed unless asked for. */
  #showKey(key: Uint8Array): string {
    if (this.#rules.showKeys) return JSON.stringify(Buffer.from(key).toString('utf8'));
    return `#${Buffer.from(this.#parts.fingerprints.row(key)).toString('hex').slice(0, 12)}`;
  }

  #refuseBadKeys(): void {
    const { mapping } = this.#rules;
    if (this.#nullKeys > 0) {
      throw new HeadraceError('KEY_INVALID', `${mapping}: ${this.#nullKeys} row(s) have NULL in a key column of the model.`, {
        suggestion: 'A row without a key cannot be followed. Exclude such rows in the model, or choose key columns that are never NULL.',
      });
    }
    if (this.#duplicates.length > 0) {
      const hint = this.#rules.showKeys ? '' : ' (--show-keys shows them)';
      throw new HeadraceError('KEY_INVALID', `${mapping}: several rows claim one key, for example ${this.#duplicates.join(', ')}${hint}.`, {
        suggestion:
          "Which row is right cannot be guessed. Make the model's key unique (a join that fans out?), or the mapping's key finer.",
      });
    }
  }

  #emit(change: Change): void {
    this.counts[change.kind]++;
    const { row } = change;
    const leaving = row === null || this.#leaving.size === 0 ? undefined : this.#leaving.get(textOf(row.key));
    this.#parts.emit(leaving === undefined || leaving.from === textOf(change.slot) ? change : { ...change, row: leaving.mark });
  }

  /** A row of which nothing is published. */
  #note(mark: RowMark): void {
    const leaving = this.#leaving.size === 0 ? undefined : this.#leaving.get(textOf(mark.key));
    this.#marks.push(leaving?.mark ?? mark);
  }

  #noteNewRows(): void {
    this.#flushMarks();
    this.#noteUnknown([...this.#newRows.values()]);
    this.#knowNewRows();
  }

  /** Each of them has its mark in the view now. */
  #knowNewRows(): void {
    this.#knownRows += this.#newRows.size;
    this.#newRows.clear();
  }

  /** Marks without a raw fingerprint only say that the row was read: it is mapped again the next time. */
  #noteUnknown(rows: readonly RowMark[]): void {
    const unknown = rows.filter(({ key }) => this.#parts.view.findRow(key) === undefined);
    if (unknown.length === 0) return;
    this.#parts.view.remember(
      unknown.map((row) => ({ ...row, raw: null })),
      [],
    );
  }

  #flushMarks(): void {
    if (this.#marks.length + this.#relinks.length + this.#groups.length === 0) return;
    this.#parts.view.remember(this.#marks, this.#relinks, this.#groups);
    this.#marks = [];
    this.#relinks = [];
    this.#groups = [];
  }
}

/** A row that must be looked at, with what was known of it before. */
class ReadRow {
  readonly key: Uint8Array;
  readonly raw: Hash;
  readonly ordinal: number | null;
  readonly slot: Hash | null;
  /** Where its cursor stands; null where entries do not expire. */
  readonly cursor: number | null;
  /** The key, to look it up among the new rows. */
  readonly text: string;

  constructor(key: Uint8Array, raw: Hash, known: RowRef | undefined, cursor: number | null) {
    this.key = key;
    this.text = known === undefined ? textOf(key) : '';
    this.raw = raw;
    this.cursor = cursor;
    this.ordinal = known?.ordinal ?? null;
    this.slot = known?.slot ?? null;
  }
}

/** Promise 2: an entry expires no earlier than any row that it was seen behind; one whose row has no cursor is read in every run, and never. */
function laterOf(before: Entry | undefined, cursor: number | null): number | null {
  return cursor === null || before === undefined || before.cursor === null ? cursor : Math.max(before.cursor, cursor);
}

/** Not by way of `bytes.buffer`, which moves a small array out of the heap. */
function textOf(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}

const { latin1Slice } = Buffer.prototype as unknown as { latin1Slice(this: Uint8Array, start: number, end: number): string };

function isDifferent({ outcome }: Difference): boolean {
  return outcome === 'updated' || outcome === 'refused';
}

function isLarger(value: string | Uint8Array, bytes: number): boolean {
  if (typeof value !== 'string') return value.length > bytes;
  return value.length * 3 > bytes && Buffer.byteLength(value) > bytes;
}
