import { ENTRY_STATES, type Entry, type EntryState, type Hash } from '../core/entry.ts';
import { HeadraceError } from '../core/errors.ts';

/**
 * The records of a snapshot topic. Key: one byte that says what it is, then
 *   1 · sixteen bytes of the identity's keyed hash → an entry (binary, below; null removes it)
 *   0 · `control`                                  → the control record (JSON), last in every transaction that moves progress
 *   0 · `owner`                                    → the owner record (JSON): the lease
 */
const ENTRY = 1;
const RESERVED = 0;
export const CONTROL_KEY: Uint8Array = reservedKey('control');
export const OWNER_KEY: Uint8Array = reservedKey('owner');
const HASH_BYTES = 16;
const FORMAT = 1;
/** As format 1, with the cursor (a double) behind it: for entries that expire. */
const FORMAT_WITH_CURSOR = 2;
const CURSOR_BYTES = 8;

/** Progress, written in the same transaction as the facts that it speaks of. */
export interface ControlRecord {
  readonly format: 1;
  readonly run: string;
  /** Number of the chunk within the run, from 1. */
  readonly chunk: number;
  /** Whether the run's last chunk is this one: only then watermark, digest and fullComparisonAt moved. */
  readonly last: boolean;
  /** The cursor value up to which everything was read, as the source's own text; null without a cursor or before the initial load is complete. */
  readonly watermark: string | null;
  /** Of the mapping under which the last complete comparison ran. */
  readonly digest: string | null;
  readonly contractVersion: string;
  /** In which form values and keys were written. */
  readonly form?: { readonly encoding: 'json' | 'avro' | 'protobuf'; readonly keys: 'plain' | 'encoded' } | undefined;
  readonly environment: string;
  readonly clusterId: string;
  readonly fingerprint: { readonly algorithm: string; readonly key: string } | { readonly algorithm: string; readonly keyId: string };
  /** New identities begin above it. */
  readonly versionFloor: number;
  /** Per partition of the fact topic, the offset after the last record of ours; its length is the partition count. */
  readonly nextOffsets: readonly number[];
  /** When the last complete comparison began, milliseconds since 1970; null until the initial load is complete. */
  readonly fullComparisonAt: number | null;
  /** The model's columns and their types, as the last complete run found them. */
  readonly columns: Readonly<Record<string, string>> | null;
  /** The topic of `nextOffsets`: that of the mapping. Absent in records of earlier releases. */
  readonly topic?: string | undefined;
  /** Of the other topics that the mapping writes to, or has written to. */
  readonly also?: readonly { readonly topic: string; readonly nextOffsets: readonly number[] }[] | undefined;
  /**
   * The sets of contracts (`topic=version`, the mapping's own first) that fingerprints of entries may cover: that of the last complete comparison, then those of
   * interrupted ones. Absent: the one of `topic` and `contractVersion`.
   */
  readonly published?: readonly (readonly string[])[] | undefined;
  /** Absent, unless the mapping was moved to an earlier version of its contract. */
  readonly rollback?: RollbackState | undefined;
  /** Below it entries of an append-only model have expired, and no row may be published any more. It only rises. */
  readonly horizon?: Horizon | null;
  /** Drawn at the first start and at each adoption: a copy of another epoch is of other records, and is rebuilt. */
  readonly epoch?: string | undefined;
  /** The next run compares in full, whatever is due: rows in quarantine are to be tried again although they did not change, or a hold has ended. */
  readonly due?: 'retry' | 'release' | undefined;
  /** An adoption is under way, or was interrupted: clearing entries under a lost key, or filling in. Absent once it is complete. */
  readonly adoption?: 'clearing' | 'filling' | undefined;
  /** The backfill that is under way, or the last one. */
  readonly backfill?: BackfillState | undefined;
  /** The warehouse's clock before the last complete reading, milliseconds since 1970, where its change feed could be read then. Absent: the next run reads by the cursor. */
  readonly changeFeed?: { readonly kind: 'changes' | 'appends'; readonly atMs: number } | undefined;
}

/** How far a backfill is. It moves with the last chunk of each slice, and the watermark does not. */
export interface BackfillState {
  /** The run under which its facts are published, whichever process executes a slice. */
  readonly id: string;
  /** The name under which it was ordered; null without one. */
  readonly name: string | null;
  /** Of the order: only the same one goes on. */
  readonly digest: string;
  /** The order in words. */
  readonly what: string;
  readonly force: boolean;
  /** The model key of the last row that was read, or how many of the keys that it names; null at its beginning. */
  readonly place: readonly string[] | number | null;
  readonly slices: number;
  /** Rows that it is to read, as they were counted at its beginning. */
  readonly total: number;
  readonly counts: BackfillCounts;
  /** Per partition of the fact topic, where it ended at the beginning: facts behind it are not published again by force. */
  readonly begunAt: readonly number[];
  /** Id of the plan under which it was approved. */
  readonly approval: string | null;
  /** Absent while it is under way. */
  readonly end?: 'done' | 'cancelled' | undefined;
}

