import type { Change, RowMark } from '../../core/change.ts';
import { type Entry, type Hash, isRefused, mustBeConfirmed } from '../../core/entry.ts';
import type { Rejected } from '../../core/fact.ts';
import { type Difference, diffFact, equalHash } from '../../snapshot/diff.ts';
import { factChange, quarantine, refilled } from '../make-change.ts';
import type { BadKeys } from './bad-keys.ts';
import type { Confirmations } from './confirmations.ts';
import { type Counts, noCounts } from './counts.ts';
import type { LeavingRows } from './leaving-rows.ts';
import type { PendingMarks } from './pending-marks.ts';
import type { PlacedFact, PlacedRow } from './read-row.ts';
import type { ComparisonParts, ComparisonRules } from './rules.ts';
import { textOf } from './text-of.ts';

/** What differs from the snapshot, as changes: each is counted and handed on. */
export class Differences {
  readonly counts: Counts = noCounts();
  /** How often each field changed in an update. */
  readonly changedFields = new Map<string, number>();
  readonly #parts: ComparisonParts;
  readonly #rules: ComparisonRules;
  readonly #confirmations: Confirmations;
  readonly #leaving: LeavingRows;
  readonly #marks: PendingMarks;
  readonly #badKeys: BadKeys;
  /** Slots that this run created and the view does not have yet. */
  readonly #created = new Set<string>();

  constructor(
    parts: ComparisonParts,
    rules: ComparisonRules,
    {
      confirmations,
      leaving,
      marks,
      badKeys,
    }: { confirmations: Confirmations; leaving: LeavingRows; marks: PendingMarks; badKeys: BadKeys },
  ) {
    this.#parts = parts;
    this.#rules = rules;
    this.#confirmations = confirmations;
    this.#leaving = leaving;
    this.#marks = marks;
    this.#badKeys = badKeys;
  }

  /** What a row says now, against what was published of it. `rowChanged`: it takes the fact over from another row. */
  publish(placed: PlacedFact, before: Entry | undefined, values: readonly (string | null)[] | null, rowChanged = false): void {
    const { fact, slot, rowHash, row: mark } = placed;
    const { fingerprints, mapper, canonical, encode } = this.#parts;
    const { keep, baseline, maxValueBytes } = this.#rules;
    const fingerprint = fingerprints.fact(canonical(fact.fields));
    let digests: Uint8Array | undefined;
    const fieldDigests = () => {
      digests ??= fingerprints.fieldDigests(mapper.fieldNames, fact.fields);
      return digests;
    };
    const difference = this.#repeated(before, diffFact(before, { fingerprint, fieldDigests }, this.#rules));
    // The entry that a take-over changes is counted where that is decided: twice would hide one that vanished.
    this.#confirmations.confirm(mark.ordinal, !rowChanged && before !== undefined && mustBeConfirmed(before.state));
    const cursor = laterOf(before, placed.cursor);
    // Of a fact that was published before the mapping said that its value is kept, this is the value: its fingerprint says so.
    const lacksValue = keep.current && before?.current === null;
    const hasMoved = before?.state === 'live' && (before.cursor !== cursor || before.rowHash === null || lacksValue);
    if (difference.outcome === 'unchanged' && !rowChanged && !hasMoved) {
      this.counts.unchanged++;
      this.note(mark);
      return;
    }
    const refused = { outcome: 'rejected', identity: fact.identity, field: '', columns: [] } as const;
    const refill = isDifferent(difference) && before !== undefined ? this.#parts.refill?.(before, fact) : undefined;
    if (difference.outcome === 'refused' && refill === undefined) {
      const message = 'the fact was published before with other values, and facts of this class never change';
      this.refuse({ ...placed, cursor }, { ...refused, reason: 'immutable_changed', message }, before, values);
      return;
    }
    const value = encode(fact.fields);
    if (isLarger(value, maxValueBytes)) {
      const message = `the encoded fact is larger than the topic's max.message.bytes allows (${maxValueBytes} bytes)`;
      this.refuse({ ...placed, cursor }, { ...refused, reason: 'record_too_large', message }, before, values);
      return;
    }
    const prints = { slot, rowHash, fingerprint, fieldDigests: fieldDigests(), cursor };
    if (refill !== undefined) {
      const next = { version: before?.version ?? 0, changed: [], before };
      this.emit(refilled(factChange('recorded', fact, value, prints, next, mark, keep), refill));
      return;
    }
    if (difference.outcome === 'refused') throw new Error('a refused fact was reported before');
    const isCreated = difference.outcome === 'created';
    // A take-over has claimed the slot already, and may create: the row before may never have had a fact.
    if (isCreated && !rowChanged) this.claim(slot, mark.key);
    if (difference.outcome === 'unchanged' || difference.outcome === 'recorded' || (isCreated && baseline)) {
      const version = before?.version ?? 0;
      this.emit(factChange('recorded', fact, value, prints, { version, changed: [], before }, mark, keep));
      return;
    }
    // While the topics change, digests of fields may stand under the names of another contract.
    const changed = difference.outcome === 'updated' && this.#parts.refill === undefined ? difference.changed : [];
    for (const name of changed) this.changedFields.set(name, (this.changedFields.get(name) ?? 0) + 1);
    this.emit(factChange(difference.outcome, fact, value, prints, { version: difference.version, changed, before }, mark, keep));
  }

