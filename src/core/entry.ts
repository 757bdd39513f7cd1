/** What the snapshot keeps of one identity: see docs/protocol.md for the meaning of each state. Stored as its place in this list: a new one comes last. */
export const ENTRY_STATES = [
  /** The newest published version is a fact. */
  'live',
  /** The newest published version is a deletion; the version is kept so that a revived identity goes on counting. */
  'deleted',
  /** The row was refused. Whatever was published before stays; `refused` says which row not to report again. */
  'quarantined',
  /** An undo published an earlier fact; `refused` says which fact not to publish again. */
  'held',
  /** Erased for good: nothing of this identity is published any more. */
  'erased',
  /** As quarantined, but a person has said that the row is of no interest: it stays refused without a word until it changes. */
  'discarded',
] as const;

export type EntryState = (typeof ENTRY_STATES)[number];

/** Sixteen bytes of a keyed hash. */
export type Hash = Uint8Array;

export interface Entry {
  readonly state: EntryState;
  /** The newest published version of the identity; 0 if nothing was published yet (a baseline, a first row in quarantine). */
  readonly version: number;
  /** Of the published fact; null where none is live. */
  readonly fingerprint: Hash | null;
  /** Keyed hash of the model key of the row that produced the fact, or was refused. */
  readonly rowHash: Hash | null;
  /** Digests of the published fact's fields, four bytes each, in any order: a field is changed if its digest is not among them. */
  readonly fieldDigests: Uint8Array;
  /** The identity's text while a fact is live: needed to delete it. */
  readonly identity: string | null;
  /** The Kafka key's text, where it is not the identity. */
  readonly key: string | null;
  /** Where the newest published record stands; −1 if none was published. */
  readonly partition: number;
  readonly offset: number;
  /** What not to publish, or report, again: of the refused fact (held) or row (quarantined, discarded). Null while quarantined: the row is to be tried again as it is. */
  readonly refused: Hash | null;
  /**
   * Where the row stands in the order of the cursor (microseconds since 1970 for a time, else the number): the entry expires once the horizon has passed it. Null for
   * an entry that never expires.
   */
  readonly cursor: number | null;
  /** The newest published fact, encoded: kept only where a deletion or an undo needs it. */
  readonly current: Uint8Array | null;
  /** The fact before it: kept only where the mapping says `undo: previous`. */
  readonly previous: Uint8Array | null;
}

/** Whether a full comparison must find the entry's row again, or else end its fact. */
export function mustBeConfirmed(state: EntryState): boolean {
  return state === 'live' || isRefused(state) || state === 'held';
}

/** Whether the entry's row was refused. */
export function isRefused(state: EntryState): boolean {
  return state === 'quarantined' || state === 'discarded';
}

/** Whether consumers hold a fact of this identity now. */
export function hasLiveFact(entry: Entry): boolean {
  return entry.fingerprint !== null;
}

/** `refused` of an entry whose deletion was undone: while the source has no fact of the identity, nothing is published. No fact has this fingerprint. */
export const ABSENCE: Hash = new Uint8Array(16);

/** Whether the fact stays although the source has none. */
export function isHeldAgainstAbsence({ state, refused }: Entry): boolean {
  return state === 'held' && refused !== null && refused.every((byte) => byte === 0);
}
