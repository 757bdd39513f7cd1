import type { RowVerdict } from '../core/change.ts';
import { HeadraceError } from '../core/errors.ts';

/** A verdict is stored as its place in this list. */
export const VERDICTS: readonly RowVerdict[] = ['fact', 'absent', 'quarantined'];

export function verdictOf(code: number): RowVerdict {
  const verdict = VERDICTS[code];
  if (verdict === undefined) throw new HeadraceError('SNAPSHOT_CORRUPT', `A row of the view has the unknown verdict ${code}.`);
  return verdict;
}
