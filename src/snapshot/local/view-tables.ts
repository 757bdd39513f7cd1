import { createHash } from 'node:crypto';
import type { RootDatabase } from 'lmdb';
import type { RowMark } from '../../core/change.ts';
import { type Hash, isRefused, mustBeConfirmed } from '../../core/entry.ts';
import { decodeEntry, stateOfEntry } from '../changelog.ts';
import type { EntryUpdate, Relink, RowGroup, RowRef, StoredEntry, ViewState } from '../view.ts';
import type { Journaled } from './journal.ts';
import { RowGroupTable } from './row-group-table.ts';
import { rowBytes, StoredRow, writeRow } from './row-record.ts';
import { StoredTable } from './stored-table.ts';
import { openBinary } from './view-files.ts';

/** LMDB takes keys up to 1978 bytes; a longer model key is kept under its digest, behind a byte that no UTF-8 text begins with. */
const MAX_KEY = 1900;
const LONG_KEY = 0xff;

export type EntryCounts = { -readonly [count in keyof Pick<ViewState, 'confirmable' | 'quarantined' | 'entries'>]: number };

/** Entries, marks of rows and groups of rows: what LMDB holds of them, and over it what waits to be written. */
export class ViewTables {
  readonly #entries: StoredTable;
  readonly #rows: StoredTable;
  readonly #groups: RowGroupTable;
  readonly #folder: string;
  readonly #row = new StoredRow();
  /** A number that no row has yet. */
  nextOrdinal = 0;

  constructor(root: RootDatabase, folder: string, isBlank: boolean) {
    this.#folder = folder;
    this.#entries = new StoredTable(openBinary(root, 'entries'), isBlank);
    this.#rows = new StoredTable(openBinary(root, 'rows'), isBlank);
    this.#groups = new RowGroupTable(openBinary(root, 'groups'));
  }

  findRow(key: Uint8Array): RowRef | undefined {
    const bytes = this.#rows.find(storedKey(key));
    if (bytes === undefined) return undefined;
    this.#row.load(bytes);
    return this.#row;
  }

  findEntry(slot: Hash): StoredEntry | undefined {
    const bytes = this.#entries.find(slot);
    return bytes === undefined ? undefined : this.#decode(bytes);
  }

  findGroup(print: Hash): RowGroup | undefined {
    return this.#groups.find(print);
  }

  /** Promise 1: a row's group vouches for its bytes no longer than its mark does. */
  putRow(mark: RowMark): void {
    if (this.#groups.number > 0) {
      // The row may have had another number until now.
      const before = this.findRow(mark.key);
      if (before !== undefined) this.#groups.touch(before.ordinal);
      this.#groups.touch(mark.ordinal);
    }
    writeRow(mark, this.#rows.put(storedKey(mark.key), rowBytes(mark)));
  }

  removeRow(key: Uint8Array): void {
    const row = this.findRow(key);
    if (row === undefined) return;
    this.#groups.touch(row.ordinal);
    this.#rows.remove(storedKey(key));
  }

  putEntry(update: EntryUpdate, counts: EntryCounts): void {
    const { slot } = update;
    const before = update.isNew === true ? undefined : this.findEntry(slot);
    if (before !== undefined) {
      counts.entries--;
      if (mustBeConfirmed(before.entry.state)) counts.confirmable--;
      if (isRefused(before.entry.state)) counts.quarantined--;
    }
    if (update.bytes === null) {
      this.#entries.remove(slot);
      return;
    }
    const state = stateOfEntry(update.bytes);
    counts.entries++;
    if (mustBeConfirmed(state)) counts.confirmable++;
    if (isRefused(state)) counts.quarantined++;
    const ordinal = update.ordinal ?? this.#ordinalOf(update.bytes, before);
    const stored = this.#entries.put(slot, 4 + update.bytes.length);
    stored.writeUInt32LE(ordinal, 0);
    stored.set(update.bytes, 4);
  }

  #ordinalOf(bytes: Uint8Array, before: StoredEntry | undefined): number {
    if (before === undefined) return this.nextOrdinal++;
    const { rowHash } = decodeEntry(bytes, 'The snapshot topic');
    const sameRow = rowHash !== null && before.entry.rowHash !== null && Buffer.compare(rowHash, before.entry.rowHash) === 0;
    return sameRow ? before.ordinal : this.nextOrdinal++;
  }

  /** The entry stands behind another row. */
  relink({ slot, ordinal }: Relink): void {
    const bytes = this.#entries.find(slot);
    if (bytes === undefined) return;
    const stored = this.#entries.put(slot, bytes.length);
    stored.set(bytes.subarray(0, bytes.length));
    stored.writeUInt32LE(ordinal, 0);
  }

  /** Within a transaction of LMDB. */
  recordGroups(groups: readonly RowGroup[]): void {
    this.#groups.record(groups, this.nextOrdinal);
  }

  /** Of what is stored alone, as the others below. */
  get rowCount(): number {
    return this.#rows.storedCount;
  }

  *entries(): Iterable<StoredEntry & { readonly slot: Hash }> {
    for (const { key, value } of this.#entries.stored()) yield { slot: Uint8Array.from(key), ...this.#decode(value) };
  }

  *rows(): Iterable<{ readonly key: Uint8Array; readonly ordinal: number }> {
    for (const { key, value } of this.#rows.stored()) yield { key: Uint8Array.from(key), ordinal: value.readUInt32LE(0) };
  }

  get groupNumber(): number {
    return this.#groups.number;
  }

  set groupNumber(number: number) {
    this.#groups.number = number;
  }

  get pendingBytes(): number {
    return this.#entries.pendingBytes + this.#rows.pendingBytes;
  }

  get isFull(): boolean {
    return this.#entries.isFull || this.#rows.isFull;
  }

  /** Remembers where the waiting records end: what is returned takes back what was put since. */
  savepoint(): () => void {
    const [entries, rows] = [this.#entries.pendingBytes, this.#rows.pendingBytes];
    return () => {
      this.#entries.rollBack(entries);
      this.#rows.rollBack(rows);
    };
  }

  /** What waits, for the journal. */
  get waiting(): Omit<Journaled, 'state'> {
    return { entries: this.#entries.pendingRecords, rows: this.#rows.pendingRecords, touched: this.#groups.touched };
  }

  /** What the journal holds waits to be written, as it did when the copy was closed. */
  wait({ entries, rows, touched }: Journaled): void {
    this.#entries.loadPending(entries);
    this.#rows.loadPending(rows);
    for (const row of touched) this.#groups.touch(row);
  }

  /** Within a transaction of LMDB. What waited goes on waiting until `forgetPending`, once that is committed. */
  writePending(): void {
    this.#entries.writePending();
    this.#rows.writePending();
  }

  /** At the end of a transaction of LMDB. */
  flushGroups(): void {
    this.#groups.flush();
  }

  forgetPending(): void {
    this.#entries.forgetPending();
    this.#rows.forgetPending();
  }

  /** Within a transaction of LMDB. */
  clear(): void {
    this.#entries.clearStored();
    this.#rows.clearStored();
    this.#groups.clear();
    this.nextOrdinal = 0;
  }

  #decode(bytes: Uint8Array): StoredEntry {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return { ordinal: view.getUint32(0, true), entry: decodeEntry(bytes.subarray(4, bytes.length), `The local copy in ${this.#folder}`) };
  }
}

function storedKey(key: Uint8Array): Uint8Array {
  if (key.length <= MAX_KEY) return key;
  return Buffer.concat([Buffer.of(LONG_KEY), createHash('sha256').update(key).digest()]);
}