  /** Of a forced backfill: an unchanged fact is published again as its next version, a baseline's for the first time. */
  #repeated(before: Entry | undefined, difference: Difference): Difference {
    const { backfill, versionFloor } = this.#rules;
    if (difference.outcome !== 'unchanged' || before?.state !== 'live' || backfill?.repeats?.(before) !== true) return difference;
    const version = Math.max(before.version, versionFloor) + 1;
    return before.version === 0 ? { outcome: 'created', version } : { outcome: 'updated', version, changed: [] };
  }

  /** Reports a refused row, unless it was reported as it is. */
  refuse(
    { slot, rowHash, row, cursor }: PlacedRow,
    rejected: Rejected,
    before: Entry | undefined,
    values: readonly (string | null)[] | null,
  ): void {
    this.counts.rejected++;
    const refused = this.#parts.fingerprints.fact(JSON.stringify([rejected.field, rejected.reason, values ?? []]));
    const refusedMark: RowMark = { ...row, verdict: 'quarantined' };
    if (before !== undefined && isRefused(before.state) && before.refused !== null && equalHash(before.refused, refused)) {
      this.note(refusedMark);
      return;
    }
    this.emit(quarantine(slot, rowHash, refused, rejected, before, this.#rules.detectedAt, refusedMark, cursor));
  }

  emit(change: Change): void {
    this.counts[change.kind]++;
    this.#parts.emit(this.#leaving.changeOf(change));
  }

  /** A row of which nothing is published. */
  note(mark: RowMark): void {
    this.#marks.add(this.#leaving.markOf(mark));
  }

  /** One row alone may create what the view does not have. */
  claim(slot: Hash, key: Uint8Array): void {
    const text = textOf(slot);
    if (this.#created.has(text)) this.#badKeys.noteDuplicate(key);
    this.#created.add(text);
  }

  hasCreated(slot: Hash): boolean {
    return this.#created.has(textOf(slot));
  }

  /** All that was emitted so far is in the view now. */
  forgetPublished(): void {
    this.#created.clear();
  }
}

/** Promise 2: an entry expires no earlier than any row that it was seen behind; one whose row has no cursor is read in every run, and never. */
export function laterOf(before: Entry | undefined, cursor: number | null): number | null {
  return cursor === null || before === undefined || before.cursor === null ? cursor : Math.max(before.cursor, cursor);
}

function isDifferent({ outcome }: Difference): boolean {
  return outcome === 'updated' || outcome === 'refused';
}

function isLarger(value: string | Uint8Array, bytes: number): boolean {
  if (typeof value !== 'string') return value.length > bytes;
  return value.length * 3 > bytes && Buffer.byteLength(value) > bytes;
}
