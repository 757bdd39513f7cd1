import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Database, RootDatabase } from 'lmdb';
import type { RowMark } from '../../core/change.ts';
import { type Hash, isRefused, mustBeConfirmed } from '../../core/entry.ts';
import { HeadraceError } from '../../core/errors.ts';
import { decodeEntry, stateOfEntry } from '../changelog.ts';
import type { EntryUpdate, Relink, RowGroup, RowRef, SnapshotView, StoredEntry, ViewState, ViewStep } from '../view.ts';
import { failedCopy, guarded, isDamage } from './failures.ts';
import { Journal, type Journaled } from './journal.ts';
import { decodeState, emptyState, encodeState, LAYOUT, newNonce } from './persisted-state.ts';
import { RowGroupTable } from './row-group-table.ts';
import { rowBytes, StoredRow, writeRow } from './row-record.ts';
import { breakSeal, type SealState, seal } from './seal.ts';
import { StoredTable } from './stored-table.ts';
import { copyView, journalFile, openBinary, openRoot, removeView, usableSeal, viewFile } from './view-files.ts';

const STATE_KEY = Buffer.from('state');
/** LMDB takes keys up to 1978 bytes; a longer model key is kept under its digest, behind a byte that no UTF-8 text begins with. */
const MAX_KEY = 1900;
const LONG_KEY = 0xff;
/** What is applied is written once it comes to so many bytes. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
/** What there is when the view is closed goes to the journal up to here: reading it back takes some hundredths of a second. */
const MAX_JOURNAL_BYTES = 16 * 1024 * 1024;

/**
 * The view as an LMDB environment in a folder of the mapping's own: sub-databases `entries`, `rows`, `groups` (of rows) and `meta`.
 *
 * Entries and marks wait in memory until there are many, and are then written in one transaction together with the state that they lead to: a chunk of entries, which
 * are keyed by hashes, would touch nearly every page of the file. What a crash takes away so is read from the topic again. Where little waits at the end, it goes to a
 * journal beside the file, and waits on.
 */
export class LocalView implements SnapshotView {
  readonly #root: RootDatabase;
  readonly #meta: Database;
  readonly #entries: StoredTable;
  readonly #rows: StoredTable;
  readonly #groups: RowGroupTable;
  readonly #folder: string;
  readonly #row = new StoredRow();
  #state: ViewState;
  #nextOrdinal = 0;
  /** LMDB's state as this process last read or wrote it. */
  #persisted: Buffer | undefined;
  readonly #journal: Journal;
  /** The state, or anything else, differs from what the files hold. */
  #isPending = false;
  /** The file is as it was closed. */
  #isSealed: boolean;
  readonly #topic: string | null;
  #wasDiscarded: boolean;

  private constructor(folder: string, topic: string | null, root: RootDatabase, isSealed: boolean, wasDiscarded: boolean) {
    this.#folder = folder;
    this.#topic = topic;
    this.#root = root;
    this.#isSealed = isSealed;
    this.#journal = new Journal(journalFile(folder));
    this.#wasDiscarded = wasDiscarded;
    this.#meta = openBinary(root, 'meta');
    const isBlank = this.#meta.getBinary(STATE_KEY) === undefined;
    this.#entries = new StoredTable(openBinary(root, 'entries'), isBlank);
    this.#rows = new StoredTable(openBinary(root, 'rows'), isBlank);
    this.#groups = new RowGroupTable(openBinary(root, 'groups'));
    this.#state = this.#readState();
  }

