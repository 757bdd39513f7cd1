import type { Hash } from '../../core/entry.ts';
import type { ComparedRows } from '../../core/row.ts';
import type { Fingerprints } from '../../snapshot/fingerprints.ts';
import type { RemoteView, SnapshotView } from '../../snapshot/view.ts';
import type { Comparison, MappedRow } from './comparison.ts';

/** What was found out of a batch before it is compared. */
export interface LookedAhead {
  /** Rows that are not as they were, mapped. */
  readonly mapped: readonly (MappedRow | undefined)[];
  /** Numbers of rows that the view knows. */
  readonly known: readonly number[];
}

/**
 * Loads what the comparison of a batch will ask a view for that is not at hand: the rows' marks, then the entries under the identities that rows have, have had, or have
 * none of (a row that was refused stands under its own hash).
 */
export async function lookAhead(
  batch: ComparedRows,
  comparison: Comparison,
  { view, remote, fingerprints }: { readonly view: SnapshotView; readonly remote: RemoteView; readonly fingerprints: Fingerprints },
): Promise<LookedAhead> {
  remote.releaseLoaded();
  const handles = Array.from({ length: batch.count }, (_, i) => batch.handle(i));
  await remote.loadRows(handles);
  const mapped: (MappedRow | undefined)[] = [];
  const known: number[] = [];
  const slots: Hash[] = [];
  const certain: Hash[] = [];
  for (const [i, handle] of handles.entries()) {
    const found = view.findRow(handle);
    if (found !== undefined) known.push(found.ordinal);
    if (batch.keyHasNull(i) || (found !== undefined && comparison.isAsKnown(found, batch.raw(i)))) {
      mapped.push(undefined);
      continue;
    }
    const row = comparison.mapRow(batch, i);
    mapped.push(row);
    const { identity } = row.mapped;
    if (found?.slot != null) {
      slots.push(found.slot);
      if (found.verdict === 'fact' && found.hasRaw === true) certain.push(found.slot);
    }
    if (identity !== null) slots.push(fingerprints.identity(identity));
    if (row.mapped.outcome === 'rejected' || view.state.quarantined > 0) slots.push(fingerprints.rowSlot(fingerprints.row(batch.key(i))));
  }
  await remote.loadEntries(slots, certain);
  return { mapped, known };
}
