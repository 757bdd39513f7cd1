import type { Field } from '../config/project.ts';
import type { Change } from '../core/change.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Column } from '../core/row.ts';
import { createRawFingerprint, type Fingerprints } from '../snapshot/fingerprints.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { Scan, ScanRequest } from '../warehouse/warehouse.ts';
import { ChangeSet } from './change-set.ts';
import type { FactTopic } from './check-topics.ts';
import { Comparison, NeedsFullComparison } from './comparison.ts';
import type { Contract } from './contract.ts';
import type { Job } from './job.ts';
import { digestOfJob, publishedNow } from './publication.ts';
import type { PublishedContract } from './published-contract.ts';
import type { Scope } from './scope.ts';
import { Watermark } from './watermark.ts';

export interface ReadingParts {
  readonly contract: PublishedContract;
  readonly fingerprints: Fingerprints;
  readonly facts: FactTopic;
  readonly versionFloor: number;
  /** Called between batches with what was found so far; an initial load publishes and drains it there. */
  readonly onBatch?: ((changes: ChangeSet) => Promise<boolean>) | undefined;
}

/** What one scan of the model came to. */
export interface Reading {
  readonly scope: Scope;
  readonly comparison: Comparison;
  readonly changes: ChangeSet;
  readonly watermark: Watermark;
  /** When the scan began, milliseconds since 1970. */
  readonly startedAtMs: number;
}

/** Steps 5 to 7: extract, map, diff. Starts anew with a full comparison where an incremental scan turns out not to be enough. */
export async function readModel(job: Job, view: SnapshotView, scope: Scope, parts: ReadingParts): Promise<Reading> {
  try {
    const reading = await readOnce(job, view, scope, parts, (note) => job.progress.warn(`${job.mapping.name}: ${note}`));
    // Rows without a cursor are read whatever it is: they do not show that the source has come so far.
    if (scope.kind !== 'incremental' || reading.watermark.hasSeenAny) return reading;
    reading.changes.close();
    job.progress.warn(
      `${job.mapping.name}: no row lies at or above ${scope.watermark} less the lookback; was the source restored, or its newest rows removed? Comparing in full`,
    );
    return await readOnce(job, view, full('the source lies behind the watermark'), parts);
  } catch (error) {
    if (!(error instanceof NeedsFullComparison)) throw error;
    job.progress.warn(`${job.mapping.name}: a fact moved to another row; comparing in full to see whether the old row is gone`);
    return readOnce(job, view, full('a fact moved to another row'), parts);
  }
}

async function readOnce(
  job: Job,
  view: SnapshotView,
  scope: Scope,
  parts: ReadingParts,
  warn: (note: string) => void = () => undefined,
): Promise<Reading> {
  const { contract, onBatch } = parts;
  const startedAtMs = job.clock();
  const changes = new ChangeSet(job.folder);
  const scan = await job.warehouse.openScan(scanRequest(job, contract, scope), job.signal);
  try {
    for (const note of scan.notes ?? []) warn(note);
    checkDrift(job, contract, scan.columns);
    const watermark = new Watermark(cursorKind(job, scan.columns), scan.now);
    const comparison = await startComparison(job, view, scope, parts, scan, (change) => changes.add(change));
    job.progress.update({ phase: 'reading', rowsEstimated: scope.kind === 'incremental' ? undefined : scan.estimatedRows });
    for await (const batch of scan.batches()) {
      job.signal.throwIfAborted();
      comparison.compareBatch(batch);
      if (job.model.cursor !== undefined) for (let i = 0; i < batch.count; i++) watermark.note(batch.cursor(i));
      if (await onBatch?.(changes)) comparison.forgetPublished();
      job.progress.update({ rowsRead: comparison.counts.rows, factsChanged: factsOf(comparison) });
      await job.reach('while_mapping');
    }
    comparison.finish(scope.kind !== 'incremental');
    return { scope, comparison, changes, watermark, startedAtMs };
  } catch (error) {
    changes.close();
    throw error;
  } finally {
    await scan.close();
  }
}

