import type { KnownRow } from '../core/row.ts';
import type { StoredViewState, TableEntry, ViewCounts, ViewPlace, ViewTables, ViewWrite } from '../core/view-tables.ts';
import { verdictOf } from './verdicts.ts';
import {
  type Given,
  laterLayout,
  type Presence,
  type QualifiedNames,
  type ViewEngine,
  type ViewItem,
  type ViewSession,
  type ViewValue,
} from './view-engine.ts';
import { VIEW_LAYOUT } from './view-names.ts';
import {
  CONFIRMABLE,
  countsOf,
  deleteStateText,
  ENTRY_COUNTS,
  insertStateText,
  readStateRow,
  takeState,
  type ViewStateRow,
  writeStateText,
} from './view-state.ts';
import { countsAfter, mergeTexts, stageWrite } from './view-writes.ts';

const PAGE = 10_000;
const NOTHING: ViewCounts = { entries: 0, confirmable: 0, quarantined: 0, rows: 0 };

/** A view's tables, as SQL of any engine. */
export class SqlViewTables implements ViewTables {
  readonly #engine: ViewEngine;
  readonly #place: ViewPlace;
  readonly #names: QualifiedNames;
  /** One statement or transaction at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(engine: ViewEngine, place: ViewPlace) {
    this.#engine = engine;
    this.#place = place;
    this.#names = engine.dialect.names(place);
  }

  get address(): string {
    return this.#engine.address;
  }

  async prepare(): Promise<void> {
    await this.#use(async (session) => {
      const found = await this.#engine.presence(session);
      const layout = found.views ? await this.#layout(session) : undefined;
      if (found.views && found.entries && found.rows && (layout === undefined || layout === VIEW_LAYOUT)) return;
      await this.#engine.creating(session, () => this.#create(session, found));
    });
  }

  async check(): Promise<void> {
    await this.readState();
    await this.#use((session) => this.#engine.checkRights(session), 'reading');
  }

  async readState(): Promise<StoredViewState | undefined> {
    return this.#use(async (session) => {
      const found = await this.#engine.presence(session);
      if (!found.views) return undefined;
      const stored = await readStateRow(session, this.#engine.dialect, this.#place);
      if (stored === undefined) return undefined;
      const { row, isWhole } = stored;
      const layout = Number(row.layout);
      if (layout > VIEW_LAYOUT) throw laterLayout(this.address, layout);
      const hasTables = found.entries && found.rows && layout === VIEW_LAYOUT;
      const counts = countsOf(row);
      const isIntact = hasTables && isWhole && (await this.#holds(session, row, counts));
      return { stamp: row.stamp, topic: row.topic, offset: Number(row.position), counts, state: row.state, isIntact };
    }, 'reading');
  }

  async write(write: ViewWrite): Promise<ViewCounts | undefined> {
    return this.#use(async (session) => {
      await stageWrite(session, write);
      let counts = NOTHING;
      const take = takeState(this.#engine.dialect, this.#place, write.expected, write.stamp);
      const isWritten = await session.transaction(take, () => this.#statements(session, write, (held) => (counts = held)));
      return isWritten ? counts : undefined;
    });
  }

  async findEntries(slots: readonly Uint8Array[]): Promise<readonly TableEntry[]> {
    if (slots.length === 0) return [];
    return this.#entriesWhere('e.slot', { hashes: slots });
  }

  async findByOrdinal(ordinals: readonly number[]): Promise<readonly TableEntry[]> {
    if (ordinals.length === 0) return [];
    return this.#entriesWhere('e.ordinal', { numbers: ordinals });
  }

  async findRows(handles: readonly Uint8Array[]): Promise<readonly KnownRow[]> {
    if (handles.length === 0) return [];
    const from = `from ${this.#names.rows} r join given on given.item = r.handle`;
    return (await this.#select(ROW, from, { hashes: handles })).map(([handle, ordinal, verdict, raw, slot]) => ({
      handle: bytesOf(handle),
      ordinal: Number(ordinal),
      verdict: verdictOf(Number(verdict)),
      raw: optional(raw),
      slot: optional(slot),
    }));
  }

  async *confirmable(which: 'all' | 'without a row'): AsyncIterable<readonly Pick<TableEntry, 'slot' | 'ordinal'>[]> {
    const { rows } = this.#names;
    const orphaned = which === 'all' ? '' : ` and not exists (select 1 from ${rows} r where r.ordinal = e.ordinal and r.verdict <> 1)`;
    for await (const page of this.#pages([SLOT, ORDINAL], `e.state in ${CONFIRMABLE}${orphaned}`))
      yield page.map(([slot, ordinal]) => ({ slot: bytesOf(slot), ordinal: Number(ordinal) }));
  }

  async *entries(): AsyncIterable<readonly TableEntry[]> {
    for await (const page of this.#pages([SLOT, ORDINAL, BYTES], undefined))
      yield page.map(([slot, ordinal, bytes]) => ({ slot: bytesOf(slot), ordinal: Number(ordinal), bytes: bytesOf(bytes), row: null }));
  }

  async analyze(): Promise<void> {
    const { analyze } = this.#engine;
    if (analyze !== undefined) await this.#use((session) => analyze.call(this.#engine, session));
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#engine.close();
  }

  async #create(session: ViewSession, found: Presence): Promise<void> {
    const { dialect } = this.#engine;
    // Even where there is nothing to do, that takes a right which only the first one needs.
    if (!found.views) for (const text of dialect.schemaTexts(this.#place)) await session.change(text);
    const layout = found.views ? await this.#layout(session) : undefined;
    if (layout !== undefined && layout < VIEW_LAYOUT) {
      for (const table of [this.#names.entries, this.#names.rows]) await session.change(`drop table if exists ${table}`);
      await session.change(deleteStateText(dialect, this.#place));
    }
    for (const text of dialect.tableTexts(this.#place)) await session.change(text);
  }

  /** Of the tables; undefined where nothing is stored. */
  async #layout(session: ViewSession): Promise<number | undefined> {
    const stored = await readStateRow(session, this.#engine.dialect, this.#place);
    if (stored === undefined) return undefined;
    const layout = Number(stored.row.layout);
    if (layout > VIEW_LAYOUT) throw laterLayout(this.address, layout);
    return layout;
  }

