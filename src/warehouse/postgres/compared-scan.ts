import type { Column, ComparedRows, MarkedRow } from '../../core/row.ts';
import { verdictOf } from '../verdicts.ts';
import { type CompareTexts, scanTotals } from '../view-compare.ts';
import { droppedTables } from '../view-engine.ts';
import type { ComparedScan, ScanTotals } from '../warehouse.ts';
import { ComparedLines } from './compared-rows.ts';
import { throwIfAborted } from './connection.ts';
import { postgresError } from './errors.ts';
import { OpenScan, type OpenScanState } from './open-scan.ts';
import type { LineLayout } from './rows.ts';
import { fieldDecoder } from './values.ts';

export interface ComparedScanState extends OpenScanState {
  readonly cursor: Column | undefined;
  readonly texts: CompareTexts;
  readonly layout: LineLayout;
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
export class PostgresComparedScan extends OpenScan<ComparedScanState> implements ComparedScan {
  async *batches(): AsyncGenerator<ComparedRows, void, undefined> {
    this.mustBeFirst();
    yield* this.#lines(this.state.texts.rows);
  }

  async totals(): Promise<ScanTotals> {
    return this.#guarded(async () => {
      const { client } = this.state.connection;
      const { texts, cursor } = this.state;
      const [totals] = (await client.query<TotalsRow>(texts.totals)).rows;
      const { rows: known } = await client.query<KnownTotals>(texts.known);
      return scanTotals(
        [totals?.rows, totals?.highest, totals?.any_cursor],
        known.map(({ verdict, rows }) => [verdict, rows]),
        cursor === undefined ? () => null : fieldDecoder(cursor),
      );
    });
  }

  async *missing(): AsyncIterable<readonly MarkedRow[]> {
    const { client } = this.state.connection;
    await this.#guarded(() => client.query(`declare headrace_missing no scroll cursor for ${this.state.texts.missing}`));
    for (;;) {
      const { rows } = await this.#guarded(() =>
        client.query<{ handle: Buffer; ordinal: string; verdict: number }>(`fetch ${PAGE} from headrace_missing`),
      );
      if (rows.length === 0) return;
      yield rows.map(({ handle, ordinal, verdict }) => ({ handle, ordinal: Number(ordinal), verdict: verdictOf(verdict) }));
    }
  }

  async *repeated(): AsyncGenerator<ComparedRows, void, undefined> {
    yield* this.#lines(this.state.texts.repeated);
  }

  async *#lines(text: string): AsyncGenerator<ComparedRows, void, undefined> {
    const { layout } = this.state;
    try {
      yield* this.copy({
        text,
        blockBytes: BATCH_BYTES,
        finish: 'select 1',
        cut: (lines) => {
          const batch = new ComparedLines(lines, layout);
          return { batch, rows: batch.count + batch.unmatched.length };
        },
      });
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    const silence = this.watchSilence();
    try {
      return await work();
    } catch (error) {
      throw this.#failed(error);
    } finally {
      silence.pause();
    }
  }

  #failed(error: unknown): unknown {
    const { connection, signal, address, rowsTable } = this.state;
    connection.destroy();
    throwIfAborted(signal);
    const { code, message } = error as { code?: unknown; message?: string };
    const isView =
      code === '42P01' && rowsTable.replaceAll('"', '').endsWith(/relation "(.*)" does not exist/.exec(message ?? '')?.[1] ?? '\0');
    return isView ? droppedTables(address, error) : postgresError(error, connection.context);
  }
}
