import type { Mapping, MappingClass, Project } from '../config/project.ts';
import { scheduleOf, schedulesOf } from '../config/schedule.ts';
import { HeadraceError, needsPerson } from '../core/errors.ts';
import { type ToldBackfill, told } from '../run/backfill/order.ts';
import { checkContract } from '../run/check-contract.ts';
import type { Job } from '../run/job.ts';
import { isAlive } from '../run/owner.ts';
import { refuseRolledBack } from '../run/rollback.ts';
import { nextInstant } from '../run/schedule/instants.ts';
import { nextTurn } from '../run/schedule/turn.ts';
import type { System } from '../run/system.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import { pickColumns } from '../warehouse/pick-columns.ts';
import { createJob, type JobSettings, startOfRun } from './create-job.ts';
import { lookAt } from './look.ts';
import { type Pause, pausesOf } from './pauses.ts';
import { inRunOrder, type MappingOutcome, outcomeOf } from './run-mappings.ts';
import { type RunEntry, recentRuns } from './runs.ts';

/** Where a mapping stands. Times are milliseconds since 1970. */
export interface MappingStatus {
  readonly mapping: string;
  readonly class: MappingClass;
  /** The run that owned the mapping last, whether it published anything or not. */
  readonly lastRun: { readonly run: string; readonly startedAt: number | null; readonly host: string } | null;
  /** The run that committed the last chunk. */
  readonly lastPublication: { readonly run: string; readonly startedAt: number | null } | null;
  /** A run that is under way. */
  readonly lease: { readonly run: string; readonly host: string; readonly pid: number; readonly endsAt: number } | null;
  readonly watermark: string | null;
  /** How far the watermark lies behind the source's clock; null where the cursor is no time, or the warehouse does not answer. */
  readonly lagMs: number | null;
  /** Rows above the watermark, or all where there is none; null where they were not to be counted, without a cursor (or with a float as one), or while the warehouse does not answer. */
  readonly rowsBehind: number | null;
  /** Identities whose fact is published, and rows in quarantine: as the local copy knows them; null without one. */
  readonly facts: number | null;
  readonly quarantined: number | null;
  /** Records of the snapshot topic that the local copy has not seen. */
  readonly recordsBehind: number;
  readonly lastFullComparison: number | null;
  /** The newest work of the mapping's writer that was done, and the newest that failed, among those at the end of the ledger. */
  readonly lastSuccess: Pick<RunEntry, 'run' | 'kind' | 'startedAt' | 'endedAt'> | null;
  readonly lastFailure: Pick<RunEntry, 'run' | 'kind' | 'startedAt' | 'endedAt' | 'failure'> | null;
  /** How much of its work has failed since the newest that was done. */
  readonly failures: number;
  /** Since it became due, by its schedules, after the newest that was done; 0 without one, where none is due, or a person paused it. */
  readonly overdueMs: number;
  /** Why the next run would stop, as far as files and topics tell; null where nothing is known to be in its way. */
  readonly blocked: ErrorSummary | null;
  /** Why `headrace serve` does not start it; null where it does. */
  readonly paused: Omit<Pause, 'mapping'> | null;
  readonly nextRun: number | null;
  readonly nextFullComparison: number | null;
  /** One that is under way, whether somebody executes it at this moment or not. */
  readonly backfill: ToldBackfill | null;
}

export interface ErrorSummary {
  readonly code: string;
  readonly message: string;
}

export interface WarehouseState {
  readonly warehouse: string;
  readonly nowMs: number | undefined;
  readonly error: unknown;
}

export interface ProjectStatus {
  readonly mappings: readonly MappingOutcome<MappingStatus>[];
  /** Of those that the mappings read. */
  readonly warehouses: readonly WarehouseState[];
}

export interface StatusOptions {
  /** Whether the warehouse is to count the rows above the watermark: it reads them, or an index of theirs. */
  readonly countRows?: boolean;
}

/** Reads, and changes nothing: a run that is under way does not notice it. A warehouse that is down costs the lag alone. */
export async function statusOf(
  system: System,
  project: Project,
  mappings: readonly Mapping[],
  settings: JobSettings,
  { countRows = false }: StatusOptions = {},
): Promise<ProjectStatus> {
  const names = new Set(mappings.flatMap(({ model }) => project.models.get(model)?.warehouse ?? []));
  const pings = Promise.all([...names].map((name) => pingOf(system, name)));
  const outcomes: MappingOutcome<MappingStatus>[] = [];
  for (const mapping of inRunOrder(mappings)) {
    outcomes.push(
      await outcomeOf(mapping.name, async () => {
        const job = await createJob(system, project, mapping, settings);
        return statusOfMapping(job, async () => (await pings).find((p) => p.warehouse === job.model.warehouse)?.nowMs, countRows);
      }),
    );
  }
  return { mappings: outcomes, warehouses: await pings };
}

async function pingOf(system: System, name: string): Promise<WarehouseState> {
  try {
    const { nowMs } = await (await system.warehouse(name)).ping();
    return { warehouse: name, nowMs, error: undefined };
  } catch (error) {
    return { warehouse: name, nowMs: undefined, error };
  }
}

