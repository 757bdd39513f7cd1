import type { Readable } from 'node:stream';
import type { RowStatement } from 'snowflake-sdk';
import { HeadraceError } from '../../core/errors.ts';
import type { Column, RowBatch } from '../../core/row.ts';
import type { Scan, ScanPurpose } from '../warehouse.ts';
import { abortedBy, type SnowflakeConnection, throwIfAborted } from './connection.ts';
import { silence, snowflakeError } from './errors.ts';
import { type RowLayout, type TextRow, TextRows } from './rows.ts';

/** What a scan was opened with. */
export interface SnowflakeScanState {
  readonly connection: SnowflakeConnection;
  readonly signal: AbortSignal;
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[];
  readonly byChangeFeed: boolean;
  readonly estimatedRows: number | undefined;
  readonly text: string;
  readonly layout: RowLayout;
  readonly purpose: ScanPurpose | undefined;
  /** The longest that we wait for the next row. */
  readonly silenceMs: number;
  /** Throws where the relation has other columns now than when the scan was opened. */
  checkUnchanged(): Promise<void>;
  /** Ends the session. May be called twice. */
  close(): Promise<void>;
}

const BATCH_ROWS = 2_000;

/** One SELECT, which Snowflake runs to its end on one state of the tables; its result stands in files that are fetched a few at a time. */
export class SnowflakeScan implements Scan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[];
  readonly byChangeFeed: boolean;
  readonly estimatedRows: number | undefined;
  readonly #state: SnowflakeScanState;
  #started = false;

  constructor(state: SnowflakeScanState) {
    this.#state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.notes = state.notes;
    this.byChangeFeed = state.byChangeFeed;
    this.estimatedRows = state.estimatedRows;
  }

  async *batches(): AsyncGenerator<RowBatch, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    const { connection, signal, text, layout, purpose, silenceMs } = this.#state;
    throwIfAborted(signal);
    const statement = await connection.stream(text, { signal, purpose });
    for await (const rows of rowsOf(connection, statement, silenceMs, signal)) yield new TextRows(rows, layout);
    await this.#state.checkUnchanged();
  }

  async close(): Promise<void> {
    await this.#state.close();
  }
}

/** Ends normally only where as many rows arrived as Snowflake reported. */
export async function* rowsOf(
  connection: SnowflakeConnection,
  statement: RowStatement,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<readonly TextRow[], void, undefined> {
  let read = 0;
  for await (const rows of streamed(connection, statement, silenceMs, signal)) {
    read += rows.length;
    yield rows;
  }
  // Without an answer that says how many there are, nobody knows whether these are all.
  const reported: number | undefined = statement.getNumRows();
  if (reported !== read) throw incomplete(reported, read);
}

async function* streamed(
  connection: SnowflakeConnection,
  statement: RowStatement,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<readonly TextRow[], void, undefined> {
  const stream = statement.streamRows();
  const waiter = new StreamWaiter(stream);
  try {
    for (;;) {
      throwIfAborted(signal);
      const rows: TextRow[] = [];
      for (let row = stream.read(); row !== null; row = stream.read()) {
        rows.push(row as TextRow);
        if (rows.length === BATCH_ROWS) break;
      }
      if (rows.length > 0) {
        yield rows;
        // Meanwhile more may have come: nothing but an empty read is worth waiting behind.
        continue;
      }
      if (waiter.error !== undefined) throw snowflakeError(waiter.error, connection.context);
      if (waiter.ended) return;
      await waiter.next(silenceMs, signal, () => silence(connection.context, silenceMs));
    }
  } finally {
    stream.destroy();
  }
}

function incomplete(reported: number | undefined, read: number): HeadraceError {
  return new HeadraceError('WAREHOUSE_FAILED', `Snowflake reports ${reported} rows, but ${read} arrived: the scan is not complete.`, {
    suggestion:
      'Nothing was changed. Run again; if it happens again, look at what stands between this machine and the storage of the account.',
  });
}

/** Waits until a stream has something to read, is at its end or broken. */
class StreamWaiter {
  ended = false;
  error: unknown;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    const wake = (): void => this.#wake?.();
    stream.on('readable', wake);
    stream.once('end', () => {
      this.ended = true;
      wake();
    });
    stream.on('error', (error) => {
      this.error = error;
      wake();
    });
  }

  async next(limitMs: number, signal: AbortSignal, expired: () => HeadraceError): Promise<void> {
    if (this.ended || this.error !== undefined) return;
    let timer: NodeJS.Timeout | undefined;
    let abort: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        timer = setTimeout(() => reject(expired()), limitMs);
        abort = () => reject(abortedBy(signal));
        signal.addEventListener('abort', abort, { once: true });
      });
    } finally {
      this.#wake = undefined;
      clearTimeout(timer);
      if (abort !== undefined) signal.removeEventListener('abort', abort);
    }
  }
}
