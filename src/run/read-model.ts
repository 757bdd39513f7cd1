import type { FactCodec } from '../contract/codec.ts';
import type { Change } from '../core/change.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Column, RowBatch } from '../core/row.ts';
import type { ControlRecord, Horizon } from '../snapshot/changelog.ts';
import { createRawFingerprints, type Fingerprints, HASHED_IN_WAREHOUSE, type RawFingerprints, rawSalt } from '../snapshot/fingerprints.ts';
import type { RemoteView, SnapshotView } from '../snapshot/view.ts';
import type { ComparedScan, ComparedScanRequest, Scan, ScanSlice } from '../warehouse/warehouse.ts';
import { ChangeSet } from './change-set.ts';
import type { FactTopic } from './check-topics.ts';
import { compareInWarehouse } from './compare-in-warehouse.ts';
import { Comparison } from './comparison/comparison.ts';
import type { BackfillRules } from './comparison/rules.ts';
import { NeedsFullComparison } from './comparison/take-overs.ts';
import type { Contract } from './contract.ts';
import { checkHorizon, cursorPosition, expiriesBelow, nextHorizon } from './horizon.ts';
import { type Job, timeOf } from './job.ts';
import { keepRulesOf } from './make-change.ts';
import { digestOfJob, publishedNow } from './publication.ts';
import type { PublishedContract } from './published-contract.ts';
import { cursorKind, scanRequest } from './scan-request.ts';
import type { Scope } from './scope.ts';
import { Watermark } from './watermark.ts';

export interface ReadingParts {
  readonly contract: PublishedContract;
  readonly encode: FactCodec['encode'];
  readonly fingerprints: Fingerprints;
  readonly facts: FactTopic;
  readonly versionFloor: number;
  /** Changes get a digest, by which a person can approve them. */
  readonly withDigest?: boolean;
  /** The part of the model that a backfill reads. */
  readonly slice?: ScanSlice | undefined;
  readonly backfill?: BackfillRules | undefined;
  /** Called with each batch as it is read. */
  readonly onRows?: ((batch: RowBatch) => void) | undefined;
  /** Called between batches with what was found so far; an initial load publishes and drains it there. */
  readonly onBatch?: ((changes: ChangeSet) => Promise<boolean>) | undefined;
}

/** What one scan of the model came to. */
export interface Reading {
  readonly scope: Scope;
  readonly comparison: Comparison;
  readonly changes: ChangeSet;
  readonly watermark: Watermark;
  /** The cursor value up to which everything was read, now. */
  readonly reached: string | null;
  /** Of an append-only model, once this run is complete; null where nothing has expired yet. */
  readonly horizon: Horizon | null;
  /** Adds to `changes` what the horizon has passed, once the changes before are in the view; absent where it does not move. */
  readonly expire?: (() => void) | undefined;
  /** When the scan began, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** The warehouse's change feed said which rows to read. */
  readonly byChangeFeed?: boolean | undefined;
  /** Since when the next run may ask the change feed; undefined where it could not be read. */
  readonly changeFeed?: ControlRecord['changeFeed'];
}

/** Steps 5 to 7: extract, map, diff. */
export async function readModel(job: Job, view: SnapshotView, scope: Scope, parts: ReadingParts): Promise<Reading> {
  const before = view.state.control?.horizon ?? null;
  const kind = cursorKind(job, parts.contract.columns);
  checkHorizon(job.model, kind, before);
  const reading = await readEnough(job, view, scope, parts);
  const { comparison, reached } = reading;
  const { late } = comparison.counts;
  if (late > 0) job.progress.warn(`${job.mapping.name}: ${lateText(late)}`);
  const horizon = nextHorizon(before, job.model, kind, reached);
  if (horizon === null) return { ...reading, horizon: before };
  return { ...reading, horizon, expire: () => comparison.expire(expiriesBelow(horizon, view, timeOf(job))) };
}

function lateText(count: number): string {
  const rows = count === 1 ? '1 row lies' : `${count.toLocaleString('en')} rows lie`;
  return `${rows} below the horizon, where published events are forgotten: published long ago, or too late; not published`;
}

