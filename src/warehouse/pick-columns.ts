import { HeadraceError } from '../core/errors.ts';
import { nearestName } from '../core/nearest.ts';
import type { Column } from '../core/row.ts';
import { checkCursorKind } from './cursor-bound.ts';
import type { ScanRequest } from './warehouse.ts';

/** The columns that a request asks for, found among those that the relation yields. */
export interface PickedColumns {
  readonly columns: readonly Column[];
  readonly cursor: Column | undefined;
}

/** Throws CONTRACT_MISMATCH for a column that is missing, or for a cursor that cannot be one; QUERY_INVALID for two columns of one name. */
export function pickColumns(request: ScanRequest, yielded: readonly Column[]): PickedColumns {
  checkUnique(yielded);
  const byName = new Map(yielded.map((column) => [column.name, column]));
  const wanted = [...request.columns, ...(request.cursor === undefined ? [] : [request.cursor.column]), ...(request.orderBy ?? [])];
  const missing = [...new Set(wanted)].filter((name) => !byName.has(name));
  if (missing.length > 0) throw missingColumns(missing, yielded);
  const cursor = request.cursor === undefined ? undefined : byName.get(request.cursor.column);
  if (cursor !== undefined) checkCursorKind(cursor);
  return { columns: request.columns.flatMap((name) => byName.get(name) ?? []), cursor };
}

/** Throws QUERY_INVALID where two columns have one name: nobody could say which one a field means. */
export function checkUnique(columns: readonly Column[]): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name)) {
      throw new HeadraceError('QUERY_INVALID', `The query yields two columns of the name "${name}".`, {
        suggestion: 'Give one of them another name with `as`.',
      });
    }
    seen.add(name);
  }
}

function missingColumns(missing: readonly string[], yielded: readonly Column[]): HeadraceError {
  const names = yielded.map((column) => column.name);
  const quoted = missing.map((name) => `"${name}"`).join(', ');
  const near = missing.flatMap((name) => nearestName(name, names) ?? []).map((name) => `"${name}"`);
  return new HeadraceError(
    'CONTRACT_MISMATCH',
    `The model has no column${missing.length > 1 ? 's' : ''} ${quoted}. It has: ${names.join(', ') || 'no columns'}.`,
    near.length === 0 ? {} : { suggestion: `Did you mean ${near.join(', ')}?` },
  );
}
