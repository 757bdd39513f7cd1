import { randomBytes } from 'node:crypto';
import type { RowMark, RowVerdict } from '../../core/change.ts';
import type { Hash } from '../../core/entry.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { KnownRow } from '../../core/row.ts';
import type { StoredViewState, TableEntry, ViewCounts, ViewTables, ViewWrite } from '../../core/view-tables.ts';
import { decodeEntry } from '../changelog.ts';
import { equalHash } from '../diff.ts';
import type { EntryUpdate, PlacedEntry, Relink, RemoteView, RowRef, SnapshotView, StoredEntry, ViewState, ViewStep } from '../view.ts';
import { PendingWrites, textOf } from './pending-writes.ts';

/** What waits to be written before it is. */
const MAX_PENDING_BYTES = 32 * 1024 * 1024;

/** What the tables keep of a view beside its counts and its offset, as JSON. */
interface OwnState extends Pick<ViewState, 'control' | 'owner' | 'nonce' | 'appliedAtMs'> {
  readonly nextOrdinal: number;
  readonly keySalt: string;
  readonly comparedSalt: string | null;
}

/**
 * The view as tables in the warehouse, beside the model. It has at hand only what was looked up (`load…`) and what waits to be written (`persist`): the rest is asked for
 * by the page. Whoever writes must find the stamp of what it read last: the tables belong to whoever wrote to them last, and to nobody else.
 */
export class WarehouseView implements SnapshotView, RemoteView {
  readonly #tables: ViewTables;
  readonly #topic: string;
  readonly #isDry: boolean;
  readonly #pending = new PendingWrites();
  /** Looked up: by slot; null for an entry that is not there. */
  readonly #entries = new Map<string, TableEntry | null>();
  /** Looked up: by handle. */
  readonly #rows = new Map<string, KnownRow>();
  #state: ViewState = blankState();
  #rowCount = 0;
  #own = blankOwn();
  /** Of what this process read or wrote last; null where nothing is stored. */
  #stamp: string | null = null;
  #hasChanged = false;
  #wasDiscarded = false;
  #isPrepared = false;

  private constructor(tables: ViewTables, topic: string, isDry: boolean) {
    this.#tables = tables;
    this.#topic = topic;
    this.#isDry = isDry;
  }

  /** Reads where the tables stand; what is damaged or of another topic begins anew. `dry`: nothing is ever written. Throws WAREHOUSE_… */
  static async open(tables: ViewTables, topic: string, dry = false): Promise<WarehouseView> {
    const view = new WarehouseView(tables, topic, dry);
    try {
      await view.refresh();
    } catch (error) {
      await tables.close();
      throw error;
    }
    return view;
  }

  get remote(): RemoteView {
    return this;
  }

  get state(): ViewState {
    return this.#state;
  }

  get wasDiscarded(): boolean {
    return this.#wasDiscarded;
  }

  get address(): string {
    return this.#tables.address;
  }

  get keySalt(): string {
    return this.#own.keySalt;
  }

  get comparedSalt(): string | null {
    return this.#own.comparedSalt;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  async refresh(): Promise<void> {
    if (!this.#isDry && !this.#isPrepared) await this.#tables.prepare();
    this.#isPrepared = true;
    const stored = await this.#tables.readState();
    this.#pending.clear();
    this.#forgetLoaded();
    this.#hasChanged = false;
    this.#stamp = stored?.stamp ?? null;
    const isOurs = stored?.isIntact === true && stored.topic === this.#topic;
    this.#wasDiscarded ||= stored !== undefined && !isOurs;
    // Whatever lies in the tables without a state that speaks of it, goes with the first write.
    if (isOurs) this.#take(stored);
    else this.clear();
  }

  findRow(handle: Uint8Array): RowRef | undefined {
    const text = textOf(handle);
    const waiting = this.#pending.rows.get(text);
    if (waiting === null) return undefined;
    const row = waiting ?? this.#rows.get(text);
    return row === undefined ? undefined : new FoundRow(row);
  }

  findEntry(slot: Hash): StoredEntry | undefined {
    const text = textOf(slot);
    const waiting = this.#pending.entries.get(text);
    if (waiting !== undefined) {
      if (waiting.bytes === null) return undefined;
      return { ordinal: waiting.ordinal ?? waiting.newOrdinal, entry: decodeEntry(waiting.bytes, this.address) };
    }
    const found = this.#entries.get(text);
    // Promise 2: what was not looked up is not taken for what is not there.
    if (found === undefined) throw new Error('an entry was asked for that was not looked up');
    return found === null ? undefined : this.#decoded(found);
  }

  findGroup(): undefined {
    return undefined;
  }

  newOrdinal(): number {
    const { nextOrdinal } = this.#own;
    this.#own = { ...this.#own, nextOrdinal: nextOrdinal + 1 };
    return nextOrdinal;
  }

  apply(step: ViewStep): void {
    const state = this.#state;
    if (state.offset !== step.expected) throw elsewhere(this.address, `stands at offset ${state.offset}, not at ${step.expected}`);
    for (const update of step.entries ?? []) this.#putEntry(update);
    for (const mark of step.marks ?? []) this.#pending.putRow(mark);
    this.#state = {
      ...state,
      offset: step.next,
      appliedAtMs: step.appliedAtMs,
      control: step.control ?? state.control,
      owner: step.owner ?? state.owner,
      // Promise 1: A → B published by somebody else, B → A since: what was read before vouches for nothing.
      nonce: step.foreign === true ? newSecret() : state.nonce,
    };
    this.#hasChanged = true;
  }

