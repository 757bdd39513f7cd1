import { HeadraceError } from '../../core/errors.ts';
import type { Column, RowBatch } from '../../core/row.ts';
import type { Scan } from '../warehouse.ts';
import { type PostgresConnection, throwIfAborted } from './connection.ts';
import { postgresError } from './errors.ts';
import { LineSplitter } from './lines.ts';
import { type LineLayout, LineMarker } from './rows.ts';

/** What a scan was opened with. */
export interface PostgresScanState {
  readonly connection: PostgresConnection;
  readonly signal: AbortSignal;
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[];
  readonly estimatedRows: number | undefined;
  /** The SELECT that COPY wraps. */
  readonly text: string;
  readonly layout: LineLayout;
  readonly statementTimeoutMs: number;
}

/** Enough for one batch; measured: larger ones gain nothing. */
const BATCH_BYTES = 128 * 1024;
/** How much longer than the server's own statement timeout we wait for the next byte, before the connection counts as dead. */
export const SILENCE_GRACE_MS = 5_000;

/** One transaction and one COPY. */
export class PostgresScan implements Scan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[];
  readonly estimatedRows: number | undefined;
  readonly #state: PostgresScanState;
  readonly #abort: () => void;
  #started = false;

  constructor(state: PostgresScanState) {
    this.#state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.notes = state.notes;
    this.estimatedRows = state.estimatedRows;
    this.#abort = () => state.connection.destroy();
    state.signal.addEventListener('abort', this.#abort, { once: true });
  }

  async *batches(): AsyncGenerator<RowBatch, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    const { connection, signal } = this.#state;
    throwIfAborted(signal);
    try {
      yield* this.#copy();
    } catch (error) {
      connection.destroy();
      throwIfAborted(signal);
      throw postgresError(error, connection.context);
    }
  }

  async *#copy(): AsyncGenerator<RowBatch, void, undefined> {
    const { connection, text, layout } = this.#state;
    const { to } = await import('pg-copy-streams');
    const stream = connection.client.query(to(`copy (${text}) to stdout`, { highWaterMark: BATCH_BYTES }));
    const silence = watchSilence(this.#state.statementTimeoutMs + SILENCE_GRACE_MS, () => connection.destroy());
    const splitter = new LineSplitter(BATCH_BYTES);
    const marker = new LineMarker(layout);
    let rows = 0;
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        const lines = splitter.push(chunk);
        if (lines === undefined) continue;
        const batch = marker.mark(lines, false);
        splitter.giveBack(lines.subarray(batch.size));
        if (batch.count === 0) continue;
        rows += batch.count;
        silence.pause();
        yield batch;
        silence.resume();
      }
      const last = splitter.flush();
      if (last !== undefined) {
        const batch = marker.mark(last, true);
        rows += batch.count;
        yield batch;
      }
      // The end of the data is not yet the end of the statement: only the answer to the next one shows that the server completed it.
      const committed = await connection.client.query('commit');
      if (committed.command !== 'COMMIT' || stream.rowCount !== rows) throw incomplete(stream.rowCount, rows);
    } finally {
      silence.pause();
    }
    await connection.end();
  }

  async close(): Promise<void> {
    this.#state.signal.removeEventListener('abort', this.#abort);
    // A scan that was read to its end has said goodbye already.
    this.#state.connection.destroy();
  }
}

export function incomplete(reported: number, read: number): HeadraceError {
  return new HeadraceError('WAREHOUSE_FAILED', `PostgreSQL reports ${reported} rows, but ${read} arrived: the scan is not complete.`, {
    suggestion: 'Nothing was changed. Run again; if it happens again, look at what stands between this machine and the server.',
  });
}

/** A timer that runs only while we wait for the server, not while the caller works on a batch. */
export function watchSilence(limitMs: number, expired: () => void): { pause(): void; resume(): void } {
  let timer: NodeJS.Timeout | undefined;
  const pause = (): void => clearTimeout(timer);
  const resume = (): void => {
    pause();
    timer = setTimeout(expired, limitMs);
  };
  resume();
  return { pause, resume };
}
