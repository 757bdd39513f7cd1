import type { ViewPlace } from '../../core/view-tables.ts';
import { StatementScan } from '../statement-scan.ts';
import { type CompareTexts, LEADING_TEXTS } from '../view-compare.ts';
import type { ComparedScan } from '../warehouse.ts';
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

/** Each statement is one query job. */
export function comparedScan(state: BigQueryComparedScanState): ComparedScan {
  const { connection, place, layout } = state;
  const fields = [...LEADING, ...state.fields.map((field, i) => ({ ...field, name: `f${i}` }))];
  const results: QueryResult[] = [];
  return new StatementScan<ApiRow>({
    ...state,
    async *lines(text) {
      const result = new QueryResult({ ...state, query: { text } }, fields);
      results.push(result);
      try {
        yield* result.pages();
      } catch (error) {
        throw viewError(error, connection, place);
      }
    },
    leading: ({ f }) => f.slice(0, LEADING_TEXTS).map(({ v }) => v as string | null),
    rows: (lines) =>
      new ApiRows(
        lines.map(({ f }) => ({ f: f.slice(LEADING_TEXTS) })),
        layout,
      ),
    decodeCursor: layout.decodeCursor,
    close: async () => {
      state.onClose();
      await Promise.all(results.map((result) => result.close()));
    },
  });
}
