import type { Field } from '../config/project.ts';
import type { Column } from '../core/row.ts';
import type { ControlRecord, Horizon } from '../snapshot/changelog.ts';
import type { FeedRequest, ScanRequest, ScanSlice } from '../warehouse/warehouse.ts';
import type { Contract } from './contract.ts';
import { cursorAt } from './horizon.ts';
import type { Job } from './job.ts';
import type { Scope } from './scope.ts';

type Before = Partial<Pick<ControlRecord, 'horizon' | 'changeFeed'>>;

/** What a run asks the warehouse for, as far as the last one came. */
export function scanRequest(job: Job, contract: Contract, scope: Scope, before: Before, slice?: ScanSlice): ScanRequest {
  const { model, mapping } = job;
  const { cursor } = model;
  const { columns } = contract.mapper;
  // A row whose cursor alone changed must be looked at: its entry may not expire before it.
  const withCursor = model.appendOnly && cursor !== undefined && !columns.includes(cursor.column) ? [...columns, cursor.column] : columns;
  return {
    relation: model.relation,
    columns: withCursor,
    keyLength: contract.keyLength,
    cursor: cursor && {
      column: cursor.column,
      nulls: cursor.nulls !== 'never',
      from: slice === undefined ? readFrom(job, contract, scope, before.horizon ?? null) : undefined,
      changeFeed: slice === undefined ? feedRequest(job, scope, before.changeFeed) : undefined,
    },
    orderBy: slice?.key.map(({ name }) => name) ?? (mapping.class === 'behavior' ? eventOrder(job) : undefined),
    slice,
    purpose: { project: job.project.name, mapping: mapping.name, model: model.name, run: job.runId },
  };
}

/** A scan of everything finds out whether the feed can be read: only then is it known to lack nothing behind that scan. */
function feedRequest({ model }: Job, scope: Scope, before: Before['changeFeed']): FeedRequest | undefined {
  const kind = model.changeFeed;
  if (kind === undefined) return undefined;
  return { kind, isRead: scope.kind === 'incremental', sinceMs: before?.kind === kind ? before.atMs : undefined };
}

/** A full comparison of an append-only model has nothing to look for below the horizon; only one that a person asks for reads (and counts) what lies there. */
function readFrom(job: Job, contract: Contract, scope: Scope, horizon: Horizon | null): NonNullable<ScanRequest['cursor']>['from'] {
  const { model, options } = job;
  if (model.cursor === undefined) return undefined;
  if (scope.watermark !== null) return { watermark: scope.watermark, lookback: model.cursor.lookback };
  if (!model.appendOnly || options.full || horizon === null) return undefined;
  const watermark = cursorAt(cursorKind(job, contract.columns), horizon.position);
  return watermark === null ? undefined : { watermark, lookback: 'ms' in model.cursor.lookback ? { ms: 0 } : { count: 0 } };
}

/** Immutable events are published in (occurred_at, identity) order: the warehouse sorts. */
function eventOrder({ mapping }: Job): string[] | undefined {
  const { occurredAt, identity, fields } = mapping;
  const sources = identity.map((name) => fields.find((f: Field) => f.name === name)?.source);
  const columns = [occurredAt, ...sources].flatMap((source) => (source !== undefined && 'from' in source ? [source.from] : []));
  return columns.length === sources.length + 1 ? [...new Set(columns)] : undefined;
}

export function cursorKind(job: Job, columns: readonly Column[]): Column['kind'] {
  return columns.find((c) => c.name === job.model.cursor?.column)?.kind ?? 'timestamp';
}