/** Of rows, what they came to. `left`: the entry is deleted, held or erased, and stays so. `repeated`: unchanged, and published by force. */
export interface BackfillCounts {
  readonly rows: number;
  readonly unchanged: number;
  readonly absent: number;
  readonly rejected: number;
  readonly late: number;
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly repeated: number;
  readonly left: { readonly deleted: number; readonly held: number; readonly erased: number };
}

/** A move of a mapping to another version of its contract. */
export interface RollbackState {
  /** The version that was published before. */
  readonly from: string;
  /** Versions above `contractVersion` up to this one may not run. */
  readonly upTo: string;
  /** False while the facts are of both versions. */
  readonly complete: boolean;
}

/** A place in the order of a cursor column. */
export interface Horizon {
  readonly column: string;
  /** What `position` counts: microseconds since 1970, or the cursor's own number. */
  readonly unit: 'microseconds' | 'number';
  readonly position: number;
}

/** The lease. Clocks decide only who waits; who may write is decided by fencing. */
export interface OwnerRecord {
  readonly format: 1;
  readonly run: string;
  readonly host: string;
  readonly pid: number;
  readonly purpose: string;
  /** Milliseconds since 1970; 0 once released. */
  readonly leaseEnd: number;
}

export type ChangelogRecord =
  | { readonly type: 'entry'; readonly slot: Buffer; readonly entry: Entry | null }
  | { readonly type: 'control'; readonly control: ControlRecord }
  | { readonly type: 'owner'; readonly owner: OwnerRecord };

export function entryKey(slot: Hash): Buffer {
  const key = Buffer.allocUnsafe(1 + HASH_BYTES);
  key[0] = ENTRY;
  key.set(slot, 1);
  return key;
}

/** Throws SNAPSHOT_CORRUPT for anything that this version did not write. */
export function decodeRecord(key: Buffer | null, value: Buffer | null, where: string): ChangelogRecord {
  if (key !== null && key[0] === ENTRY && key.length === 1 + HASH_BYTES) {
    return { type: 'entry', slot: key.subarray(1), entry: value === null ? null : decodeEntry(value, where) };
  }
  if (key !== null && value !== null) {
    if (key.equals(CONTROL_KEY)) return { type: 'control', control: parseJson<ControlRecord>(value, where) };
    if (key.equals(OWNER_KEY)) return { type: 'owner', owner: parseJson<OwnerRecord>(value, where) };
  }
  throw corrupt(where, 'a record with a key that Headrace does not write');
}

// Entry: format · state · flags · version · fingerprint? · row hash? · field digests · identity? · key? · partition, offset? · refused? · current? · previous? · cursor (format 2)
const HAS_FINGERPRINT = 1;
const HAS_ROW = 2;
const HAS_IDENTITY = 4;
const HAS_KEY = 8;
const HAS_POSITION = 16;
const HAS_REFUSED = 32;
const HAS_CURRENT = 64;
const HAS_PREVIOUS = 128;

/** With another position than the entry's own, where the broker has just given it one. */
export function encodeEntry(entry: Entry, partition = entry.partition, offset = entry.offset): Buffer {
  const { fingerprint, rowHash, identity, key, refused, current, previous } = entry;
  const identityBytes = identity === null ? 0 : Buffer.byteLength(identity);
  const keyBytes = key === null ? 0 : Buffer.byteLength(key);
  const bound =
    3 +
    3 * HASH_BYTES +
    7 * 9 +
    entry.fieldDigests.length +
    identityBytes +
    keyBytes +
    (current?.length ?? 0) +
    (previous?.length ?? 0) +
    CURSOR_BYTES;
  const out = Buffer.allocUnsafe(bound);
  let flags = 0;
  if (fingerprint !== null) flags |= HAS_FINGERPRINT;
  if (rowHash !== null) flags |= HAS_ROW;
  if (identity !== null) flags |= HAS_IDENTITY;
  if (key !== null) flags |= HAS_KEY;
  if (offset >= 0) flags |= HAS_POSITION;
  if (refused !== null) flags |= HAS_REFUSED;
  if (current !== null) flags |= HAS_CURRENT;
  if (previous !== null) flags |= HAS_PREVIOUS;
  out[0] = entry.cursor === null ? FORMAT : FORMAT_WITH_CURSOR;
  out[1] = ENTRY_STATES.indexOf(entry.state);
  out[2] = flags;
  let at = writeVarint(out, 3, entry.version);
  if (fingerprint !== null) at = writeBytes(out, at, fingerprint);
  if (rowHash !== null) at = writeBytes(out, at, rowHash);
  at = writeBytes(out, writeVarint(out, at, entry.fieldDigests.length), entry.fieldDigests);
  if (identity !== null) at = writeVarint(out, at, identityBytes) + out.write(identity, at + varintBytes(identityBytes), 'utf8');
  if (key !== null) at = writeVarint(out, at, keyBytes) + out.write(key, at + varintBytes(keyBytes), 'utf8');
  if (offset >= 0) at = writeVarint(out, writeVarint(out, at, partition), offset);
  if (refused !== null) at = writeBytes(out, at, refused);
  if (current !== null) at = writeBytes(out, writeVarint(out, at, current.length), current);
  if (previous !== null) at = writeBytes(out, writeVarint(out, at, previous.length), previous);
  if (entry.cursor !== null) at = out.writeDoubleBE(entry.cursor, at);
  return out.subarray(0, at);
}

