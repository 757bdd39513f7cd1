import type { MarkedRow, RowBatch } from '../core/row.ts';
import { HashedRows } from './hashed-rows.ts';
import { verdictOf } from './verdicts.ts';
import { scanTotals } from './view-compare.ts';
import type { ScanTotals } from './warehouse.ts';

/** How the lines of `compareStatement` are read. */
export interface LineReader<Line> {
  /** The leading fields. */
  leading(line: Line): readonly (string | null)[];
  /** The rest. */
  rows(lines: readonly Line[]): RowBatch;
  /** The canonical text of a cursor. */
  decodeCursor(text: string): string | null;
}

/** The lines of a comparison that is one statement: rows pass through; what else there is among them is kept until it is asked for. */
export class ComparedLines<Line> {
  readonly missing: MarkedRow[] = [];
  readonly #reader: LineReader<Line>;
  readonly #known: (readonly (string | null | undefined)[])[] = [];
  #totals: readonly (string | null)[] | undefined;

  constructor(reader: LineReader<Line>) {
    this.#reader = reader;
  }

  batch(lines: readonly Line[]): HashedRows {
    const read: Line[] = [];
    const hashes: { readonly handle: Uint8Array; readonly hash: Uint8Array }[] = [];
    const unmatched: MarkedRow[] = [];
    for (const line of lines) {
      const [part, ...fields] = this.#reader.leading(line);
      const [handle, hash] = fields;
      if (part === 'totals') this.#totals = fields;
      else if (part === 'known') this.#known.push(fields);
      else if (part === 'missing') this.missing.push(marked(fields));
      else if (hash === null) unmatched.push(marked(fields));
      else {
        read.push(line);
        hashes.push({ handle: bytesOf(handle), hash: bytesOf(hash) });
      }
    }
    return new HashedRows(this.#reader.rows(read), hashes, unmatched);
  }

  totals(): ScanTotals {
    if (this.#totals === undefined) throw new Error('the totals come with the last of the rows');
    return scanTotals(
      this.#totals,
      this.#known.map(([verdict, rows]) => [verdict, rows]),
      (text) => this.#reader.decodeCursor(text),
    );
  }
}

function marked([handle, , ordinal, verdict]: readonly (string | null | undefined)[]): MarkedRow {
  return { handle: bytesOf(handle), ordinal: Number(ordinal), verdict: verdictOf(Number(verdict)) };
}

function bytesOf(hex: string | null | undefined): Uint8Array {
  if (hex == null) throw new Error('a comparison yields NULL where a hash must stand');
  return Buffer.from(hex, 'hex');
}
