import type { Column, ComparedRows, MarkedRow, RowBatch } from '../core/row.ts';
import { HashedRows } from './hashed-rows.ts';
import { verdictOf } from './verdicts.ts';
import { type CompareTexts, scanTotals } from './view-compare.ts';
import type { ComparedScan, ScanTotals } from './warehouse.ts';

/** How an engine runs the statements of `compareStatement`, and reads their lines. */
export interface StatementScanParts<Line> {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes?: readonly string[] | undefined;
  readonly estimatedRows: number | undefined;
  readonly texts: Pick<CompareTexts, 'rows' | 'repeated'>;
  lines(text: string): AsyncIterable<readonly Line[]>;
  /** The leading fields. */
  leading(line: Line): readonly (string | null)[];
  /** The rest. */
  rows(lines: readonly Line[]): RowBatch;
  /** The canonical text of a cursor. */
  decodeCursor(text: string): string | null;
  /** Behind the last row. */
  checkUnchanged?(): Promise<void>;
  close(): Promise<void>;
}

/** A comparison that is one statement, which the engine runs on one state of model and view: rows pass through; what else there is among its lines is kept until it is asked for. */
export class StatementScan<Line> implements ComparedScan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly notes: readonly string[] | undefined;
  readonly estimatedRows: number | undefined;
  readonly #parts: StatementScanParts<Line>;
  readonly #missing: MarkedRow[] = [];
  readonly #known: (readonly (string | null | undefined)[])[] = [];
  #totals: readonly (string | null)[] | undefined;
  #started = false;

  constructor(parts: StatementScanParts<Line>) {
    this.#parts = parts;
    this.columns = parts.columns;
    this.now = parts.now;
    this.notes = parts.notes;
    this.estimatedRows = parts.estimatedRows;
  }

  async *batches(): AsyncGenerator<ComparedRows, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    for await (const lines of this.#parts.lines(this.#parts.texts.rows)) {
      const batch = this.#batch(lines);
      if (batch.count + batch.unmatched.length > 0) yield batch;
    }
    await this.#parts.checkUnchanged?.();
  }

  async totals(): Promise<ScanTotals> {
    if (this.#totals === undefined) throw new Error('the totals come with the last of the rows');
    return scanTotals(
      this.#totals,
      this.#known.map(([verdict, rows]) => [verdict, rows]),
      (text) => this.#parts.decodeCursor(text),
    );
  }

  async *missing(): AsyncIterable<readonly MarkedRow[]> {
    if (this.#missing.length > 0) yield this.#missing;
  }

  async *repeated(): AsyncGenerator<ComparedRows, void, undefined> {
    for await (const lines of this.#parts.lines(this.#parts.texts.repeated)) yield this.#batch(lines);
  }

  async close(): Promise<void> {
    await this.#parts.close();
  }

  #batch(lines: readonly Line[]): HashedRows {
    const read: Line[] = [];
    const hashes: { readonly handle: Uint8Array; readonly hash: Uint8Array }[] = [];
    const unmatched: MarkedRow[] = [];
    for (const line of lines) {
      const [part, ...fields] = this.#parts.leading(line);
      const [handle, hash] = fields;
      if (part === 'totals') this.#totals = fields;
      else if (part === 'known') this.#known.push(fields);
      else if (part === 'missing') this.#missing.push(marked(fields));
      else if (hash === null) unmatched.push(marked(fields));
      else {
        read.push(line);
        hashes.push({ handle: bytesOf(handle), hash: bytesOf(hash) });
      }
    }
    return new HashedRows(this.#parts.rows(read), hashes, unmatched);
  }
}

function marked([handle, , ordinal, verdict]: readonly (string | null | undefined)[]): MarkedRow {
  return { handle: bytesOf(handle), ordinal: Number(ordinal), verdict: verdictOf(Number(verdict)) };
}

function bytesOf(hex: string | null | undefined): Uint8Array {
  if (hex == null) throw new Error('a comparison yields NULL where a hash must stand');
  return Buffer.from(hex, 'hex');
}