/** The bytes of the result are copies: the input may be a buffer that is used again. */
export function decodeEntry(bytes: Uint8Array, where: string): Entry {
  const reader = new EntryReader(bytes, where);
  const format = reader.byte();
  if (format !== FORMAT && format !== FORMAT_WITH_CURSOR)
    throw corrupt(where, `an entry of format ${format}; this version reads formats ${FORMAT} and ${FORMAT_WITH_CURSOR}`);
  const state = ENTRY_STATES[reader.byte()];
  if (state === undefined) throw corrupt(where, 'an entry of an unknown state');
  const flags = reader.byte();
  const version = reader.varint();
  const has = (flag: number) => (flags & flag) !== 0;
  const entry: Entry = {
    state,
    version,
    fingerprint: has(HAS_FINGERPRINT) ? reader.take(HASH_BYTES) : null,
    rowHash: has(HAS_ROW) ? reader.take(HASH_BYTES) : null,
    fieldDigests: reader.take(reader.varint()),
    identity: has(HAS_IDENTITY) ? reader.text() : null,
    key: has(HAS_KEY) ? reader.text() : null,
    partition: has(HAS_POSITION) ? reader.varint() : -1,
    offset: has(HAS_POSITION) ? reader.varint() : -1,
    refused: has(HAS_REFUSED) ? reader.take(HASH_BYTES) : null,
    current: has(HAS_CURRENT) ? reader.take(reader.varint()) : null,
    previous: has(HAS_PREVIOUS) ? reader.take(reader.varint()) : null,
    cursor: format === FORMAT_WITH_CURSOR ? reader.double() : null,
  };
  reader.end();
  return entry;
}

/** Of an encoded entry, without decoding the rest of it. */
export function stateOfEntry(bytes: Uint8Array): EntryState {
  const state = ENTRY_STATES[bytes[1] ?? ENTRY_STATES.length];
  if (state === undefined) throw corrupt('An encoded entry', 'an unknown state');
  return state;
}

class EntryReader {
  readonly #bytes: Uint8Array;
  readonly #where: string;
  #at = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#where = where;
  }

  byte(): number {
    const b = this.#bytes[this.#at++];
    if (b === undefined) throw corrupt(this.#where, 'an entry that is cut short');
    return b;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const b = this.byte();
      value += (b & 127) * factor;
      if (b < 128) return value;
    }
    throw corrupt(this.#where, 'an entry with a number out of range');
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw corrupt(this.#where, 'an entry that is cut short');
    const taken = Uint8Array.prototype.slice.call(this.#bytes, this.#at, end);
    this.#at = end;
    return taken;
  }

  text(): string {
    return Buffer.from(this.take(this.varint())).toString('utf8');
  }

  double(): number {
    return Buffer.from(this.take(CURSOR_BYTES)).readDoubleBE(0);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw corrupt(this.#where, 'an entry with bytes left over');
  }
}

function reservedKey(name: string): Buffer {
  return Buffer.concat([Buffer.of(RESERVED), Buffer.from(name)]);
}

function parseJson<T extends { format: 1 }>(value: Buffer, where: string): T {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value.toString('utf8'));
  } catch (cause) {
    throw corrupt(where, 'a reserved record that is not JSON', cause);
  }
  if (typeof parsed !== 'object' || parsed === null || (parsed as { format?: unknown }).format !== 1) {
    throw corrupt(where, 'a reserved record of an unknown format');
  }
  return parsed as T;
}

function corrupt(where: string, what: string, cause?: unknown): HeadraceError {
  return new HeadraceError('SNAPSHOT_CORRUPT', `${where} holds ${what}.`, {
    suggestion: 'Was it written by another program, or by a newer version of Headrace? Nothing was changed.',
    cause,
  });
}

function varintBytes(value: number): number {
  let n = 1;
  for (let v = value; v > 127; v = Math.floor(v / 128)) n++;
  return n;
}

function writeVarint(out: Buffer, at: number, value: number): number {
  let v = value;
  let i = at;
  while (v > 127) {
    out[i++] = (v % 128) | 128;
    v = Math.floor(v / 128);
  }
  out[i++] = v;
  return i;
}

function writeBytes(out: Buffer, at: number, bytes: Uint8Array): number {
  out.set(bytes, at);
  return at + bytes.length;
}
