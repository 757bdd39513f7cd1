import type { Entry } from '../../core/entry.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Column } from '../../core/row.ts';
import type { BackfillCounts, BackfillState } from '../../snapshot/changelog.ts';
import type { SnapshotView } from '../../snapshot/view.ts';
import type { ScanSlice } from '../../warehouse/warehouse.ts';
import type { FactTopics } from '../check-topics.ts';
import type { LeftState } from '../comparison/rules.ts';
import type { Job } from '../job.ts';
import type { Origin } from '../origin.ts';
import type { PublishedContract } from '../published-contract.ts';
import { type Reading, readSlice } from '../read-model.ts';
import type { BackfillOrder } from './order.ts';
import { type Selection, selectionOf } from './slices.ts';

/** What one slice came to. */
export interface SliceReading {
  readonly reading: Reading;
  readonly counts: BackfillCounts;
  /** Model key of its last row. */
  readonly last: readonly string[] | null;
}

export interface SliceParts {
  readonly view: SnapshotView;
  readonly origin: Origin;
  readonly contract: PublishedContract;
  readonly facts: FactTopics;
}

/** The rows of an order, with the types of the columns that it goes by. Throws CONFIG_INVALID. */
export function selectRows(
  { mapping, model }: Job,
  { columns, mapper, keyLength }: PublishedContract,
  { rows, force }: BackfillOrder,
): Selection {
  if (force && mapping.class === 'behavior') {
    throw new HeadraceError(
      'CONFIG_INVALID',
      `${mapping.name}: behavior facts are immutable: each has one version, and none is published again.`,
      {
        suggestion:
          'Leave --force out to publish what is missing; for consumers that are to read again, there is `headrace replay`. Nothing was changed.',
      },
    );
  }
  const named = (name: string) => columns.find((column) => column.name === name) as Column;
  const key = mapper.columns.slice(0, keyLength).map(named);
  return selectionOf({ mapping: mapping.name, model, key, cursor: model.cursor && named(model.cursor.column) }, rows);
}

/** Extract, map, diff, for the rows of a slice. Throws NeedsFullComparison where a fact moved to another row. */
export async function compareSlice(
  job: Job,
  { view, origin, contract, facts }: SliceParts,
  slice: ScanSlice,
  { force, begunAt }: Pick<BackfillState, 'force' | 'begunAt'>,
): Promise<SliceReading> {
  let last: readonly string[] | null = null;
  let repeated = 0;
  const left = { deleted: 0, held: 0, erased: 0 };
  // Promise 2: what stands behind the end that the topic had at the beginning was published since, by this backfill or by a run.
  const repeats = ({ partition, offset }: Entry): boolean => {
    const isRepeated = offset < (begunAt[partition] ?? 0);
    if (isRepeated) repeated++;
    return isRepeated;
  };
  const reading = await readSlice(job, view, {
    contract,
    encode: contract.encode,
    fingerprints: origin.fingerprints,
    facts,
    versionFloor: origin.record.versionFloor,
    slice,
    backfill: { leave: (state: LeftState) => void left[state]++, ...(force ? { repeats } : {}) },
    onRows: (batch) => {
      if (batch.count > 0) last = batch.values(batch.count - 1).slice(0, contract.keyLength) as readonly string[];
    },
  });
  const { rows, unchanged, absent, rejected, late, created, updated, deleted } = reading.comparison.counts;
  const counts = { rows, unchanged, absent, rejected, late, created, updated: Math.max(0, updated - repeated), deleted, repeated, left };
  return { reading, counts, last };
}

export function added(one: BackfillCounts, other: BackfillCounts): BackfillCounts {
  const sum = <K extends string>(a: Readonly<Record<K, number>>, b: Readonly<Record<K, number>>) =>
    Object.fromEntries((Object.keys(a) as K[]).map((name) => [name, a[name] + b[name]])) as Record<K, number>;
  const { left: leftOne, ...restOne } = one;
  const { left: leftOther, ...restOther } = other;
  return { ...sum(restOne, restOther), left: sum(leftOne, leftOther) };
}
