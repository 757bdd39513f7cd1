import { HeadraceError } from '../../core/errors.ts';
import type { Column } from '../../core/row.ts';
import { type PostgresConnection, throwIfAborted } from './connection.ts';
import { LineSplitter } from './lines.ts';

/** What every scan is opened with: a connection of its own, within its transaction. */
export interface OpenScanState {
  readonly connection: PostgresConnection;
  readonly signal: AbortSignal;
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[];
  readonly estimatedRows: number | undefined;
  readonly statementTimeoutMs: number;
}

/** How COPY's lines become batches. */
export interface Copying<Batch> {
  /** The SELECT that COPY wraps. */
  readonly text: string;
  /** The least size of a block of lines, the last one aside. */
  readonly blockBytes: number;
  /** What follows the data. Only its answer shows that the server completed the statement. */
  readonly finish: keyof typeof COMMANDS;
  /** What a block of whole lines holds, and of how many rows. Lines that it wants to have again it gives back. */
  cut(lines: Buffer, isLast: boolean, giveBack: (lines: Buffer) => void): { readonly batch: Batch; readonly rows: number };
}

const COMMANDS = { commit: 'COMMIT', 'select 1': 'SELECT' } as const;

/** How much longer than the server's own statement timeout we wait for the next byte, before the connection counts as dead. */
const SILENCE_GRACE_MS = 5_000;

/** A scan of either kind: its connection ends with it, and with an abort. */
export abstract class OpenScan<State extends OpenScanState> {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[];
  readonly estimatedRows: number | undefined;
  protected readonly state: State;
  readonly #abort: () => void;
  #started = false;

  constructor(state: State) {
    this.state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.notes = state.notes;
    this.estimatedRows = state.estimatedRows;
    this.#abort = () => state.connection.destroy();
    state.signal.addEventListener('abort', this.#abort, { once: true });
  }

  async close(): Promise<void> {
    this.state.signal.removeEventListener('abort', this.#abort);
    // A scan that was read to its end has said goodbye already.
    this.state.connection.destroy();
  }

  protected mustBeFirst(): void {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
  }

  /** Yields every row of the SELECT once. Ends normally only after the server completed the statement and reports as many rows as arrived. */
  protected async *copy<Batch>({ text, blockBytes, finish, cut }: Copying<Batch>): AsyncGenerator<Batch, void, undefined> {
    const { connection, signal } = this.state;
    throwIfAborted(signal);
    const { to } = await import('pg-copy-streams');
    const stream = connection.client.query(to(`copy (${text}) to stdout`, { highWaterMark: blockBytes }));
    const splitter = new LineSplitter(blockBytes);
    const giveBack = (lines: Buffer): void => splitter.giveBack(lines);
    const silence = this.watchSilence();
    let rows = 0;
    const blocks = async function* (): AsyncGenerator<[lines: Buffer | undefined, isLast: boolean], void, undefined> {
      for await (const chunk of stream as AsyncIterable<Buffer>) yield [splitter.push(chunk), false];
      yield [splitter.flush(), true];
    };
    try {
      for await (const [lines, isLast] of blocks()) {
        if (lines === undefined) continue;
        const cutOut = cut(lines, isLast, giveBack);
        if (cutOut.rows === 0) continue;
        rows += cutOut.rows;
        silence.pause();
        yield cutOut.batch;
        silence.resume();
      }
      const { command } = await connection.client.query(finish);
      if (command !== COMMANDS[finish] || stream.rowCount !== rows) throw incomplete(stream.rowCount, rows);
    } finally {
      silence.pause();
    }
  }

  /** A timer that runs only while we wait for the server, not while the caller works on a batch. */
  protected watchSilence(): { pause(): void; resume(): void } {
    const { connection, statementTimeoutMs } = this.state;
    let timer: NodeJS.Timeout | undefined;
    const pause = (): void => clearTimeout(timer);
    const resume = (): void => {
      pause();
      timer = setTimeout(() => connection.destroy(), statementTimeoutMs + SILENCE_GRACE_MS);
    };
    resume();
    return { pause, resume };
  }
}

function incomplete(reported: number, read: number): HeadraceError {
  return new HeadraceError('WAREHOUSE_FAILED', `PostgreSQL reports ${reported} rows, but ${read} arrived: the scan is not complete.`, {
    suggestion: 'Nothing was changed. Run again; if it happens again, look at what stands between this machine and the server.',
  });
}
