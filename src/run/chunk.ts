import type { Change } from '../core/change.ts';
import type { Envelope } from '../publish/envelope.ts';
import type { ControlRecord, Horizon } from '../snapshot/changelog.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { LedgerRecord, LedgerSummary } from './chunk-records.ts';
import type { Job } from './job.ts';
import { furtherOffsets, knownOffsets, type publishedAfter, zeros } from './publication.ts';
import type { RollbackStates } from './rollback.ts';
import type { ColumnTypes } from './schema-drift.ts';

/** What a chunk says of progress, beside its changes. */
export interface ChunkProgress {
  readonly last: boolean;
  readonly watermark: string | null;
  readonly digest: string | null;
  readonly fullComparisonAt: number | null;
  readonly columns: ColumnTypes | null;
  /** Of the control record from the first expiry, or the last chunk, on. */
  readonly horizon: Horizon | null;
  readonly backfill: ControlRecord['backfill'];
  readonly changeFeed: ControlRecord['changeFeed'];
  /** Rows below the horizon, for the ledger. */
  readonly late: number;
  /** Of the run, for the ledger; on its last chunk. */
  readonly summary?: LedgerSummary | undefined;
}

/** Nothing but the changes of a chunk: progress stays where the view has it. */
export function unmoved(view: SnapshotView): ChunkProgress {
  const { control } = view.state;
  return {
    last: false,
    watermark: control?.watermark ?? null,
    digest: control?.digest ?? null,
    fullComparisonAt: control?.fullComparisonAt ?? null,
    columns: control?.columns ?? null,
    horizon: control?.horizon ?? null,
    backfill: control?.backfill,
    changeFeed: control?.changeFeed,
    late: 0,
  };
}

/** What every chunk of a run has in common. */
export interface WriterParts {
  readonly envelope: Envelope;
  /** Of the control record: what does not change during the run. */
  readonly origin: Pick<ControlRecord, 'contractVersion' | 'form' | 'environment' | 'clusterId' | 'fingerprint' | 'versionFloor' | 'epoch'>;
  readonly partitions: number;
  /** Topics of further contracts, in their order. */
  readonly further?: readonly FurtherTopic[];
  /** What is published: until the comparison is complete, and then. */
  readonly published?: ReturnType<typeof publishedAfter>;
  readonly rollback?: RollbackStates;
  readonly ledger: Pick<LedgerRecord, 'kind' | 'allowed'> &
    Partial<Pick<LedgerRecord, 'run' | 'origin' | 'rollback' | 'reason' | 'repair' | 'approval'>>;
  /** Entries are changed by hand, not by what a row says: no raw fingerprint vouches for the rows behind them any more. */
  readonly isRepair?: boolean;
  /** Of a repair: what the next run has to do. */
  readonly due?: ControlRecord['due'];
  /** Of an adoption: how far it is, and where the fact topic ends. */
  readonly adoption?: { readonly stage: 'clearing' | 'filling'; readonly nextOffsets: readonly number[] } | undefined;
}

/** The topic of a further contract, which gets every version of every fact in the same transaction. */
export interface FurtherTopic {
  readonly topic: string;
  readonly version: string;
  readonly partitions: number;
  readonly envelope: Envelope;
}

/** The control record of a chunk, but for the offsets that its facts are about to get. */
export function controlOf(
  job: Job,
  view: SnapshotView,
  { origin, partitions, adoption, rollback, further = [], published, due }: WriterParts,
  chunk: number,
  changes: readonly Change[],
  { late, summary: _, ...progress }: ChunkProgress,
): ControlRecord {
  const { control } = view.state;
  // Promise 2: no entry is gone before the horizon says so; Promise 1: nothing is refused before it was published, and expiries come last.
  const isRaised = progress.last || changes.some(({ kind }) => kind === 'expired');
  const horizon = isRaised ? progress.horizon : (control?.horizon ?? null);
  const topic = job.topics.facts;
  const places = {
    topic,
    nextOffsets: adoption?.nextOffsets ?? knownOffsets(job, control, topic) ?? zeros(partitions),
    also: furtherOffsets(job, control, further),
    published: progress.last ? published?.after : published?.during,
    rollback: progress.last ? rollback?.after : rollback?.during,
  };
  // Only a complete comparison has looked at every row.
  const isDone = progress.last && progress.fullComparisonAt !== (control?.fullComparisonAt ?? null);
  const remaining = due ?? (isDone ? undefined : control?.due);
  const stage = adoption !== undefined && !progress.last ? { adoption: adoption.stage } : {};
  return {
    format: 1,
    run: job.runId,
    chunk,
    ...progress,
    horizon,
    ...origin,
    ...places,
    ...(remaining === undefined ? {} : { due: remaining }),
    ...stage,
  };
}
