import type { RowStatement } from 'snowflake-sdk';
import type { Column, ComparedRows, MarkedRow, RowValues } from '../../core/row.ts';
import { verdictOf } from '../verdicts.ts';
import { type CompareTexts, LEADING_TEXTS } from '../view-compare.ts';
import { droppedTables } from '../view-engine.ts';
import type { ComparedScan, ScanTotals } from '../warehouse.ts';
import { type RowLayout, type TextRow, TextRows } from './rows.ts';
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
  readonly #missing: MarkedRow[] = [];
  readonly #known = { fact: 0, absent: 0, quarantined: 0 };
  #totals: TextRow | undefined;
  #started = false;

  constructor(state: SnowflakeComparedScanState) {
    this.#state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.notes = state.notes;
    this.estimatedRows = state.estimatedRows;
  }

  async *batches(): AsyncGenerator<ComparedRows, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    for await (const lines of this.#lines(this.#state.texts.rows)) {
      const batch = new ComparedTextRows(
        lines.filter((line) => this.#isRow(line)),
        this.#state.layout,
      );
      if (batch.count + batch.unmatched.length > 0) yield batch;
    }
    await this.#state.checkUnchanged();
  }

  async totals(): Promise<ScanTotals> {
    if (this.#totals === undefined) throw new Error('the totals come with the last of the rows');
    const [, rows, highest, any] = this.#totals;
    const { decodeCursor } = this.#state.layout;
    const canonical = (text: string | null | undefined) => (text == null ? null : decodeCursor(text));
    return { rows: Number(rows), known: this.#known, cursor: { highest: canonical(highest), any: canonical(any) } };
  }

  async *missing(): AsyncIterable<readonly MarkedRow[]> {
    if (this.#missing.length > 0) yield this.#missing;
  }

  async *repeated(): AsyncGenerator<ComparedRows, void, undefined> {
    for await (const lines of this.#lines(this.#state.texts.repeated)) yield new ComparedTextRows(lines, this.#state.layout);
  }

  async close(): Promise<void> {
    await this.#state.close();
  }

  /** Keeps what is no row. */
  #isRow(line: TextRow): boolean {
    const [part, first, second] = line;
    if (part === 'totals') this.#totals = line;
    else if (part === 'known') this.#known[verdictOf(Number(first))] = Number(second);
    else if (part === 'missing') this.#missing.push(marked(line));
    return part === 'row';
  }

  async *#lines(text: string): AsyncGenerator<readonly TextRow[], void, undefined> {
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

/** Lines of `compareStatement` that are rows. */
class ComparedTextRows implements ComparedRows {
  readonly count: number;
  readonly unmatched: readonly MarkedRow[];
  readonly #lines: readonly TextRow[];
  readonly #rows: TextRows;

  constructor(lines: readonly TextRow[], layout: RowLayout) {
    this.#lines = lines.filter(([, , hash]) => hash !== null);
    this.unmatched = lines.filter(([, , hash]) => hash === null).map(marked);
    this.count = this.#lines.length;
    this.#rows = new TextRows(
      this.#lines.map((line) => line.slice(LEADING_TEXTS)),
      layout,
    );
  }

  handle(row: number): Uint8Array {
    return bytesOf(this.#lines[row]?.[1]);
  }

  raw(row: number): Uint8Array {
    return bytesOf(this.#lines[row]?.[2]);
  }

  key(row: number): Uint8Array {
    return this.#rows.key(row);
  }

  keyHasNull(row: number): boolean {
    return this.#rows.keyHasNull(row);
  }

  cursor(row: number): string | null {
    return this.#rows.cursor(row);
  }

  values(row: number): RowValues {
    return this.#rows.values(row);
  }
}

function marked([, handle, , ordinal, verdict]: TextRow): MarkedRow {
  return { handle: bytesOf(handle), ordinal: Number(ordinal), verdict: verdictOf(Number(verdict)) };
}

function bytesOf(hex: string | null | undefined): Uint8Array {
  if (hex == null) throw new Error('Snowflake yields NULL where a hash must stand.');
  return Buffer.from(hex, 'hex');
}
