import type { RowBatch } from '../../core/row.ts';
import type { Scan } from '../warehouse.ts';
import { throwIfAborted } from './connection.ts';
import { postgresError } from './errors.ts';
import { OpenScan, type OpenScanState } from './open-scan.ts';
import { type LineLayout, LineMarker } from './rows.ts';

/** What a scan was opened with. */
export interface PostgresScanState extends OpenScanState {
  /** The SELECT that COPY wraps. */
  readonly text: string;
  readonly layout: LineLayout;
}

/** Enough for one batch; measured: larger ones gain nothing. */
const BATCH_BYTES = 128 * 1024;

/** One transaction and one COPY. */
export class PostgresScan extends OpenScan<PostgresScanState> implements Scan {
  async *batches(): AsyncGenerator<RowBatch, void, undefined> {
    this.mustBeFirst();
    const { connection, signal, text, layout } = this.state;
    const marker = new LineMarker(layout);
    try {
      yield* this.copy({
        text,
        blockBytes: BATCH_BYTES,
        finish: 'commit',
        cut: (lines, isLast, giveBack) => {
          const batch = marker.mark(lines, isLast);
          giveBack(lines.subarray(batch.size));
          return { batch, rows: batch.count };
        },
      });
      await connection.end();
    } catch (error) {
      connection.destroy();
      throwIfAborted(signal);
      throw postgresError(error, connection.context);
    }
  }
}
