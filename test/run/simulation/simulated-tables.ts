import { createHash } from 'node:crypto';
import { isRefused, mustBeConfirmed } from '../../../src/core/entry.ts';
import { HeadraceError } from '../../../src/core/errors.ts';
import type { ComparedRows, KnownRow } from '../../../src/core/row.ts';
import type { StoredViewState, TableEntry, TableEntryUpdate, ViewCounts, ViewTables, ViewWrite } from '../../../src/core/view-tables.ts';
import type { ComparedScan, ComparedScanRequest } from '../../../src/warehouse/warehouse.ts';
import type { SourceRow } from './source-table.ts';
import { batchOf, COLUMNS } from './source-table.ts';

/** What an outside world makes of a call: it may be lost, come late, or never be answered. */
export type Call = <T>(label: string, act: () => T) => Promise<T>;

type StoredEntry = TableEntryUpdate & { readonly ordinal: number };

/** The tables of one view, in memory, shared by all hosts. It passes the conformance suite of views. */
export class TableStore {
  entries = new Map<string, StoredEntry>();
  rows = new Map<string, KnownRow>();
  state: Pick<StoredViewState, 'stamp' | 'offset' | 'state' | 'topic'> | undefined;

  get counts(): ViewCounts {
    const states = [...this.entries.values()].map(({ state }) => state);
    return {
      entries: states.length,
      confirmable: states.filter(mustBeConfirmed).length,
      quarantined: states.filter(isRefused).length,
      rows: this.rows.size,
    };
  }

  copy(): TableStore {
    return Object.assign(new TableStore(), { entries: new Map(this.entries), rows: new Map(this.rows), state: this.state });
  }
}

export class SimulatedTables implements ViewTables {
  readonly address = 'a simulated warehouse';
  readonly #store: () => TableStore;
  readonly #call: Call;
  readonly #topic: string;

  constructor(store: () => TableStore, call: Call, topic: string) {
    this.#store = store;
    this.#call = call;
    this.#topic = topic;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  readState(): Promise<StoredViewState | undefined> {
    return this.#call('view: read state', () => {
      const { state, counts } = this.#store();
      return state === undefined ? undefined : { ...state, counts, isIntact: true };
    });
  }

  write(write: ViewWrite): Promise<ViewCounts | undefined> {
    return this.#call('view: write', () => {
      const store = this.#store();
      if ((store.state?.stamp ?? null) !== write.expected) return undefined;
      if (write.clear) {
        store.entries.clear();
        store.rows.clear();
      }
      for (const update of write.entries) putEntry(store, update);
      for (const { slot, ordinal } of write.relinks) {
        const found = store.entries.get(hex(slot));
        if (found !== undefined) store.entries.set(hex(slot), { ...found, ordinal });
      }
      for (const handle of write.forget) store.rows.delete(hex(handle));
      for (const { handle, ordinal, verdict, raw, slot } of write.rows) {
        if (handle === undefined) throw new Error('a row without a handle');
        store.rows.set(hex(handle), { handle, ordinal, verdict, raw, slot });
      }
      store.state = { stamp: write.stamp, offset: write.offset, state: write.state, topic: this.#topic };
      return store.counts;
    });
  }

  findEntries(slots: readonly Uint8Array[]): Promise<readonly TableEntry[]> {
    return this.#call('view: find entries', () => slots.flatMap((slot) => this.#entry(this.#store().entries.get(hex(slot)))));
  }

  findByOrdinal(ordinals: readonly number[]): Promise<readonly TableEntry[]> {
    const wanted = new Set(ordinals);
    return this.#call('view: find entries', () =>
      [...this.#store().entries.values()].filter(({ ordinal }) => wanted.has(ordinal)).flatMap((found) => this.#entry(found)),
    );
  }

  findRows(handles: readonly Uint8Array[]): Promise<readonly KnownRow[]> {
    return this.#call('view: find rows', () => handles.flatMap((handle) => this.#store().rows.get(hex(handle)) ?? []));
  }

  async *confirmable(which: 'all' | 'without a row'): AsyncIterable<readonly Pick<TableEntry, 'slot' | 'ordinal'>[]> {
    yield await this.#call('view: confirmable', () => {
      const { entries, rows } = this.#store();
      const held = new Set([...rows.values()].filter(({ verdict }) => verdict !== 'absent').map(({ ordinal }) => ordinal));
      return [...entries.values()].filter(({ state, ordinal }) => mustBeConfirmed(state) && (which === 'all' || !held.has(ordinal)));
    });
  }

  async *entries(): AsyncIterable<readonly TableEntry[]> {
    yield await this.#call('view: entries', () => [...this.#store().entries.values()].flatMap((found) => this.#entry(found)));
  }

  analyze(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #entry(found: StoredEntry | undefined): TableEntry[] {
    if (found?.bytes == null) return [];
    const holder = [...this.#store().rows.values()].find(({ ordinal }) => ordinal === found.ordinal);
    return [{ slot: found.slot, ordinal: found.ordinal, bytes: found.bytes, row: holder?.verdict ?? null }];
  }
}

