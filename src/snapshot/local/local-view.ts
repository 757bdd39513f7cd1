import { createHash, randomBytes } from 'node:crypto';
import { constants, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import type { RowMark } from '../../core/change.ts';
import { type Hash, mustBeConfirmed } from '../../core/entry.ts';
import { HeadraceError } from '../../core/errors.ts';
import { decodeEntry, stateOfEntry } from '../changelog.ts';
import type { EntryUpdate, Relink, RowRef, SnapshotView, StoredEntry, ViewState, ViewStep } from '../view.ts';
import { isReadable } from './probe.ts';
import { encodeRow, StoredRow } from './row-record.ts';
import { breakSeal, inspectSeal, type SealState, seal } from './seal.ts';

const FILE = 'view.mdb';
const DATABASES = ['meta', 'entries', 'rows'] as const;
const STATE_KEY = Buffer.from('state');
/** LMDB takes keys up to 1978 bytes; a longer model key is kept under its digest, behind a byte that no UTF-8 text begins with. */
const MAX_KEY = 1900;
const LONG_KEY = 0xff;
const LAYOUT = 2;

interface PersistedState extends ViewState {
  readonly layout: number;
  /** The snapshot topic that this is a view of; null where nobody said. */
  readonly topic: string | null;
  readonly nextOrdinal: number;
}

/** The view as an LMDB environment in a folder of the mapping's own: sub-databases `entries`, `rows` and `meta`. */
export class LocalView implements SnapshotView {
  readonly #root: RootDatabase;
  readonly #meta: Database;
  readonly #entries: Database;
  readonly #rows: Database;
  readonly #folder: string;
  readonly #row = new StoredRow();
  #state: ViewState;
  #nextOrdinal = 0;
  /** The state as this process last read or wrote it. */
  #persisted: Buffer | undefined;
  #scratch: Buffer = Buffer.allocUnsafeSlow(4096);
  #hasWritten = false;
  readonly #topic: string | null;
  #wasDiscarded: boolean;

  private constructor(folder: string, topic: string | null, root: RootDatabase, wasDiscarded: boolean) {
    this.#folder = folder;
    this.#topic = topic;
    this.#root = root;
    this.#wasDiscarded = wasDiscarded;
    this.#meta = openBinary(root, 'meta');
    this.#entries = openBinary(root, 'entries');
    this.#rows = openBinary(root, 'rows');
    this.#state = this.#readState();
  }

  /** Opens the copy in the folder, or begins an empty one. What is damaged, of another layout or of another topic is thrown away: it is only a cache. */
  static async open(folder: string, topic: string | null = null): Promise<LocalView> {
    const lmdb = await import('lmdb');
    return guarded(folder, () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const file = path.join(folder, FILE);
      const sealState = inspectSeal(file);
      if (sealState !== 'broken' && (sealState !== 'open' || isReadable(file, DATABASES))) {
        const view = openIntact(() => new LocalView(folder, topic, openRoot(lmdb, file), false), sealState);
        if (view !== undefined) return view;
      }
      for (const name of [FILE, `${FILE}-lock`, `${FILE}.seal`]) rmSync(path.join(folder, name), { force: true });
      return new LocalView(folder, topic, openRoot(lmdb, file), true);
    });
  }

  /** A consistent copy of a folder that may be in use, for a dry run; nothing where there is nothing intact to copy. */
  static async copy(from: string, to: string): Promise<void> {
    try {
      await copyView(path.join(from, FILE), path.join(to, FILE));
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
    const bytes = this.#rows.getBinaryFast(storedKey(key) as Buffer);
    if (bytes === undefined) return undefined;
    this.#row.load(bytes);
    return this.#row;
  }

  findEntry(slot: Hash): StoredEntry | undefined {
    const bytes = this.#entries.getBinaryFast(slot as Buffer);
    return bytes === undefined ? undefined : this.#decode(bytes);
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
    this.#write(() => {
      const counts = { confirmable: state.confirmable, quarantined: state.quarantined, entries: state.entries };
      for (const update of sortedBySlot(step.entries ?? [])) this.#putEntry(update, counts);
      for (const mark of step.marks ?? []) this.#rows.putSync(storedKey(mark.key) as Buffer, encodeRow(mark));
      for (const key of step.forget ?? []) this.#rows.removeSync(storedKey(key) as Buffer);
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

  remember(marks: Iterable<RowMark>, relinks: Iterable<Relink>): void {
    this.#write(() => {
      for (const mark of marks) this.#rows.putSync(storedKey(mark.key) as Buffer, encodeRow(mark));
      for (const { slot, ordinal } of relinks) {
        const bytes = this.#entries.getBinary(slot as Buffer);
        if (bytes === undefined) continue;
        const copy = Buffer.from(bytes);
        copy.writeUInt32LE(ordinal, 0);
        this.#entries.putSync(slot as Buffer, copy);
      }
      return this.#state;
    });
  }

  *entries(): Iterable<StoredEntry & { readonly slot: Hash }> {
    for (const { key, value } of this.#entries.getRange({ snapshot: true })) {
      yield { slot: Uint8Array.from(key as Buffer), ...this.#decode(value as Buffer) };
    }
  }

  get rowCount(): number {
    return (this.#rows.getStats() as { entryCount: number }).entryCount;
  }

  *rows(): Iterable<{ readonly key: Uint8Array; readonly ordinal: number }> {
    for (const { key, value } of this.#rows.getRange({ snapshot: true })) {
      yield { key: Uint8Array.from(key as Buffer), ordinal: (value as Buffer).readUInt32LE(0) };
    }
  }

  forgetRows(keys: Iterable<Uint8Array>): void {
    this.#write(() => {
      for (const key of keys) this.#rows.removeSync(storedKey(key) as Buffer);
      return this.#state;
    });
  }

  clear(): void {
    this.#write(() => {
      this.#entries.clearSync();
      this.#rows.clearSync();
      this.#nextOrdinal = 0;
      return emptyState();
    });
  }

  async close(): Promise<void> {
    await this.#root.close();
    if (this.#hasWritten) guarded(this.#folder, () => seal(path.join(this.#folder, FILE)));
  }

  /** After a crash of the process: LMDB's own order of writing protects the file, but nothing else has looked at it since. Throws SNAPSHOT_CORRUPT. */
  verify(): void {
    let [entries, confirmable, quarantined] = [0, 0, 0];
    for (const { entry } of this.entries()) {
      entries++;
      if (mustBeConfirmed(entry.state)) confirmable++;
      if (entry.state === 'quarantined') quarantined++;
    }
    const { state } = this;
    if (entries === state.entries && confirmable === state.confirmable && quarantined === state.quarantined) return;
    throw new HeadraceError('SNAPSHOT_CORRUPT', `The local copy in ${this.#folder} does not hold what it says it holds.`);
  }

  #decode(bytes: Uint8Array): StoredEntry {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return { ordinal: view.getUint32(0, true), entry: decodeEntry(bytes.subarray(4, bytes.length), `The local copy in ${this.#folder}`) };
  }

  #putEntry(update: EntryUpdate, counts: { confirmable: number; quarantined: number; entries: number }): void {
    const slot = update.slot as Buffer;
    const before = update.isNew === true ? undefined : this.findEntry(slot);
    if (before !== undefined) {
      counts.entries--;
      if (mustBeConfirmed(before.entry.state)) counts.confirmable--;
      if (before.entry.state === 'quarantined') counts.quarantined--;
    }
    if (update.bytes === null) {
      this.#entries.removeSync(slot);
      return;
    }
    const state = stateOfEntry(update.bytes);
    counts.entries++;
    if (mustBeConfirmed(state)) counts.confirmable++;
    if (state === 'quarantined') counts.quarantined++;
    const ordinal = update.ordinal ?? this.#ordinalOf(update.bytes, before);
    this.#entries.putSync(slot, this.#numbered(ordinal, update.bytes));
  }

  /** The stored form of an entry, valid until the next call: a put within a transaction copies it at once. */
  #numbered(ordinal: number, bytes: Uint8Array): Buffer {
    const length = 4 + bytes.length;
    if (this.#scratch.length < length) this.#scratch = Buffer.allocUnsafeSlow(2 * length);
    this.#scratch.writeUInt32LE(ordinal, 0);
    this.#scratch.set(bytes, 4);
    return this.#scratch.subarray(0, length);
  }

  #ordinalOf(bytes: Uint8Array, before: StoredEntry | undefined): number {
    if (before === undefined) return this.newOrdinal();
    const { rowHash } = decodeEntry(bytes, 'The snapshot topic');
    const sameRow = rowHash !== null && before.entry.rowHash !== null && Buffer.compare(rowHash, before.entry.rowHash) === 0;
    return sameRow ? before.ordinal : this.newOrdinal();
  }

  #write(change: () => ViewState): void {
    guarded(this.#folder, () => {
      if (!this.#hasWritten) breakSeal(path.join(this.#folder, FILE));
      this.#hasWritten = true;
      this.#state = this.#root.transactionSync(() => {
        this.#mustBeOurs();
        const after = change();
        const persisted: PersistedState = { ...after, layout: LAYOUT, topic: this.#topic, nextOrdinal: this.#nextOrdinal };
        this.#persisted = Buffer.from(JSON.stringify(persisted));
        this.#meta.putSync(STATE_KEY, this.#persisted);
        return after;
      });
    });
  }

  /** Promise 2: on a shared volume a process that was stopped may wake up after another has taken the folder over: what it remembers of the copy is void then. */
  #mustBeOurs(): void {
    const found = this.#meta.getBinary(STATE_KEY);
    if (found === undefined ? this.#persisted === undefined : this.#persisted?.equals(found)) return;
    throw new HeadraceError('LOCAL_COPY_FAILED', `Another process wrote to the local copy in ${this.#folder} meanwhile.`, {
      suggestion: 'Run again: the copy is brought up to date from the snapshot topic.',
    });
  }

  #readState(): ViewState {
    const bytes = this.#meta.getBinary(STATE_KEY);
    if (bytes === undefined) return emptyState();
    this.#persisted = Buffer.from(bytes);
    const { layout, topic, nextOrdinal, ...state } = JSON.parse(Buffer.from(bytes).toString('utf8')) as PersistedState;
    if (layout !== LAYOUT || topic !== this.#topic) {
      this.#wasDiscarded ||= layout === LAYOUT;
      this.clear();
      return emptyState();
    }
    this.#nextOrdinal = nextOrdinal;
    return state;
  }
}