  /** Opens the copy in the folder, or begins an empty one. What is damaged, of another layout or of another topic is thrown away: it is only a cache. */
  static async open(folder: string, topic: string | null = null): Promise<LocalView> {
    const lmdb = await import('lmdb');
    return guarded(folder, () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const sealState = usableSeal(folder);
      if (sealState !== undefined) {
        const view = openIntact(() => new LocalView(folder, topic, openRoot(lmdb, folder), sealState === 'intact', false), sealState);
        if (view !== undefined) return view;
      }
      removeView(folder);
      return new LocalView(folder, topic, openRoot(lmdb, folder), false, true);
    });
  }

  /** A consistent copy of a folder that may be in use, for a dry run; nothing where there is nothing intact to copy. */
  static async copy(from: string, to: string): Promise<void> {
    try {
      await copyView(from, to);
    } catch (cause) {
      throw failedCopy(from, cause);
    }
  }

  get wasDiscarded(): boolean {
    return this.#wasDiscarded;
  }

  get state(): ViewState {
    return this.#state;
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

  newOrdinal(): number {
    return this.#nextOrdinal++;
  }

  apply(step: ViewStep): void {
    const state = this.#state;
    if (state.offset !== step.expected) {
      throw new HeadraceError(
        'LOCAL_COPY_FAILED',
        `The local copy in ${this.#folder} stands at offset ${state.offset}, not at ${step.expected}.`,
        {
          suggestion: 'Another process wrote to it. Run again: the copy is brought up to date from the snapshot topic.',
        },
      );
    }
    this.#change(() => {
      const counts = { confirmable: state.confirmable, quarantined: state.quarantined, entries: state.entries };
      for (const update of step.entries ?? []) this.#putEntry(update, counts);
      for (const mark of step.marks ?? []) this.#putRow(mark);
      for (const key of step.forget ?? []) this.#removeRow(key);
      return {
        ...counts,
        offset: step.next,
        appliedAtMs: step.appliedAtMs,
        control: step.control ?? state.control,
        owner: step.owner ?? state.owner,
        nonce: step.foreign === true ? newNonce() : state.nonce,
      };
    });
  }

  remember(marks: Iterable<RowMark>, relinks: Iterable<Relink>, groups: readonly RowGroup[] = []): void {
    this.#change(() => {
      for (const mark of marks) this.#putRow(mark);
      for (const { slot, ordinal } of relinks) {
        const bytes = this.#entries.find(slot);
        if (bytes === undefined) continue;
        const stored = this.#entries.put(slot, bytes.length);
        stored.set(bytes.subarray(0, bytes.length));
        stored.writeUInt32LE(ordinal, 0);
      }
      return this.#state;
    });
    if (groups.length > 0) this.#write(() => this.#groups.record(groups, this.#nextOrdinal));
  }

  *entries(): Iterable<StoredEntry & { readonly slot: Hash }> {
    this.#writePending();
    for (const { key, value } of this.#entries.stored()) {
      yield { slot: Uint8Array.from(key), ...this.#decode(value) };
    }
  }

  get rowCount(): number {
    this.#writePending();
    return this.#rows.storedCount;
  }

  *rows(): Iterable<{ readonly key: Uint8Array; readonly ordinal: number }> {
    this.#writePending();
    for (const { key, value } of this.#rows.stored()) {
      yield { key: Uint8Array.from(key), ordinal: value.readUInt32LE(0) };
    }
  }

  forgetRows(keys: Iterable<Uint8Array>): void {
    this.#change(() => {
      for (const key of keys) this.#removeRow(key);
      return this.#state;
    });
  }

  clear(): void {
    this.#entries.forgetPending();
    this.#rows.forgetPending();
    this.#write(() => {
      this.#entries.clearStored();
      this.#rows.clearStored();
      this.#groups.clear();
      this.#nextOrdinal = 0;
      this.#state = emptyState();
    });
  }

  async close(): Promise<void> {
    // What a process remembers of a copy that another has taken over is void, and nothing is lost with it.
    let isOurs = false;
    try {
      isOurs = this.#isOurs();
      if (isOurs) this.#writeLast();
    } finally {
      await this.drop();
    }
    if (isOurs && !this.#isSealed) guarded(this.#folder, () => seal(viewFile(this.#folder)));
  }

  /** Ends like a process that dies: what waits to be written is gone. */
  async drop(): Promise<void> {
    this.#isPending = false;
    await this.#root.close();
  }

  /** After a crash of the process: LMDB's own order of writing protects the file, but nothing else has looked at it since. Throws SNAPSHOT_CORRUPT. */
  verify(): void {
    let [entries, confirmable, quarantined] = [0, 0, 0];
    for (const { entry } of this.entries()) {
      entries++;
      if (mustBeConfirmed(entry.state)) confirmable++;
      if (isRefused(entry.state)) quarantined++;
    }
    const { state } = this;
    if (entries === state.entries && confirmable === state.confirmable && quarantined === state.quarantined) return;
    throw new HeadraceError('SNAPSHOT_CORRUPT', `The local copy in ${this.#folder} does not hold what it says it holds.`);
  }

  #decode(bytes: Uint8Array): StoredEntry {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return { ordinal: view.getUint32(0, true), entry: decodeEntry(bytes.subarray(4, bytes.length), `The local copy in ${this.#folder}`) };
  }

  /** Promise 1: a row's group vouches for its bytes no longer than its mark does. */
  #putRow(mark: RowMark): void {
    if (this.#groups.number > 0) {
      // The row may have had another number until now.
      const before = this.findRow(mark.key);
      if (before !== undefined) this.#groups.touch(before.ordinal);
      this.#groups.touch(mark.ordinal);
    }
    writeRow(mark, this.#rows.put(storedKey(mark.key), rowBytes(mark)));
  }

  #removeRow(key: Uint8Array): void {
    const row = this.findRow(key);
    if (row === undefined) return;
    this.#groups.touch(row.ordinal);
    this.#rows.remove(storedKey(key));
  }

  #putEntry(update: EntryUpdate, counts: { confirmable: number; quarantined: number; entries: number }): void {
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
    if (before === undefined) return this.newOrdinal();
    const { rowHash } = decodeEntry(bytes, 'The snapshot topic');
    const sameRow = rowHash !== null && before.entry.rowHash !== null && Buffer.compare(rowHash, before.entry.rowHash) === 0;
    return sameRow ? before.ordinal : this.newOrdinal();
  }

  /** All of it or nothing, in memory. */
  #change(change: () => ViewState): void {
    guarded(this.#folder, () => {
      this.#mustBeOurs();
      const [entries, rows] = [this.#entries.pendingBytes, this.#rows.pendingBytes];
      try {
        this.#state = change();
      } catch (error) {
        this.#entries.rollBack(entries);
        this.#rows.rollBack(rows);
        throw error;
      }
      this.#isPending = true;
    });
    if (this.#pendingBytes > MAX_PENDING_BYTES || this.#entries.isFull || this.#rows.isFull) this.#writePending();
  }

  get #pendingBytes(): number {
    return this.#entries.pendingBytes + this.#rows.pendingBytes;
  }

  /** What could be looked up. The state can wait. */
  #writePending(): void {
    if (this.#pendingBytes > 0) this.#write(() => undefined);
  }

  #writeLast(): void {
    if (!this.#isPending) return;
    const stored = this.#persisted;
    if (this.#isSealed && stored !== undefined && this.#pendingBytes <= MAX_JOURNAL_BYTES) this.#writeJournal(stored);
    else this.#write(() => undefined);
  }

  #writeJournal(stored: Uint8Array): void {
    guarded(this.#folder, () =>
      this.#journal.write(stored, {
        state: this.#encodeState(),
        entries: this.#entries.pendingRecords,
        rows: this.#rows.pendingRecords,
        touched: this.#groups.touched,
      }),
    );
  }

  /** One transaction of LMDB: what waits to be written, what else there is, and the state that both lead to. */
  #write(more: () => void): void {
    guarded(this.#folder, () => {
      if (this.#isSealed) breakSeal(viewFile(this.#folder));
      this.#isSealed = false;
      this.#root.transactionSync(() => {
        this.#mustBeOurs();
        this.#entries.writePending();
        this.#rows.writePending();
        more();
        this.#groups.flush();
        this.#persisted = this.#encodeState();
        this.#meta.putSync(STATE_KEY, this.#persisted);
      });
      this.#entries.forgetPending();
      this.#rows.forgetPending();
      this.#journal.discard();
      this.#isPending = false;
    });
  }

  #encodeState(): Buffer {
    return encodeState(this.#state, { topic: this.#topic, nextOrdinal: this.#nextOrdinal, groupNumber: this.#groups.number });
  }

  /** Promise 2: on a shared volume a process that was stopped may wake up after another has taken the folder over: what it remembers of the copy is void then. */
  #mustBeOurs(): void {
    if (this.#isOurs()) return;
    throw new HeadraceError('LOCAL_COPY_FAILED', `Another process wrote to the local copy in ${this.#folder} meanwhile.`, {
      suggestion: 'Run again: the copy is brought up to date from the snapshot topic.',
    });
  }

  #isOurs(): boolean {
    // Not what a read that began earlier in this turn of the event loop would see.
    this.#root.resetReadTxn();
    const found = this.#meta.getBinary(STATE_KEY);
    const isSame = found === undefined ? this.#persisted === undefined : this.#persisted?.equals(found) === true;
    return isSame && this.#journal.isOurs();
  }

  #readState(): ViewState {
    const bytes = this.#meta.getBinary(STATE_KEY);
    if (bytes === undefined) return emptyState();
    this.#persisted = Buffer.from(bytes);
    const journaled = this.#journal.read(this.#persisted);
    const { layout, topic, nextOrdinal, groupNumber, stamp: _, ...state } = decodeState(journaled?.state ?? this.#persisted);
    if (layout !== LAYOUT || topic !== this.#topic) {
      this.#wasDiscarded ||= layout === LAYOUT;
      this.clear();
      return this.#state;
    }
    this.#nextOrdinal = nextOrdinal;
    this.#groups.number = groupNumber;
    if (journaled !== undefined) this.#wait(journaled);
    return state;
  }

  /** What the journal holds waits to be written, as it did when the copy was closed. */
  #wait({ entries, rows, touched }: Journaled): void {
    this.#entries.loadPending(entries);
    this.#rows.loadPending(rows);
    for (const row of touched) this.#groups.touch(row);
  }
}

function storedKey(key: Uint8Array): Uint8Array {
  if (key.length <= MAX_KEY) return key;
  return Buffer.concat([Buffer.of(LONG_KEY), createHash('sha256').update(key).digest()]);
}

/** Undefined where the file turns out to be damaged. Other failures (permissions, a full disk) are the caller's. */
function openIntact(open: () => LocalView, sealState: SealState): LocalView | undefined {
  try {
    const view = open();
    if (sealState === 'open') view.verify();
    return view;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}