async function startComparison(
  job: Job,
  view: SnapshotView,
  scope: Scope,
  parts: ReadingParts,
  scan: Scan,
  emit: (change: Change) => void,
): Promise<Comparison> {
  const { mapping, model, options } = job;
  const { contract, fingerprints, facts, versionFloor } = parts;
  const meaning = [
    digestOfJob(job),
    publishedNow(job),
    job.warehouse.type,
    contract.keyLength,
    scan.columns.map((c) => [c.name, c.kind, c.sourceType]),
  ];
  const rawFingerprint = await createRawFingerprint(view.state.nonce, meaning);
  const { mapper, canonical, codec } = contract;
  const refill = contract.refill?.(fingerprints);
  const immutable = mapping.class === 'behavior';
  return new Comparison(
    { view, mapper, canonical, encode: codec.encode, fingerprints, rawFingerprint, emit, refill },
    {
      mapping: mapping.name,
      fieldNames: mapper.fieldNames,
      immutable,
      versionFloor,
      keep: {
        current: mapping.onDelete === 'fact' || mapping.undo === 'previous',
        previous: mapping.undo === 'previous',
        identity: !immutable,
        onDelete: mapping.onDelete,
      },
      endMissing: model.deletes.missingRows && mapping.onDelete !== 'none',
      baseline: scope.kind === 'initial load' && mapping.initialLoad === 'baseline',
      maxValueBytes: facts.maxValueBytes,
      detectedAt: new Date(job.clock()).toISOString().replace('Z', '000Z'),
      showKeys: options.showKeys,
      rejectNullCursor: model.cursor?.nulls === 'reject',
      cursorColumn: model.cursor?.column,
    },
  );
}

export function scanRequest(job: Job, contract: Contract, scope: Scope): ScanRequest {
  const { model, mapping } = job;
  const { cursor } = model;
  const { watermark } = scope;
  return {
    relation: model.relation,
    columns: contract.mapper.columns,
    keyLength: contract.keyLength,
    cursor: cursor && {
      column: cursor.column,
      nulls: cursor.nulls !== 'never',
      from: watermark === null ? undefined : { watermark, lookback: cursor.lookback },
    },
    orderBy: mapping.class === 'behavior' ? eventOrder(job) : undefined,
  };
}

/** Immutable events are published in (occurred_at, identity) order: the warehouse sorts. */
function eventOrder({ mapping }: Job): string[] | undefined {
  const { occurredAt, identity, fields } = mapping;
  const sources = identity.map((name) => fields.find((f: Field) => f.name === name)?.source);
  const columns = [occurredAt, ...sources].flatMap((source) => (source !== undefined && 'from' in source ? [source.from] : []));
  return columns.length === sources.length + 1 ? [...new Set(columns)] : undefined;
}

/** The columns were described a moment ago: what differs now changed in between, and rows may be cut or converted. */
function checkDrift(job: Job, contract: Contract, columns: readonly Column[]): void {
  for (const column of columns) {
    const before = contract.columns.find((c) => c.name === column.name);
    if (before?.kind === column.kind && before.sourceType === column.sourceType) continue;
    throw new HeadraceError(
      'SCHEMA_DRIFT',
      `${job.mapping.name}: column ${column.name} of model ${job.model.name} changed from ${before?.sourceType ?? 'absent'} to ${column.sourceType} while the run started.`,
      {
        suggestion: 'Nothing was published. Run again once the change to the table is complete.',
      },
    );
  }
}

function cursorKind(job: Job, columns: readonly Column[]): Column['kind'] {
  return columns.find((c) => c.name === job.model.cursor?.column)?.kind ?? 'timestamp';
}

function full(reason: string): Scope {
  return { kind: 'full comparison', reason, watermark: null };
}

function factsOf({ counts }: Comparison): number {
  return counts.created + counts.updated + counts.deleted + counts.filled;
}