  remember(marks: Iterable<RowMark>, relinks: Iterable<Relink>): void {
    // Of a dry run only what tells a second row of a key: nobody comes back to the rest.
    for (const mark of marks) if (!this.#isDry || mark.raw === null) this.#pending.putRow(mark);
    for (const { slot, ordinal } of relinks) this.#pending.relink(slot, ordinal);
  }

  forgetRows(handles: Iterable<Uint8Array>): void {
    if (this.#isDry) return;
    for (const handle of handles) this.#pending.forgetRow(handle);
  }

  /** Of what is at hand. */
  *entries(): Iterable<PlacedEntry> {
    for (const found of this.#entries.values()) if (found !== null) yield this.#placed(found);
  }

  *rows(): Iterable<{ readonly key: Uint8Array; readonly ordinal: number }> {
    for (const { handle, ordinal } of this.#rows.values()) yield { key: handle, ordinal };
  }

  clear(): void {
    this.#pending.clear();
    this.#pending.isCleared = true;
    this.#forgetLoaded();
    this.#state = blankState();
    this.#own = blankOwn();
    this.#rowCount = 0;
  }

  async loadEntries(slots: Iterable<Hash>, certain: readonly Hash[] = []): Promise<void> {
    const wanted = new Map<string, Hash>();
    for (const slot of slots) {
      const text = textOf(slot);
      if (!this.#entries.has(text) && !this.#pending.entries.has(text)) wanted.set(text, slot);
    }
    if (wanted.size === 0) return;
    // What is about to go first is not looked at.
    if (!this.#pending.isCleared) this.#keep(await this.#tables.findEntries([...wanted.values()]));
    for (const text of wanted.keys()) if (!this.#entries.has(text)) this.#entries.set(text, null);
    // Promise 2: an entry that somebody has deleted by hand would be published as version 1 again.
    if (certain.every((slot) => this.findEntry(slot) !== undefined)) return;
    throw new HeadraceError('LOCAL_COPY_FAILED', `The view in ${this.address} does not hold what it says it holds.`, {
      suggestion: 'It is only a cache: `headrace state rebuild <mapping>` makes it anew from the snapshot topic. Nothing was published.',
    });
  }

  async loadRows(handles: readonly Uint8Array[]): Promise<void> {
    if (this.#rowCount === 0 || this.#pending.isCleared) return;
    const wanted = handles.filter((handle) => !this.#pending.rows.has(textOf(handle)));
    if (wanted.length > 0) for (const row of await this.#tables.findRows(wanted)) this.#rows.set(textOf(row.handle), row);
  }

  holderOf(slot: Hash): RowVerdict | null {
    return this.#entries.get(textOf(slot))?.row ?? null;
  }

  async entriesAt(ordinals: readonly number[]): Promise<readonly PlacedEntry[]> {
    return (await this.#tables.findByOrdinal(ordinals)).map((found) => this.#placed(found));
  }

  async *confirmable(which: 'all' | 'without a row'): AsyncIterable<readonly Pick<PlacedEntry, 'slot' | 'ordinal'>[]> {
    for await (const page of this.#tables.confirmable(which))
      yield page.map(({ slot, ordinal }) => ({ slot, ordinal: this.#pending.relinkedTo(slot) ?? ordinal }));
  }

  async *allEntries(): AsyncIterable<readonly PlacedEntry[]> {
    for await (const page of this.#tables.entries()) yield page.map((found) => this.#placed(found));
  }

  releaseLoaded(): void {
    this.#forgetLoaded();
  }

  async settle(): Promise<void> {
    if (!this.#isDry && this.#pending.bytes > MAX_PENDING_BYTES) await this.persist();
  }

  async persist(): Promise<void> {
    if (this.#isDry || (!this.#hasChanged && this.#pending.isEmpty)) return;
    const stamp = newSecret();
    const pending = this.#pending;
    const written = pending.entries.size + pending.rows.size;
    const isFilled = pending.isCleared || this.#state.entries + this.#rowCount < written;
    // A lease may be renewed meanwhile: that waits for the next time.
    this.#hasChanged = false;
    const counts = await this.#write({
      expected: this.#stamp,
      stamp,
      offset: this.#state.offset,
      state: this.#encodeState(),
      clear: pending.isCleared,
      entries: [...pending.entries.values()],
      relinks: pending.relinks,
      rows: pending.marks,
      forget: pending.forgotten,
    });
    if (counts === undefined) throw elsewhere(this.address, 'was written to by another process');
    this.#stamp = stamp;
    const { rows, ...entries } = counts;
    this.#state = { ...this.#state, ...entries };
    this.#rowCount = rows;
    pending.clear();
    this.#forgetLoaded();
    if (isFilled && written > 1_000) await this.#tables.analyze();
  }

  compared(salt: string): void {
    if (this.#own.comparedSalt === salt) return;
    this.#own = { ...this.#own, comparedSalt: salt };
    this.#hasChanged = true;
  }

  async isUnmoved(): Promise<boolean> {
    return ((await this.#tables.readState())?.stamp ?? null) === this.#stamp;
  }

  /** What waits is gone: it is read from the topic again. */
  async close(): Promise<void> {
    await this.#tables.close();
  }

  async #write(write: ViewWrite): Promise<ViewCounts | undefined> {
    try {
      return await this.#tables.write(write);
    } catch (error) {
      this.#hasChanged = true;
      throw error;
    }
  }

  #putEntry({ slot, bytes, ordinal }: EntryUpdate): void {
    const newOrdinal = ordinal ?? this.newOrdinal();
    const entry = bytes === null ? undefined : decodeEntry(bytes, this.#topic);
    this.#pending.putEntry({
      slot,
      bytes,
      state: entry?.state ?? 'deleted',
      rowHash: entry?.rowHash ?? null,
      ordinal: ordinal ?? null,
      newOrdinal,
    });
  }

  #keep(found: readonly TableEntry[]): void {
    for (const entry of found) {
      const text = textOf(entry.slot);
      if (!this.#pending.entries.has(text)) this.#entries.set(text, entry);
    }
  }

  #placed(found: TableEntry): PlacedEntry {
    return { slot: found.slot, ...this.#decoded(found) };
  }

  #decoded({ slot, ordinal, bytes }: TableEntry): StoredEntry {
    return { ordinal: this.#pending.relinkedTo(slot) ?? ordinal, entry: decodeEntry(bytes, this.address) };
  }

  #forgetLoaded(): void {
    this.#entries.clear();
    this.#rows.clear();
  }

  #take({ offset, counts, state }: StoredViewState): void {
    const { control, owner, nonce, appliedAtMs, ...own } = JSON.parse(state) as OwnState;
    const { rows, ...entries } = counts;
    this.#state = { offset, control, owner, nonce, appliedAtMs, ...entries };
    this.#rowCount = rows;
    this.#own = { ...own };
  }

  #encodeState(): string {
    const { control, owner, nonce, appliedAtMs } = this.#state;
    const state: OwnState = { control, owner, nonce, appliedAtMs, ...this.#own };
    return JSON.stringify(state);
  }
}

class FoundRow implements RowRef {
  readonly ordinal: number;
  readonly verdict: RowRef['verdict'];
  readonly slot: Hash | null;
  readonly #raw: Hash | null;

  constructor({ ordinal, verdict, slot, raw }: Pick<KnownRow, 'ordinal' | 'verdict' | 'slot' | 'raw'>) {
    this.ordinal = ordinal;
    this.verdict = verdict;
    this.slot = slot;
    this.#raw = raw;
  }

  get hasRaw(): boolean {
    return this.#raw !== null;
  }

  rawEquals(raw: Hash): boolean {
    return this.#raw !== null && equalHash(this.#raw, raw);
  }
}

function elsewhere(address: string, what: string): HeadraceError {
  return new HeadraceError('LOCAL_COPY_FAILED', `The view in ${address} ${what}.`, {
    suggestion: 'Another process wrote to it. Run again: the view is brought up to date from the snapshot topic.',
  });
}

function blankState(): ViewState {
  return { offset: 0, control: null, owner: null, nonce: newSecret(), confirmable: 0, quarantined: 0, entries: 0, appliedAtMs: 0 };
}

function blankOwn(): Pick<OwnState, 'nextOrdinal' | 'keySalt' | 'comparedSalt'> {
  return { nextOrdinal: 0, keySalt: newSecret(), comparedSalt: null };
}

function newSecret(): string {
  return randomBytes(16).toString('hex');
}
