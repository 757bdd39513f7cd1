import type { Column, ComparedRows, MarkedRow } from '../../core/row.ts';
import type { ComparedScan, ScanTotals } from '../warehouse.ts';
import type { CompareTexts } from './compare-text.ts';
import { ComparedLines } from './compared-rows.ts';
import { type PostgresConnection, throwIfAborted } from './connection.ts';
import { postgresError } from './errors.ts';
import { LineSplitter } from './lines.ts';
import type { LineLayout } from './rows.ts';
import { incomplete, SILENCE_GRACE_MS, watchSilence } from './scan.ts';
import { fieldDecoder } from './values.ts';
import { verdictOf } from './verdicts.ts';
import { droppedTables } from './view-tables.ts';

export interface ComparedScanState {
  readonly connection: PostgresConnection;
  readonly signal: AbortSignal;
  readonly columns: readonly Column[];
  readonly cursor: Column | undefined;
  readonly now: string | null;
  readonly notes: readonly string[];
  readonly estimatedRows: number | undefined;
  readonly texts: CompareTexts;
  readonly layout: LineLayout;
  readonly statementTimeoutMs: number;
  /** Of the view, for errors. */
  readonly address: string;
  /** The view's table. */
  readonly rowsTable: string;
}

interface TotalsRow {
  readonly rows: string;
  readonly highest: string | null;
  readonly any_cursor: string | null;
}

interface KnownTotals {
  readonly verdict: number;
  readonly rows: string;
}

const BATCH_BYTES = 256 * 1024;
const PAGE = 10_000;

/** One transaction; a COPY, and then whatever is asked. */
export class PostgresComparedScan implements ComparedScan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[];
  readonly estimatedRows: number | undefined;
  readonly #state: ComparedScanState;
  readonly #abort: () => void;
  #started = false;

  constructor(state: ComparedScanState) {
    this.#state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.notes = state.notes;
    this.estimatedRows = state.estimatedRows;
    this.#abort = () => state.connection.destroy();
    state.signal.addEventListener('abort', this.#abort, { once: true });
  }

  async *batches(): AsyncGenerator<ComparedRows, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    yield* this.#lines(this.#state.texts.rows);
  }

  async totals(): Promise<ScanTotals> {
    return this.#guarded(async () => {
      const { client } = this.#state.connection;
      const { texts, cursor } = this.#state;
      const [totals] = (await client.query<TotalsRow>(texts.totals)).rows;
      const known = { fact: 0, absent: 0, quarantined: 0 };
      for (const { verdict, rows } of (await client.query<KnownTotals>(texts.known)).rows) known[verdictOf(verdict)] = Number(rows);
      const decode = cursor === undefined ? () => null : fieldDecoder(cursor);
      const canonical = (text: string | null | undefined) => (text == null ? null : decode(text));
      const cursors = { highest: canonical(totals?.highest), any: canonical(totals?.any_cursor) };
      return { rows: Number(totals?.rows), known, cursor: cursors };
    });
  }

  async *missing(): AsyncIterable<readonly MarkedRow[]> {
    const { client } = this.#state.connection;
    await this.#guarded(() => client.query(`declare headrace_missing no scroll cursor for ${this.#state.texts.missing}`));
    for (;;) {
      const { rows } = await this.#guarded(() =>
        client.query<{ handle: Buffer; ordinal: string; verdict: number }>(`fetch ${PAGE} from headrace_missing`),
      );
      if (rows.length === 0) return;
      yield rows.map(({ handle, ordinal, verdict }) => ({ handle, ordinal: Number(ordinal), verdict: verdictOf(verdict) }));
    }
  }

  async *repeated(): AsyncGenerator<ComparedRows, void, undefined> {
    yield* this.#lines(this.#state.texts.repeated);
  }

  async close(): Promise<void> {
    this.#state.signal.removeEventListener('abort', this.#abort);
    this.#state.connection.destroy();
  }

  async *#lines(text: string): AsyncGenerator<ComparedRows, void, undefined> {
    const { connection, layout, signal, statementTimeoutMs } = this.#state;
    throwIfAborted(signal);
    const silence = watchSilence(statementTimeoutMs + SILENCE_GRACE_MS, () => connection.destroy());
    try {
      const { to } = await import('pg-copy-streams');
      const stream = connection.client.query(to(`copy (${text}) to stdout`, { highWaterMark: BATCH_BYTES }));
      const splitter = new LineSplitter(BATCH_BYTES);
      let rows = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        const lines = splitter.push(chunk);
        if (lines === undefined) continue;
        const batch = new ComparedLines(lines, layout);
        rows += batch.count + batch.unmatched.length;
        silence.pause();
        yield batch;
        silence.resume();
      }
      const last = splitter.flush();
      if (last !== undefined) {
        const batch = new ComparedLines(last, layout);
        rows += batch.count + batch.unmatched.length;
        silence.pause();
        yield batch;
        silence.resume();
      }
      // The end of the data is not yet the end of the statement: only the answer to the next one shows that the server completed it.
      await connection.client.query('select 1');
      if (stream.rowCount !== rows) throw incomplete(stream.rowCount, rows);
    } catch (error) {
      throw this.#failed(error);
    } finally {
      silence.pause();
    }
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    const { connection, statementTimeoutMs } = this.#state;
    const silence = watchSilence(statementTimeoutMs + SILENCE_GRACE_MS, () => connection.destroy());
    try {
      return await work();
    } catch (error) {
      throw this.#failed(error);
    } finally {
      silence.pause();
    }
  }

  #failed(error: unknown): unknown {
    const { connection, signal, address, rowsTable } = this.#state;
    connection.destroy();
    throwIfAborted(signal);
    const { code, message } = error as { code?: unknown; message?: string };
    const isView =
      code === '42P01' && rowsTable.replaceAll('"', '').endsWith(/relation "(.*)" does not exist/.exec(message ?? '')?.[1] ?? '\0');
    return isView ? droppedTables(address, error) : postgresError(error, connection.context);
  }
}
