import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { Column, ComparedRows, MarkedRow } from '../../core/row.ts';
import { HashedRows, type RowHashes } from '../hashed-rows.ts';
import { verdictOf } from '../verdicts.ts';
import { type CompareTexts, scanTotals } from '../view-compare.ts';
import type { ComparedScan, ScanTotals } from '../warehouse.ts';
import { PackedRows } from './rows.ts';
import { blobsOf, chunksOf, type DuckDbScanState } from './scan.ts';
import { viewError } from './view-engine.ts';

export interface DuckDbComparedScanState extends Omit<DuckDbScanState, 'text'> {
  readonly texts: CompareTexts;
  /** Of the view, for errors. */
  readonly view: { readonly address: string; readonly path: string };
}

/** For each batch the view is asked what it knows of its rows, and reads itself through for that: fewer, larger batches. */
const BATCH_ROWS = 10_000;

/** One transaction on the warehouse's file and the view's. */
export class DuckDbComparedScan implements ComparedScan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly estimatedRows: number | undefined;
  readonly #state: DuckDbComparedScanState;
  #started = false;

  constructor(state: DuckDbComparedScanState) {
    this.#state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.estimatedRows = state.estimatedRows;
  }

  async *batches(): AsyncGenerator<ComparedRows, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    yield* this.#rows(this.#state.texts.rows);
  }

  async totals(): Promise<ScanTotals> {
    const { texts, layout } = this.#state;
    const [totals = []] = await this.#texts(texts.totals);
    const known = await this.#texts(texts.known);
    return scanTotals(
      totals,
      known.map(([verdict, rows]) => [verdict, rows]),
      layout.decodeCursor,
    );
  }

  async *missing(): AsyncIterable<readonly MarkedRow[]> {
    for await (const chunk of this.#chunks(this.#state.texts.missing)) {
      const handles = await blobsOf(chunk, 0);
      yield handles.map((handle, i) => marked(handle, chunk, i, 1));
    }
  }

  async *repeated(): AsyncGenerator<ComparedRows, void, undefined> {
    yield* this.#rows(this.#state.texts.repeated);
  }

  async close(): Promise<void> {
    await this.#state.connection.close();
  }

  async *#rows(text: string): AsyncGenerator<ComparedRows, void, undefined> {
    const { layout } = this.#state;
    let read: Uint8Array[] = [];
    let hashes: RowHashes[] = [];
    let unmatched: MarkedRow[] = [];
    for await (const chunk of this.#chunks(text)) {
      const [handles, digests, rows] = await Promise.all([0, 1, 4].map((column) => blobsOf(chunk, column)));
      for (const [i, handle] of (handles ?? []).entries()) {
        const [hash, row] = [digests?.[i], rows?.[i]];
        if (hash == null) {
          unmatched.push(marked(handle, chunk, i, 2));
          continue;
        }
        read.push(bytesOf(row));
        hashes.push({ handle: bytesOf(handle), hash });
      }
      if (read.length + unmatched.length < BATCH_ROWS) continue;
      yield new HashedRows(new PackedRows(read, layout), hashes, unmatched);
      [read, hashes, unmatched] = [[], [], []];
    }
    if (read.length + unmatched.length > 0) yield new HashedRows(new PackedRows(read, layout), hashes, unmatched);
  }

  async *#chunks(text: string): AsyncGenerator<DuckDBDataChunk, void, undefined> {
    const { connection, signal, view } = this.#state;
    try {
      yield* chunksOf(connection, text, signal);
    } catch (error) {
      throw viewError(error, view.address, view.path);
    }
  }

  async #texts(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    const { connection, signal } = this.#state;
    connection.startStatement();
    const result = await connection.wait(connection.duckdb.runAndReadAll(sql), signal);
    return result.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
  }
}

/** A row of the view: its number and verdict stand in neighbouring columns. */
function marked(handle: Uint8Array | null | undefined, chunk: DuckDBDataChunk, row: number, at: number): MarkedRow {
  const value = (column: number) => Number(chunk.getColumnVector(column).getItem(row));
  return { handle: bytesOf(handle), ordinal: value(at), verdict: verdictOf(value(at + 1)) };
}

function bytesOf(value: Uint8Array | null | undefined): Uint8Array {
  if (value == null) throw new Error('DuckDB yields NULL where a value must stand.');
  return value;
}
