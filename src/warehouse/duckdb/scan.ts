import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { Column, RowBatch } from '../../core/row.ts';
import type { Scan } from '../warehouse.ts';
import type { DuckDbConnection } from './connection.ts';
import { throwIfAborted } from './interrupts.ts';
import { PackedRows, type RowLayout } from './rows.ts';

/** What a scan was opened with. */
export interface DuckDbScanState {
  readonly connection: DuckDbConnection;
  readonly signal: AbortSignal;
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly estimatedRows: number | undefined;
  readonly text: string;
  readonly layout: RowLayout;
}

/** One transaction and one streamed result; a batch is DuckDB's chunk of up to 2,048 rows. */
export class DuckDbScan implements Scan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly estimatedRows: number | undefined;
  readonly #state: DuckDbScanState;
  #started = false;

  constructor(state: DuckDbScanState) {
    this.#state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.estimatedRows = state.estimatedRows;
  }

  async *batches(): AsyncGenerator<RowBatch, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    const { connection, signal, text, layout } = this.#state;
    for await (const chunk of chunksOf(connection, text, signal)) {
      const rows = await blobsOf(chunk, 0);
      yield new PackedRows(
        rows.map((row) => row ?? EMPTY),
        layout,
      );
    }
  }

  async close(): Promise<void> {
    await this.#state.connection.close();
  }
}

const EMPTY = new Uint8Array(0);

/** A streamed result. Ends normally only where it is complete. */
export async function* chunksOf(
  connection: DuckDbConnection,
  text: string,
  signal: AbortSignal,
): AsyncGenerator<DuckDBDataChunk, void, undefined> {
  throwIfAborted(signal);
  connection.startStatement();
  const result = await connection.wait(connection.duckdb.stream(text), signal);
  for (;;) {
    const chunk: DuckDBDataChunk | null = await connection.wait(result.fetchChunk(), signal);
    // DuckDB throws where the query failed; an empty chunk is the end of a complete result.
    if (chunk === null || chunk.rowCount === 0) return;
    yield chunk;
  }
}

export async function blobsOf(chunk: DuckDBDataChunk, column: number): Promise<readonly (Uint8Array | null)[]> {
  const { DuckDBBlobVector } = await import('@duckdb/node-api');
  const vector = chunk.getColumnVector(column);
  if (!(vector instanceof DuckDBBlobVector)) throw new Error('DuckDB yields another type than the query asks for.');
  return Array.from({ length: vector.itemCount }, (_, i) => vector.getItemBytes(i));
}
