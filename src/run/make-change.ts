import type { Mapping } from '../config/project.ts';
import type { Change, DeleteReason, RowMark } from '../core/change.ts';
import type { Entry, Hash } from '../core/entry.ts';
import type { Fact, Rejected } from '../core/fact.ts';

const NONE = new Uint8Array(0);

/** What of a published fact is kept in its entry beyond the fingerprint. */
export interface KeepRules {
  /** The newest encoded fact: a deletion publishes it once more, or an undo needs it. */
  readonly current: boolean;
  /** The one before it. */
  readonly previous: boolean;
  /** The identity's text: not where nothing is ever deleted. */
  readonly identity: boolean;
  readonly onDelete: 'tombstone' | 'fact' | 'none';
}

/** What the mapping's entries keep. */
export function keepRulesOf({ class: mappingClass, onDelete, undo }: Mapping): KeepRules {
  const previous = undo === 'previous';
  return { current: onDelete === 'fact' || previous, previous, identity: mappingClass !== 'behavior', onDelete };
}

export interface Prints {
  readonly slot: Hash;
  readonly rowHash: Hash;
  readonly fingerprint: Hash;
  readonly fieldDigests: Uint8Array;
  /** Of the entry: see there. */
  readonly cursor: number | null;
}

/** A fact that is published (created, updated), or only remembered (recorded: a baseline, a row that is as published again). */
export function factChange(
  kind: 'created' | 'updated' | 'recorded',
  fact: Fact,
  value: string | Uint8Array,
  prints: Prints,
  next: { readonly version: number; readonly changed: readonly string[]; readonly before: Entry | undefined },
  row: RowMark,
  keep: KeepRules,
): Change {
  const { before } = next;
  const isPublished = kind !== 'recorded';
  const entry: Entry = {
    state: 'live',
    version: next.version,
    fingerprint: prints.fingerprint,
    rowHash: prints.rowHash,
    fieldDigests: prints.fieldDigests,
    identity: keep.identity ? fact.identity : null,
    key: keep.identity && fact.key !== fact.identity ? fact.key : null,
    partition: isPublished ? -1 : (before?.partition ?? -1),
    offset: isPublished ? -1 : (before?.offset ?? -1),
    refused: null,
    cursor: prints.cursor,
    current: keep.current ? (typeof value === 'string' ? Buffer.from(value) : value) : null,
    previous: keep.previous ? (isPublished ? (before?.current ?? null) : (before?.previous ?? null)) : null,
  };
  return {
    kind,
    slot: prints.slot,
    identity: fact.identity,
    key: fact.key,
    entry,
    before: positionOf(before),
    value,
    also: fact.also?.flatMap(({ value: encoded, occurredAt }) => (encoded === null ? [] : [{ value: encoded, occurredAt }])),
    occurredAt: fact.occurredAt,
    changed: next.changed,
    reason: null,
    rejection: null,
    row,
    forgetRow: null,
    ordinal: row.ordinal,
  };
}

/**
 * A fact that is as consumers have it, while the topics of the mapping changed: new ones get its current version, and the entry covers the contracts that are
 * published now.
 */
export function refilled(recorded: Change, { under, keepsPlace }: Refill): Change {
  const { entry } = recorded;
  if (entry === null) throw new Error('a fact that is live has an entry');
  const placed = keepsPlace ? entry : { ...entry, partition: -1, offset: -1 };
  // A baseline was never published anywhere.
  if (under.length === 0 || entry.version === 0) return { ...recorded, entry: placed };
  return { ...recorded, kind: 'filled', under, entry: placed };
}

export interface Refill {
  /** Which of the published contracts it is sent under. */
  readonly under: readonly number[];
  /** Whether the entry's place is one in the mapping's own topic. */
  readonly keepsPlace: boolean;
}

/**
 * The end of a fact. With `on_delete: fact` it takes two versions: the deleted fact, then the tombstone; or the tombstone alone, where the fact was published before the
 * mapping said so and is gone before a run could record its value.
 */
export function deletion(
  slot: Hash,
  before: Entry,
  reason: DeleteReason,
  detectedAt: string,
  versionFloor: number,
  ordinal: number,
  row: RowMark | null,
  keep: KeepRules,
): Change {
  const entry: Entry = {
    state: 'deleted',
    version: Math.max(before.version, versionFloor) + (keep.onDelete === 'fact' && before.current !== null ? 2 : 1),
    fingerprint: null,
    rowHash: null,
    fieldDigests: NONE,
    identity: null,
    key: null,
    partition: -1,
    offset: -1,
    refused: null,
    cursor: null,
    current: null,
    previous: keep.previous ? before.current : null,
  };
  return {
    kind: 'deleted',
    slot,
    identity: before.identity,
    key: before.key ?? before.identity,
    entry,
    before: positionOf(before),
    value: before.current,
    occurredAt: detectedAt,
    changed: [],
    reason,
    rejection: null,
    row,
    forgetRow: null,
    ordinal,
  };
}

/** A refused row: reported once, and remembered so that it is not reported again. What was published before stays. */
export function quarantine(
  slot: Hash,
  rowHash: Hash,
  refused: Hash,
  rejected: Rejected,
  before: Entry | undefined,
  detectedAt: string,
  row: RowMark,
  cursor: number | null,
): Change {
  const entry: Entry = {
    state: 'quarantined',
    version: before?.version ?? 0,
    fingerprint: before?.fingerprint ?? null,
    rowHash,
    fieldDigests: before?.fieldDigests ?? NONE,
    identity: before?.identity ?? null,
    key: before?.key ?? null,
    partition: before?.partition ?? -1,
    offset: before?.offset ?? -1,
    refused,
    cursor,
    current: before?.current ?? null,
    previous: before?.previous ?? null,
  };
  const { field, columns, reason, message } = rejected;
  return {
    kind: 'quarantined',
    slot,
    identity: rejected.identity,
    key: null,
    entry,
    before: positionOf(before),
    value: null,
    occurredAt: detectedAt,
    changed: [],
    reason: null,
    rejection: { field, columns, reason, message },
    row,
    forgetRow: null,
    ordinal: row.ordinal,
  };
}

/**
 * An entry under which no fact is live, and nothing is refused any more: it leaves the snapshot. If facts were published under it before, its version stays, so that a
 * revived identity goes on counting.
 */
export function removal(slot: Hash, before: Entry, detectedAt: string, ordinal: number, row: RowMark | null): Change {
  const ended: Entry = {
    ...before,
    state: 'deleted',
    fingerprint: null,
    rowHash: null,
    fieldDigests: NONE,
    identity: null,
    key: null,
    refused: null,
  };
  return {
    kind: 'recorded',
    slot,
    identity: before.identity,
    key: null,
    entry: before.version > 0 ? ended : null,
    before: positionOf(before),
    value: null,
    occurredAt: detectedAt,
    changed: [],
    reason: null,
    rejection: null,
    row,
    forgetRow: null,
    ordinal,
  };
}

/** The entry leaves the snapshot; nothing is published. */
export function expiry(slot: Hash, before: Entry, detectedAt: string, ordinal: number): Change {
  return { ...removal(slot, before, detectedAt, ordinal, null), kind: 'expired', identity: null, entry: null };
}

function positionOf(entry: Entry | undefined): Change['before'] {
  return entry === undefined ? null : { partition: entry.partition, offset: entry.offset, version: entry.version };
}