async function statusOfMapping(job: Job, sourceNow: () => Promise<number | undefined>, countRows: boolean): Promise<MappingStatus> {
  const looked = await lookAtMapping(job, sourceNow);
  const runs = await recentRuns(job, RUNS_LOOKED_AT);
  const lastFailure = runs.find(({ outcome }) => outcome === 'failed');
  const lastSuccess = runs.find(({ outcome }) => outcome === 'done');
  const { control, ...status } = looked;
  const paused = pauseOf(job);
  return {
    ...status,
    rowsBehind: countRows && (await sourceNow()) !== undefined ? await rowsBehind(job, status.watermark) : null,
    paused,
    lastSuccess: lastSuccess === undefined ? null : endOf(lastSuccess),
    failures: failuresIn(runs),
    overdueMs: paused !== null || lastSuccess === undefined ? 0 : overdueMs(job, lastSuccess.startedAt ?? lastSuccess.endedAt),
    lastFailure: lastFailure === undefined ? null : { ...endOf(lastFailure), failure: lastFailure.failure },
    blocked: blockOf(job, control, lastFailure !== undefined && lastFailure === runs[0] ? lastFailure.failure : null),
  };
}

const RUNS_LOOKED_AT = 50;

function endOf({ run, kind, startedAt, endedAt }: RunEntry): Pick<RunEntry, 'run' | 'kind' | 'startedAt' | 'endedAt'> {
  return { run, kind, startedAt, endedAt };
}

/** Newest first. */
function failuresIn(runs: readonly RunEntry[]): number {
  const done = runs.findIndex(({ outcome }) => outcome === 'done');
  return runs.slice(0, done === -1 ? undefined : done).filter(({ outcome }) => outcome === 'failed').length;
}

/** A run answers what was due when it started. */
function overdueMs({ mapping, model, clock }: Job, answeredAt: number): number {
  return Math.max(0, clock() - nextTurn(schedulesOf(mapping, model), 0, answeredAt));
}

/** Null without a cursor, and for one that is a float, of which no slice is made. */
async function rowsBehind({ warehouse, model, mapping, project, runId, signal }: Job, watermark: string | null): Promise<number | null> {
  if (model.cursor === undefined) return null;
  const request = { relation: model.relation, columns: model.key, keyLength: model.key.length };
  const cursorOf = { column: model.cursor.column, nulls: false };
  const { columns: key, cursor } = pickColumns({ ...request, cursor: cursorOf }, await warehouse.describe(model.relation));
  if (cursor === undefined || cursor.kind === 'float64') return null;
  const range = watermark === null ? undefined : ({ cursor, from: watermark, isAbove: true, to: null } as const);
  const purpose = { project: project.name, mapping: mapping.name, model: model.name, run: runId };
  return warehouse.count({ relation: model.relation, slice: { key, range }, purpose }, signal);
}

function pauseOf({ project, mapping }: Job): MappingStatus['paused'] {
  const pause = pausesOf(project).get(mapping.name);
  return pause === undefined ? null : { by: pause.by, reason: pause.reason, at: pause.at };
}

/** What needs a person: the contract, a rollback, an adoption that was interrupted, or what stopped the newest run. */
function blockOf(job: Job, control: ControlRecord | null, newest: RunEntry['failure']): ErrorSummary | null {
  try {
    checkContract(job);
    refuseRolledBack(job, control);
  } catch (error) {
    if (!(error instanceof HeadraceError)) throw error;
    return { code: error.code, message: error.message };
  }
  if (control?.adoption !== undefined)
    return { code: 'SNAPSHOT_FOREIGN', message: `${job.mapping.name}: an adoption of its snapshot did not come to its end.` };
  return newest !== null && needsPerson(newest.code) ? { code: newest.code, message: newest.message } : null;
}

type Looked = Omit<MappingStatus, 'lastSuccess' | 'lastFailure' | 'failures' | 'overdueMs' | 'blocked' | 'rowsBehind' | 'paused'> & {
  readonly control: ControlRecord | null;
};

function lookAtMapping(job: Job, sourceNow: () => Promise<number | undefined>): Promise<Looked> {
  const { mapping, model } = job;
  return lookAt(job, async ({ view, topic, control, owner }) => {
    const watermark = control?.watermark ?? null;
    const watermarkMs = watermark === null ? null : timeOfWatermark(watermark);
    const nowMs = watermarkMs === null ? undefined : await sourceNow();
    const { offset, confirmable, quarantined } = view.state;
    const now = job.clock();
    const schedule = scheduleOf(mapping, model);
    return {
      control,
      mapping: mapping.name,
      class: mapping.class,
      lastRun: owner && { run: owner.run, startedAt: startOfRun(owner.run), host: owner.host },
      lastPublication: control && { run: control.run, startedAt: startOfRun(control.run) },
      lease: owner !== null && isAlive(owner, job) ? { run: owner.run, host: owner.host, pid: owner.pid, endsAt: owner.leaseEnd } : null,
      watermark,
      lagMs: watermarkMs === null || nowMs === undefined ? null : Math.max(0, nowMs - watermarkMs),
      facts: offset === 0 ? null : confirmable - quarantined,
      quarantined: offset === 0 ? null : quarantined,
      recordsBehind: Math.max(0, topic.end - offset),
      lastFullComparison: control?.fullComparisonAt ?? null,
      nextRun: schedule === undefined ? null : nextInstant(schedule, now),
      nextFullComparison: model.fullComparison === undefined ? null : nextInstant(model.fullComparison, now),
      backfill: control?.backfill !== undefined && control.backfill.end === undefined ? told(control.backfill) : null,
    };
  });
}

/** Milliseconds since 1970 of a canonical date or timestamp (those without a zone are taken as UTC); null for a cursor that is no time. */
export function timeOfWatermark(watermark: string): number | null {
  const [, date, time = '00:00:00'] = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d*(?:\+00)?)?$/.exec(watermark) ?? [];
  return date === undefined ? null : Date.parse(`${date}T${time}Z`);
}
