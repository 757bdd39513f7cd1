import type { RowStatement } from 'snowflake-sdk';
import { StatementScan } from '../statement-scan.ts';
import { type CompareTexts, LEADING_TEXTS } from '../view-compare.ts';
import { droppedTables } from '../view-engine.ts';
import type { ComparedScan } from '../warehouse.ts';
import { type TextRow, TextRows } from './rows.ts';
import { rowsOf, type SnowflakeScanState } from './scan.ts';
import { isUnknownObject } from './view-engine.ts';

export interface SnowflakeComparedScanState extends Omit<SnowflakeScanState, 'text' | 'byChangeFeed'> {
  readonly texts: Pick<CompareTexts, 'rows' | 'repeated'>;
  /** Of the view, for errors. */
  readonly address: string;
}

export function comparedScan(state: SnowflakeComparedScanState): ComparedScan {
  const { connection, signal, purpose, silenceMs, address, layout } = state;
  return new StatementScan<TextRow>({
    ...state,
    async *lines(text) {
      let statement: RowStatement;
      try {
        statement = await connection.stream(text, { signal, purpose });
      } catch (error) {
        throw isUnknownObject(error) ? droppedTables(address, error) : error;
      }
      yield* rowsOf(connection, statement, silenceMs, signal);
    },
    leading: (line) => line.slice(0, LEADING_TEXTS),
    rows: (lines) =>
      new TextRows(
        lines.map((line) => line.slice(LEADING_TEXTS)),
        layout,
      ),
    decodeCursor: layout.decodeCursor,
  });
}
