import { mkdirSync } from 'node:fs';
import type { Database, RootDatabase } from 'lmdb';
import type { RowMark } from '../../core/change.ts';
import { type Hash, isRefused, mustBeConfirmed } from '../../core/entry.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Relink, RowGroup, RowRef, SnapshotView, StoredEntry, ViewState, ViewStep } from '../view.ts';
import { failedCopy, guarded, isDamage } from './failures.ts';
import { Journal } from './journal.ts';
import { decodeState, emptyState, encodeState, LAYOUT, newNonce } from './persisted-state.ts';
import { breakSeal, type SealState, seal } from './seal.ts';
import { copyView, journalFile, openBinary, openRoot, removeView, usableSeal, viewFile } from './view-files.ts';
import { ViewTables } from './view-tables.ts';

const STATE_KEY = Buffer.from('state');
/** What is applied is written once it comes to so many bytes. */
const MAX_PENDING_BYTES = 24 * 1024 * 1024;
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
  readonly #tables: ViewTables;
  readonly #folder: string;
  #state: ViewState;
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
    this.#tables = new ViewTables(root, folder, this.#meta.getBinary(STATE_KEY) === undefined);
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
    return this.#tables.findRow(key);
  }

  findEntry(slot: Hash): StoredEntry | undefined {
    return this.#tables.findEntry(slot);
  }

  findGroup(print: Hash): RowGroup | undefined {
    return this.#tables.findGroup(print);
  }

  newOrdinal(): number {
    return this.#tables.nextOrdinal++;
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
      for (const update of step.entries ?? []) this.#tables.putEntry(update, counts);
      for (const mark of step.marks ?? []) this.#tables.putRow(mark);
      for (const key of step.forget ?? []) this.#tables.removeRow(key);
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
      for (const mark of marks) this.#tables.putRow(mark);
      for (const relink of relinks) this.#tables.relink(relink);
      return this.#state;
    });
    if (groups.length > 0) this.#write(() => this.#tables.recordGroups(groups));
  }

  *entries(): Iterable<StoredEntry & { readonly slot: Hash }> {
    this.#writePending();
    yield* this.#tables.entries();
  }

  get rowCount(): number {
    this.#writePending();
    return this.#tables.rowCount;
  }

  *rows(): Iterable<{ readonly key: Uint8Array; readonly ordinal: number }> {
    this.#writePending();
    yield* this.#tables.rows();
  }

  forgetRows(keys: Iterable<Uint8Array>): void {
    this.#change(() => {
      for (const key of keys) this.#tables.removeRow(key);
      return this.#state;
    });
  }

  clear(): void {
    this.#tables.forgetPending();
    this.#write(() => {
      this.#tables.clear();
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

  /** All of it or nothing, in memory. */
  #change(change: () => ViewState): void {
    guarded(this.#folder, () => {
      this.#mustBeOurs();
      const rollBack = this.#tables.savepoint();
      try {
        this.#state = change();
      } catch (error) {
        rollBack();
        throw error;
      }
      this.#isPending = true;
    });
    if (this.#tables.pendingBytes > MAX_PENDING_BYTES || this.#tables.isFull) this.#writePending();
  }

  /** What could be looked up. The state can wait. */
  #writePending(): void {
    if (this.#tables.pendingBytes > 0) this.#write(() => undefined);
  }

  #writeLast(): void {
    if (!this.#isPending) return;
    const stored = this.#persisted;
    if (this.#isSealed && stored !== undefined && this.#tables.pendingBytes <= MAX_JOURNAL_BYTES) this.#writeJournal(stored);
    else this.#write(() => undefined);
  }

  #writeJournal(stored: Uint8Array): void {
    guarded(this.#folder, () => this.#journal.write(stored, { state: this.#encodeState(), ...this.#tables.waiting }));
  }

  /** One transaction of LMDB: what waits to be written, what else there is, and the state that both lead to. */
  #write(more: () => void): void {
    guarded(this.#folder, () => {
      if (this.#isSealed) breakSeal(viewFile(this.#folder));
      this.#isSealed = false;
      this.#root.transactionSync(() => {
        this.#mustBeOurs();
        this.#tables.writePending();
        more();
        this.#tables.flushGroups();
        this.#persisted = this.#encodeState();
        this.#meta.putSync(STATE_KEY, this.#persisted);
      });
      this.#tables.forgetPending();
      this.#journal.discard();
      this.#isPending = false;
    });
  }

  #encodeState(): Buffer {
    return encodeState(this.#state, { topic: this.#topic, nextOrdinal: this.#tables.nextOrdinal, groupNumber: this.#tables.groupNumber });
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
    this.#tables.nextOrdinal = nextOrdinal;
    this.#tables.groupNumber = groupNumber;
    if (journaled !== undefined) this.#tables.wait(journaled);
    return state;
  }
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
