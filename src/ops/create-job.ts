import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { alsoContracts } from '../config/also-versions.ts';
import type { Mapping, Model, Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { bothSpans, type Spans } from '../core/spans.ts';
import type { ViewPlace } from '../core/view-tables.ts';
import { topicsOf, transactionalIdOf } from '../publish/topics.ts';
import { DEFAULT_CHUNK, type Job, type ProgressSink, type RunOptions } from '../run/job.ts';
import type { ReachStep } from '../run/steps.ts';
import type { System } from '../run/system.ts';

export const DEFAULT_OPTIONS: RunOptions = {
  full: false,
  takeOver: false,
  allow: new Set(),
  showKeys: false,
  chunk: DEFAULT_CHUNK,
  leaseMs: 120_000,
  renewEveryMs: 30_000,
};

export interface JobSettings {
  readonly options: RunOptions;
  readonly signal: AbortSignal;
  readonly progress: ProgressSink;
  /** Beside those of the system. */
  readonly spans?: Spans | undefined;
  readonly reach: ReachStep;
}

export async function createJob(system: System, project: Project, mapping: Mapping, settings: JobSettings): Promise<Job> {
  const model = project.models.get(mapping.model);
  if (model === undefined) throw new HeadraceError('CONFIG_INVALID', `${mapping.name}: there is no model named ${mapping.model}.`);
  const spans = await system.spans();
  return {
    project,
    mapping,
    model,
    also: alsoContracts(project, mapping, Date.now()),
    topics: topicsOf(project.name, mapping),
    warehouse: await system.warehouse(model.warehouse),
    publishers: system.publishers,
    reader: system.reader(transactionalIdOf(project.name, mapping)),
    admin: system.admin,
    registry: await system.registry(),
    partitionOf: system.partitionOf,
    openView: system.openView,
    copyView: system.copyView,
    ...remoteView(system, project, mapping, model),
    folder: folderOf(project, mapping),
    runId: newRunId(Date.now()),
    host: os.hostname(),
    pid: process.pid,
    clock: Date.now,
    ...settings,
    spans: settings.spans === undefined ? spans : bothSpans(spans, settings.spans),
    options: withLease(settings.options, project),
  };
}

function remoteView(system: System, project: Project, mapping: Mapping, model: Model): Pick<Job, 'openRemoteView' | 'viewPlace'> {
  // What is never compared whole gains nothing in the warehouse.
  if (project.snapshot.view === 'local' || model.appendOnly) return {};
  const place = viewPlaceOf(project, mapping);
  return { openRemoteView: (dry) => system.openRemoteView(model.warehouse, place, dry), viewPlace: place };
}

/** Where the view of a mapping lies in its warehouse. */
export function viewPlaceOf(project: Project, mapping: Mapping): ViewPlace {
  return { schema: project.snapshot.schema, project: project.name, mapping: mapping.name, topic: topicsOf(project.name, mapping).snapshot };
}

/** Where the local copy of a mapping lies. */
export function folderOf(project: Project, mapping: Mapping): string {
  return path.join(project.snapshot.path, project.name, mapping.name);
}

/** Sorts by time, and two runs of one millisecond differ: `20261123T115846123Z-9f2c01`. */
function newRunId(nowMs: number): string {
  return `${new Date(nowMs).toISOString().replace(/[-:.]/g, '')}-${randomBytes(3).toString('hex')}`;
}

/** When a run began, read from its id; null for an id of another form. */
export function startOfRun(runId: string): number | null {
  const [, date, time, millis] = /^(\d{8})T(\d{6})(\d{3})Z-/.exec(runId) ?? [];
  if (date === undefined || time === undefined) return null;
  const [hours, minutes, seconds] = [time.slice(0, 2), time.slice(2, 4), time.slice(4, 6)];
  return Date.parse(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6, 8)}T${hours}:${minutes}:${seconds}.${millis}Z`);
}

/** The lease outlives a transaction and two missed renewals: who is alive is never taken for dead, and who is dead holds nobody up for long. */
function withLease(options: RunOptions, project: Project): RunOptions {
  const { transactionTimeoutMs } = project.kafka;
  const renewEveryMs = Math.min(options.renewEveryMs, transactionTimeoutMs / 2);
  return { ...options, renewEveryMs, leaseMs: transactionTimeoutMs + 2 * renewEveryMs };
}
