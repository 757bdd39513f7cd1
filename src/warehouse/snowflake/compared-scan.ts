import type { RowStatement } from 'snowflake-sdk';
import type { Column, ComparedRows, MarkedRow } from '../../core/row.ts';
import { HashedRows } from '../hashed-rows.ts';
import { verdictOf } from '../verdicts.ts';
import { type CompareTexts, LEADING_TEXTS, scanTotals } from '../view-compare.ts';
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
  readonly #known: TextRow[] = [];
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
      const batch = comparedRows(
        lines.filter((line) => this.#isRow(line)),
        this.#state.layout,
      );
      if (batch.count + batch.unmatched.length > 0) yield batch;
    }
    await this.#state.checkUnchanged();
  }

  async totals(): Promise<ScanTotals> {
    if (this.#totals === undefined) throw new Error('the totals come with the last of the rows');
    return scanTotals(
      this.#totals.slice(1),
      this.#known.map(([, verdict, rows]) => [verdict, rows]),
      this.#state.layout.decodeCursor,
    );
  }

  async *missing(): AsyncIterable<readonly MarkedRow[]> {
    if (this.#missing.length > 0) yield this.#missing;
  }

  async *repeated(): AsyncGenerator<ComparedRows, void, undefined> {
    for await (const lines of this.#lines(this.#state.texts.repeated)) yield comparedRows(lines, this.#state.layout);
  }

  async close(): Promise<void> {
    await this.#state.close();
  }

  /** Keeps what is no row. */
  #isRow(line: TextRow): boolean {
    const [part] = line;
    if (part === 'totals') this.#totals = line;
    else if (part === 'known') this.#known.push(line);
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
function comparedRows(lines: readonly TextRow[], layout: RowLayout): HashedRows {
  const read = lines.filter(([, , hash]) => hash !== null);
  const rows = read.map((line) => line.slice(LEADING_TEXTS));
  const hashes = read.map(([, handle, hash]) => ({ handle: bytesOf(handle), hash: bytesOf(hash) }));
  return new HashedRows(new TextRows(rows, layout), hashes, lines.filter(([, , hash]) => hash === null).map(marked));
}

function marked([, handle, , ordinal, verdict]: TextRow): MarkedRow {
  return { handle: bytesOf(handle), ordinal: Number(ordinal), verdict: verdictOf(Number(verdict)) };
}

function bytesOf(hex: string | null | undefined): Uint8Array {
  if (hex == null) throw new Error('Snowflake yields NULL where a hash must stand.');
  return Buffer.from(hex, 'hex');
}