function putEntry(store: TableStore, update: TableEntryUpdate): void {
  const key = hex(update.slot);
  const before = store.entries.get(key);
  if (update.bytes === null) store.entries.delete(key);
  else {
    const isSameRow = before?.rowHash != null && update.rowHash !== null && hex(before.rowHash) === hex(update.rowHash);
    store.entries.set(key, { ...update, ordinal: update.ordinal ?? (isSameRow ? before.ordinal : update.newOrdinal) });
  }
}

/** A comparison of rows as they were when it began with what the view then knew. */
export async function openSimulatedScan(
  store: TableStore,
  scan: (request: ComparedScanRequest) => SourceRow[],
  request: ComparedScanRequest,
  call: Call,
): Promise<ComparedScan> {
  const { known, source } = await call('open scan', () => ({ known: [...store.rows.values()], source: scan(request) }));
  const columns = request.columns.map(
    (name) => COLUMNS.find((c) => c.name === name) ?? { name, kind: 'other' as const, sourceType: 'other' },
  );
  const all = compared(source, request);
  const hashes = new Set(known.flatMap(({ raw }) => (raw === null ? [] : [hex(raw)])));
  const left = source.filter((_, i) => !request.changedOnly || !hashes.has(hex(all.raw(i))));
  const keys = new Set(source.map((_, i) => hex(all.handle(i))));
  const cursors = source.map(({ updated }) => updated).sort((a, b) => b - a);
  const highest = request.cursor === undefined || cursors[0] === undefined ? null : String(cursors[0]);
  return {
    columns,
    now: null,
    estimatedRows: undefined,
    close: () => Promise.resolve(),
    async *batches() {
      for (;;) {
        const batch = await call('next rows', () => left.splice(0, 4));
        if (batch.length === 0) break;
        yield compared(batch, request);
      }
      const present = new Set(source.map((_, i) => hex(all.raw(i))));
      const unmatched = request.changedOnly ? known.filter(({ raw }) => raw === null || !present.has(hex(raw))) : [];
      if (unmatched.length > 0) yield { ...compared([], request), unmatched };
    },
    totals: () =>
      call('totals', () => ({
        rows: source.length,
        known: {
          fact: known.filter(({ verdict }) => verdict === 'fact').length,
          absent: known.filter(({ verdict }) => verdict === 'absent').length,
          quarantined: known.filter(({ verdict }) => verdict === 'quarantined').length,
        },
        cursor: { highest, any: highest },
      })),
    async *missing() {
      yield await call('missing', () => known.filter(({ handle }) => !keys.has(hex(handle))));
    },
    // The source is a map by its key.
    async *repeated() {},
  };
}

/** The error of a call whose answer does not come. */
export function brokenConnection(): HeadraceError {
  return new HeadraceError('WAREHOUSE_UNREACHABLE', 'the connection broke (simulated)');
}

function compared(rows: readonly SourceRow[], request: ComparedScanRequest): ComparedRows {
  const { groups: _, ...batch } = batchOf(rows, request);
  return {
    ...batch,
    unmatched: [],
    raw: (i) => digest(request.salts.raw, batch.raw(i)).subarray(0, 16),
    handle: (i) => digest(request.salts.key, batch.key(i)).subarray(0, 16),
  };
}

function digest(salt: string, bytes: Uint8Array): Buffer {
  return createHash('sha256').update(salt).update(bytes).digest();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