/** The same for a slice of a backfill. Throws NeedsFullComparison where a fact moved to another row. */
export async function readSlice(
  job: Job,
  view: SnapshotView,
  parts: ReadingParts & Required<Pick<ReadingParts, 'slice'>>,
): Promise<Reading> {
  const { horizon = null } = view.state.control ?? {};
  checkHorizon(job.model, cursorKind(job, parts.contract.columns), horizon);
  return readOnce(job, view, { kind: 'incremental', reason: 'a slice of a backfill', watermark: null }, parts);
}

/** Starts anew with a full comparison where an incremental scan turns out not to be enough. */
async function readEnough(job: Job, view: SnapshotView, scope: Scope, parts: ReadingParts): Promise<Reading> {
  try {
    const reading = await readOnce(job, view, scope, parts, (note) => job.progress.warn(`${job.mapping.name}: ${note}`));
    // Rows without a cursor are read whatever it is: they do not show that the source has come so far.
    // A change feed without a row says that nothing changed.
    if (scope.kind !== 'incremental' || reading.watermark.hasSeenAny || reading.byChangeFeed === true) return reading;
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
  if (view.remote !== undefined) return readRemote(job, view, view.remote, scope, parts, warn);
  const { contract, onBatch, slice } = parts;
  const startedAtMs = job.clock();
  const changes = openChanges(job, parts);
  const request = scanRequest(job, contract, scope, view.state.control ?? {}, slice);
  const scan = await job.spans.within('extract', { scope: scope.kind }, () => job.warehouse.openScan(request, job.signal));
  try {
    for (const note of scan.notes ?? []) warn(note);
    checkDrift(job, contract, scan.columns);
    const watermark = new Watermark(cursorKind(job, scan.columns), scan.now);
    const raw = await createRawFingerprints(view.state.nonce, meaningOf(job, contract, scan.columns));
    const comparison = startComparison(job, view, scope, parts, { scan, watermark, raw, emit: (change) => changes.add(change) });
    job.progress.update({ phase: 'reading', rowsEstimated: scope.kind === 'incremental' ? undefined : scan.estimatedRows });
    await job.spans.within('compare', {}, async (span) => {
      for await (const batch of scan.batches()) {
        job.signal.throwIfAborted();
        comparison.compareBatch(batch);
        parts.onRows?.(batch);
        if (await onBatch?.(changes)) comparison.forgetPublished();
        job.progress.update({ rowsRead: comparison.counts.rows, factsChanged: factsOf(comparison) });
        await job.reach('while_mapping');
      }
      comparison.finish(scope.kind !== 'incremental');
      span.set({ ...comparison.counts });
    });
    const { horizon = null, watermark: from = null } = view.state.control ?? {};
    const reached = reachedBy(scope, watermark, from);
    const { byChangeFeed, feedAtMs } = scan;
    const { changeFeed: kind } = job.model;
    const changeFeed = kind === undefined || feedAtMs === undefined ? undefined : { kind, atMs: feedAtMs };
    return { scope, comparison, changes, watermark, reached, horizon, startedAtMs, byChangeFeed, changeFeed };
  } catch (error) {
    changes.close();
    throw error;
  } finally {
    await scan.close();
  }
}

/** The same where the view lies beside the model. */
async function readRemote(
  job: Job,
  view: SnapshotView,
  remote: RemoteView,
  scope: Scope,
  parts: ReadingParts,
  warn: (note: string) => void,
): Promise<Reading> {
  const { contract, onBatch, onRows, slice } = parts;
  const startedAtMs = job.clock();
  await remote.persist();
  const complete = scope.kind !== 'incremental';
  const salt = await rawSalt(view.state.nonce, meaningOf(job, contract, contract.columns));
  const changedOnly = scope.kind === 'full comparison' && remote.comparedSalt === salt;
  const changes = openChanges(job, parts);
  const request = scanRequest(job, contract, scope, {}, slice);
  const remoteRequest = { ...request, changedOnly, salts: { raw: salt, key: remote.keySalt } };
  const scan = await job.spans.within('extract', { scope: scope.kind }, () => openRemoteScan(job, remoteRequest));
  try {
    for (const note of scan.notes ?? []) warn(note);
    checkDrift(job, contract, scan.columns);
    const watermark = new Watermark(cursorKind(job, scan.columns), scan.now);
    const emit = (change: Change) => changes.add(change);
    const comparison = startComparison(job, view, scope, parts, { scan, watermark, raw: HASHED_IN_WAREHOUSE, emit });
    job.progress.update({ phase: 'reading', rowsEstimated: complete ? scan.estimatedRows : undefined });
    const onProgress = () => job.progress.update({ rowsRead: comparison.counts.rows, factsChanged: factsOf(comparison) });
    const { fingerprints } = parts;
    const compared = {
      view,
      remote,
      fingerprints,
      comparison,
      watermark,
      scan,
      changedOnly,
      complete,
      changes,
      onBatch,
      onRows,
      onProgress,
    };
    await job.spans.within('compare', {}, async (span) => {
      await compareInWarehouse(job, compared);
      span.set({ ...comparison.counts });
    });
    onProgress();
    if (complete) remote.compared(salt);
    const { horizon = null, watermark: from = null } = view.state.control ?? {};
    return { scope, comparison, changes, watermark, reached: reachedBy(scope, watermark, from), horizon, startedAtMs };
  } catch (error) {
    changes.close();
    throw error;
  } finally {
    await scan.close();
  }
}

/** With a digest where a person may approve the changes, or has. */
function openChanges(job: Job, { withDigest = job.options.changeSet !== undefined }: ReadingParts): ChangeSet {
  return new ChangeSet(job.folder, { withDigest });
}

async function openRemoteScan(job: Job, request: Omit<ComparedScanRequest, 'place'>): Promise<ComparedScan> {
  if (job.viewPlace === undefined) throw new Error('the view lies in no warehouse');
  return job.warehouse.views.openScan({ ...request, place: job.viewPlace }, job.signal);
}

/** What gives the bytes of rows their meaning. */
function meaningOf(job: Job, contract: Contract, columns: readonly Column[]): unknown {
  const { model } = job;
  const read = columns.filter(({ name }) => contract.mapper.columns.includes(name) || name === model.cursor?.column);
  return [
    digestOfJob(job),
    publishedNow(job),
    model.appendOnly,
    job.warehouse.type,
    contract.keyLength,
    read.map((c) => [c.name, c.kind, c.sourceType]),
  ];
}

/** Only a complete comparison may set the watermark back: it has read everything. */
function reachedBy(scope: Scope, watermark: Watermark, from: string | null): string | null {
  return scope.kind === 'incremental' ? watermark.after(from) : (watermark.highest ?? from);
}

function startComparison(
  job: Job,
  view: SnapshotView,
  scope: Scope,
  parts: ReadingParts,
  {
    scan,
    watermark,
    raw,
    emit,
  }: { readonly scan: Scan; readonly watermark: Watermark; readonly raw: RawFingerprints; readonly emit: (change: Change) => void },
): Comparison {
  const { mapping, model, options } = job;
  const { contract, encode, fingerprints, facts, versionFloor } = parts;
  const cursor = cursorKind(job, scan.columns);
  const horizon = view.state.control?.horizon ?? null;
  const { mapper, canonical } = contract;
  const refill = contract.refill?.(fingerprints);
  const immutable = mapping.class === 'behavior';
  return new Comparison(
    { view, mapper, canonical, encode, fingerprints, raw, watermark: model.cursor && watermark, emit, refill },
    {
      mapping: mapping.name,
      fieldNames: mapper.fieldNames,
      immutable,
      versionFloor,
      keep: keepRulesOf(mapping),
      endMissing: model.deletes.missingRows && mapping.onDelete !== 'none',
      baseline: scope.kind === 'initial load' && mapping.initialLoad === 'baseline',
      maxValueBytes: facts.maxValueBytes,
      detectedAt: timeOf(job),
      showKeys: options.showKeys,
      rejectNullCursor: model.cursor?.nulls === 'reject',
      cursorColumn: model.cursor?.column,
      positionOf: model.appendOnly || horizon !== null ? (text) => cursorPosition(cursor, text) : undefined,
      horizon: horizon?.position,
      byGroups: scope.kind === 'full comparison',
      backfill: parts.backfill,
    },
  );
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

function full(reason: string): Scope {
  return { kind: 'full comparison', reason, watermark: null };
}

function factsOf({ counts }: Comparison): number {
  return counts.created + counts.updated + counts.deleted + counts.filled;
}
