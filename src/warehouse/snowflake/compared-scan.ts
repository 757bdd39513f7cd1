import type { RowStatement } from 'snowflake-sdk';
import type { Column, ComparedRows, MarkedRow } from '../../core/row.ts';
import { ComparedLines } from '../compared-lines.ts';
import { type CompareTexts, LEADING_TEXTS } from '../view-compare.ts';
import { droppedTables } from '../view-engine.ts';
import type { ComparedScan, ScanTotals } from '../warehouse.ts';
import { type TextRow, TextRows } from './rows.ts';
import { rowsOf, type SnowflakeScanState } from './scan.ts';
import { isUnknownObject } from './view-engine.ts';

export interface SnowflakeComparedScanState extends Omit<SnowflakeScanState, 'text' | 'byChangeFeed'> {
  readonly texts: Pick<CompareTexts, 'rows' | 'repeated'>;
  /** Of the view, for errors. */
  readonly address: string;
}

/** One statement, which Snowflake runs on one state of model and view; its totals come with its rows. */
export class SnowflakeComparedScan implements ComparedScan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[];
  readonly estimatedRows: number | undefined;
  readonly #state: SnowflakeComparedScanState;
  readonly #lines: ComparedLines<TextRow>;
  #started = false;

  constructor(state: SnowflakeComparedScanState) {
    this.#state = state;
    const { layout } = state;
    this.#lines = new ComparedLines({
      leading: (line) => line.slice(0, LEADING_TEXTS),
      rows: (lines) =>
        new TextRows(
          lines.map((line) => line.slice(LEADING_TEXTS)),
          layout,
        ),
      decodeCursor: layout.decodeCursor,
    });
    this.columns = state.columns;
    this.now = state.now;
    this.notes = state.notes;
    this.estimatedRows = state.estimatedRows;
  }

  async *batches(): AsyncGenerator<ComparedRows, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    for await (const lines of this.#stream(this.#state.texts.rows)) {
      const batch = this.#lines.batch(lines);
      if (batch.count + batch.unmatched.length > 0) yield batch;
    }
    await this.#state.checkUnchanged();
  }

  async totals(): Promise<ScanTotals> {
    return this.#lines.totals();
  }

  async *missing(): AsyncIterable<readonly MarkedRow[]> {
    if (this.#lines.missing.length > 0) yield this.#lines.missing;
  }

  async *repeated(): AsyncGenerator<ComparedRows, void, undefined> {
    for await (const lines of this.#stream(this.#state.texts.repeated)) yield this.#lines.batch(lines);
  }

  async close(): Promise<void> {
    await this.#state.close();
  }

  async *#stream(text: string): AsyncGenerator<readonly TextRow[], void, undefined> {
    const { connection, signal, purpose, silenceMs, address } = this.#state;
    let statement: RowStatement;
    try {
      statement = await connection.stream(text, { signal, purpose });
    } catch (error) {
      throw isUnknownObject(error) ? droppedTables(address, error) : error;
    }
    yield* rowsOf(connection, statement, silenceMs, signal);
  }
}
