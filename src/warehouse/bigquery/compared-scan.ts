import type { Column, ComparedRows, MarkedRow } from '../../core/row.ts';
import type { ViewPlace } from '../../core/view-tables.ts';
import { ComparedLines } from '../compared-lines.ts';
import { type CompareTexts, LEADING_TEXTS } from '../view-compare.ts';
import type { ComparedScan, ScanTotals } from '../warehouse.ts';
import type { TableField } from './columns.ts';
import { QueryResult } from './results.ts';
import { type ApiRow, ApiRows } from './rows.ts';
import type { BigQueryScanState } from './scan.ts';
import { viewError } from './view-engine.ts';

export interface BigQueryComparedScanState extends Omit<BigQueryScanState, 'text'> {
  readonly texts: Pick<CompareTexts, 'rows' | 'repeated'>;
  readonly place: ViewPlace;
}

/** Of the lines that a comparison yields: leading texts, then the fields of a row. */
const LEADING: readonly TableField[] = ['part', 'a', 'b', 'c', 'd'].map((name) => ({ name, type: 'STRING' }));

/** One query job, which BigQuery runs on one state of model and view; its totals come with its rows. */
export class BigQueryComparedScan implements ComparedScan {
  readonly columns: readonly Column[];
  readonly now: string | null;
  readonly estimatedRows: number | undefined;
  readonly #state: BigQueryComparedScanState;
  readonly #results: QueryResult[] = [];
  readonly #lines: ComparedLines<ApiRow>;
  #started = false;

  constructor(state: BigQueryComparedScanState) {
    const { layout } = state;
    this.#state = state;
    this.columns = state.columns;
    this.now = state.now;
    this.estimatedRows = state.estimatedRows;
    this.#lines = new ComparedLines({
      leading: ({ f }) => f.slice(0, LEADING_TEXTS).map(({ v }) => v as string | null),
      rows: (lines) =>
        new ApiRows(
          lines.map(({ f }) => ({ f: f.slice(LEADING_TEXTS) })),
          layout,
        ),
      decodeCursor: layout.decodeCursor,
    });
  }

  async *batches(): AsyncGenerator<ComparedRows, void, undefined> {
    if (this.#started) throw new Error('A scan is read once.');
    this.#started = true;
    for await (const lines of this.#pages(this.#state.texts.rows)) {
      const batch = this.#lines.batch(lines);
      if (batch.count + batch.unmatched.length > 0) yield batch;
    }
  }

  async totals(): Promise<ScanTotals> {
    return this.#lines.totals();
  }

  async *missing(): AsyncIterable<readonly MarkedRow[]> {
    if (this.#lines.missing.length > 0) yield this.#lines.missing;
  }

  async *repeated(): AsyncGenerator<ComparedRows, void, undefined> {
    for await (const lines of this.#pages(this.#state.texts.repeated)) yield this.#lines.batch(lines);
  }

  async close(): Promise<void> {
    this.#state.onClose();
    await Promise.all(this.#results.map((result) => result.close()));
  }

  async *#pages(text: string): AsyncGenerator<readonly ApiRow[], void, undefined> {
    const { connection, place, fields } = this.#state;
    const named = fields.map((field, i) => ({ ...field, name: `f${i}` }));
    const result = new QueryResult({ ...this.#state, query: { text } }, [...LEADING, ...named]);
    this.#results.push(result);
    try {
      yield* result.pages();
    } catch (error) {
      throw viewError(error, connection, place);
    }
  }
}
