import type { Database } from 'lmdb';
import type { Hash } from '../../core/entry.ts';
import type { RowGroup, RowRun } from '../view.ts';
import { VERDICTS } from './row-record.ts';

const GROUP = 0;
const PAGE = 1;
const PAGE_ROWS = 1024;
const CACHED_PAGES = 16;
/** A group has 64 rows on average: with more than one for so many rows, most are of rows that have changed since. */
const MIN_ROWS_PER_GROUP = 8;
const MIN_GROUPS = 1024;

/**
 * Groups of rows by their fingerprint, each with a number, and for every row the number of the group that it is in. A row is in one group at most, and `touch`
 * takes it out of it. A group is valid as long as all its rows are in it: what was recorded of a row before it changed and changed back stays void.
 */
export class RowGroupTable {
  readonly #db: Database;
  /** Pages that were read, each in the place of its number modulo their count. */
  readonly #pages: ({ readonly page: number; readonly rows: Uint32Array } | undefined)[] = new Array(CACHED_PAGES);
  /** Pages that differ from the stored ones. */
  readonly #changed = new Map<number, Uint32Array>();
  /** Rows that left their group since the last flush. */
  #touched: number[] = [];
  /** Of the group recorded last; 0 is no group. */
  number = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  find(print: Hash): RowGroup | undefined {
    if (this.number === 0) return undefined;
    const bytes = this.#db.getBinary(keyOf(print));
    if (bytes === undefined) return undefined;
    const { number, group } = decodeGroup(print, bytes);
    for (const { ordinal, count } of group.runs) {
      for (let row = ordinal; row < ordinal + count; row++) if (this.#page(row)[row % PAGE_ROWS] !== number) return undefined;
    }
    return group;
  }

  /** Within a transaction. `rows`: how many numbers of rows are given out. */
  record(groups: Iterable<RowGroup>, rows: number): void {
    for (const group of groups) {
      if (this.number > MIN_GROUPS + rows / MIN_ROWS_PER_GROUP) this.clear();
      const number = ++this.number;
      for (const { ordinal, count } of group.runs) this.#put(ordinal, count, number);
      this.#db.putSync(keyOf(group.print), encodeGroup(number, group));
    }
  }

  /** The row's mark is being written or dropped. */
  touch(row: number): void {
    if (this.number === 0 || this.#page(row)[row % PAGE_ROWS] === 0) return;
    this.#put(row, 1, 0);
    this.#touched.push(row);
  }

  get touched(): readonly number[] {
    return this.#touched;
  }

  /** At the end of a transaction. */
  flush(): void {
    for (const [page, rows] of this.#changed) this.#db.putSync(pageKey(page), Buffer.from(rows.buffer));
    this.#changed.clear();
    this.#touched = [];
  }

  /** Within a transaction. */
  clear(): void {
    this.#db.clearSync();
    this.#pages.fill(undefined);
    this.#changed.clear();
    this.#touched = [];
    this.number = 0;
  }

  #put(first: number, count: number, number: number): void {
    for (let row = first; row < first + count; ) {
      const page = Math.floor(row / PAGE_ROWS);
      const rows = this.#page(row);
      const end = Math.min(first + count, (page + 1) * PAGE_ROWS);
      rows.fill(number, row % PAGE_ROWS, end - page * PAGE_ROWS);
      this.#changed.set(page, rows);
      row = end;
    }
  }

  #page(row: number): Uint32Array {
    const page = Math.floor(row / PAGE_ROWS);
    const cached = this.#pages[page % CACHED_PAGES];
    if (cached?.page === page) return cached.rows;
    const rows = this.#changed.get(page) ?? this.#readPage(page);
    this.#pages[page % CACHED_PAGES] = { page, rows };
    return rows;
  }

  #readPage(page: number): Uint32Array {
    const rows = new Uint32Array(PAGE_ROWS);
    const bytes = this.#db.getBinary(pageKey(page));
    if (bytes !== undefined) new Uint8Array(rows.buffer).set(bytes.subarray(0, rows.byteLength));
    return rows;
  }
}

function keyOf(print: Hash): Buffer {
  const key = Buffer.allocUnsafe(1 + print.length);
  key[0] = GROUP;
  key.set(print, 1);
  return key;
}

function pageKey(page: number): Buffer {
  const key = Buffer.allocUnsafe(5);
  key[0] = PAGE;
  key.writeUInt32BE(page, 1);
  return key;
}

// Group: number (4 bytes) · length of the cursor's text (4; all ones: none) · the text · runs: ordinal (4), count × 4 + verdict (4)
const NO_CURSOR = 0xffff_ffff;

function encodeGroup(number: number, { runs, cursor }: RowGroup): Buffer {
  const cursorBytes = cursor === null ? 0 : Buffer.byteLength(cursor);
  const bytes = Buffer.allocUnsafe(8 + cursorBytes + 8 * runs.length);
  bytes.writeUInt32LE(number, 0);
  bytes.writeUInt32LE(cursor === null ? NO_CURSOR : cursorBytes, 4);
  if (cursor !== null) bytes.write(cursor, 8);
  let at = 8 + cursorBytes;
  for (const { ordinal, count, verdict } of runs) {
    bytes.writeUInt32LE(ordinal, at);
    bytes.writeUInt32LE(4 * count + VERDICTS.indexOf(verdict), at + 4);
    at += 8;
  }
  return bytes;
}

function decodeGroup(print: Hash, bytes: Buffer): { readonly number: number; readonly group: RowGroup } {
  const cursorBytes = bytes.readUInt32LE(4);
  const hasCursor = cursorBytes !== NO_CURSOR;
  const start = 8 + (hasCursor ? cursorBytes : 0);
  const runs: RowRun[] = [];
  for (let at = start; at < bytes.length; at += 8) {
    const tail = bytes.readUInt32LE(at + 4);
    runs.push({ ordinal: bytes.readUInt32LE(at), count: Math.floor(tail / 4), verdict: VERDICTS[tail & 3]! });
  }
  return { number: bytes.readUInt32LE(0), group: { print, runs, cursor: hasCursor ? bytes.toString('utf8', 8, start) : null } };
}