  /** What a write does once the state is taken; `onCounts` is told what the tables hold then. */
  async *#statements(
    session: ViewSession,
    write: ViewWrite,
    onCounts: (counts: ViewCounts) => void,
  ): AsyncGenerator<string, void, undefined> {
    const { dialect } = this.#engine;
    const { stamp, clear, expected } = write;
    const before = clear || expected === null ? undefined : await readStateRow(session, dialect, this.#place);
    const counts = await countsAfter(session, dialect, this.#names, write, before === undefined ? NOTHING : countsOf(before.row));
    onCounts(counts);
    if (clear) {
      // There may be several.
      if (!dialect.hasKeys) yield* [deleteStateText(dialect, this.#place), insertStateText(dialect, this.#place, stamp)];
      yield* [this.#names.entries, this.#names.rows].map(dialect.empty);
    }
    yield* mergeTexts(dialect, this.#names, write);
    const row: ViewStateRow = {
      layout: String(VIEW_LAYOUT),
      topic: this.#place.topic,
      position: String(write.offset),
      entries: String(counts.entries),
      confirmable: String(counts.confirmable),
      quarantined: String(counts.quarantined),
      rows: String(counts.rows),
      stamp,
      state: write.state,
      files: (await this.#engine.files?.(session)) ?? '',
    };
    yield writeStateText(dialect, this.#place, row);
  }

  /** Whether the tables hold what the state says, where their files do not vouch for it. */
  async #holds(session: ViewSession, row: ViewStateRow, counts: ViewCounts): Promise<boolean> {
    if (row.files !== '' && row.files === (await this.#engine.files?.(session))) return true;
    const { entries, rows } = this.#names;
    const [held = []] = await session.texts(`select ${ENTRY_COUNTS}, (select count(*) from ${rows}) from ${entries} e`);
    const said = [counts.entries, counts.confirmable, counts.quarantined, counts.rows];
    return said.every((count, i) => Number(held[i]) === count);
  }

  async #entriesWhere(column: string, given: Given): Promise<readonly TableEntry[]> {
    const { entries, rows } = this.#names;
    const from = `from ${entries} e join given on given.item = ${column} left join ${rows} r on r.ordinal = e.ordinal`;
    return (await this.#select([SLOT, ORDINAL, VERDICT, BYTES], from, given)).map(([slot, ordinal, verdict, bytes]) => ({
      slot: bytesOf(slot),
      ordinal: Number(ordinal),
      row: Number(verdict) < 0 ? null : verdictOf(Number(verdict)),
      bytes: bytesOf(bytes),
    }));
  }

  async *#pages(items: readonly ViewItem[], condition: string | undefined): AsyncIterable<readonly (readonly ViewValue[])[]> {
    let after = '';
    for (;;) {
      const conditions = [
        ...(after === '' ? [] : [`e.slot > ${this.#engine.dialect.bytes(after)}`]),
        ...(condition === undefined ? [] : [condition]),
      ];
      const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
      const page = await this.#select(items, `from ${this.#names.entries} e${where} order by e.slot limit ${PAGE}`);
      if (page.length > 0) yield page;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = Buffer.from(bytesOf(last[0])).toString('hex');
    }
  }

  #select(items: readonly ViewItem[], from: string, given?: Given): Promise<readonly (readonly ViewValue[])[]> {
    return this.#use((session) => session.select(items, from, given), 'reading');
  }

  #use<T>(work: (session: ViewSession) => Promise<T>, reading?: 'reading'): Promise<T> {
    const result = this.#queue.then(() => this.#engine.use(work, reading));
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

const SLOT: ViewItem = { expression: 'e.slot', type: 'hash' };
const ORDINAL: ViewItem = { expression: 'e.ordinal', type: 'int8' };
const BYTES: ViewItem = { expression: 'e.bytes', type: 'bytes' };
/** Of the row behind an entry; −1 without one. */
const VERDICT: ViewItem = { expression: 'coalesce(r.verdict, -1)', type: 'int2' };
const ROW: readonly ViewItem[] = [
  { expression: 'r.handle', type: 'hash' },
  { expression: 'r.ordinal', type: 'int8' },
  { expression: 'r.verdict', type: 'int2' },
  { expression: 'r.raw', type: 'hash', nullable: true },
  { expression: 'r.slot', type: 'hash', nullable: true },
];

function bytesOf(value: ViewValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error('a column of bytes holds something else');
}

function optional(value: ViewValue | undefined): Uint8Array | null {
  return value === null ? null : bytesOf(value);
}