const MAX_SORTED = 2 ** 21;

/**
 * LMDB is several times faster when keys come in its order; nothing but speed depends on it. Slots are hashes: their first four bytes order them well enough, and
 * numbers (those bytes, then the place) are sorted many times faster than buffers are compared.
 */
function sortedBySlot(updates: readonly EntryUpdate[]): readonly EntryUpdate[] {
  if (updates.length < 2 || updates.length > MAX_SORTED) return updates;
  const order = new Float64Array(updates.length);
  for (let i = 0; i < updates.length; i++) {
    const { slot } = updates[i]!;
    order[i] = (((slot[0]! << 24) | (slot[1]! << 16) | (slot[2]! << 8) | slot[3]!) >>> 0) * MAX_SORTED + i;
  }
  return Array.from(order.sort(), (number) => updates[number % MAX_SORTED]!);
}

function storedKey(key: Uint8Array): Uint8Array {
  if (key.length <= MAX_KEY) return key;
  return Buffer.concat([Buffer.of(LONG_KEY), createHash('sha256').update(key).digest()]);
}

function openRoot(lmdb: typeof import('lmdb'), file: string): RootDatabase {
  return lmdb.open({ path: file, maxDbs: 4, compression: false, encoding: 'binary', keyEncoding: 'binary' });
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

function isDamage(error: unknown): boolean {
  if (error instanceof HeadraceError) return error.code === 'SNAPSHOT_CORRUPT';
  if (error instanceof SyntaxError || error instanceof RangeError) return true;
  return error instanceof Error && /MDB_(INVALID|CORRUPTED|PAGE_NOTFOUND|VERSION_MISMATCH|PANIC|BAD_)/.test(error.message);
}

function openBinary(root: RootDatabase, name: string): Database {
  return root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' });
}

function emptyState(): ViewState {
  return {
    offset: 0,
    control: null,
    owner: null,
    nonce: newNonce(),
    confirmable: 0,
    quarantined: 0,
    entries: 0,
    appliedAtMs: 0,
  };
}

function newNonce(): string {
  return randomBytes(16).toString('hex');
}

async function copyView(source: string, target: string): Promise<void> {
  const sealState = inspectSeal(source);
  if (sealState === 'absent' || sealState === 'broken') return;
  mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
  if (sealState === 'intact') {
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
    // Had a run begun to write meanwhile, the copy would be torn.
    if (inspectSeal(source) === 'intact') return seal(target);
  }
  const root = openRoot(await import('lmdb'), source);
  await root.backup(target, false);
  await root.close();
}

function guarded<T>(folder: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw failedCopy(folder, cause);
  }
}

function failedCopy(folder: string, cause: unknown): HeadraceError {
  if (cause instanceof HeadraceError) return cause;
  return new HeadraceError(
    'LOCAL_COPY_FAILED',
    `The local copy in ${folder} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      suggestion:
        'Check the free space and the permissions of the folder. It is only a cache: deleting it is safe, the next run rebuilds it from Kafka.',
      cause,
    },
  );
}
