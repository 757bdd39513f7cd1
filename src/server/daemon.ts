import type { Mapping, Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { createJob, DEFAULT_OPTIONS, type JobSettings } from '../ops/create-job.ts';
import { lastStartOf } from '../ops/last-start.ts';
import { type Pause, pauseMapping, pausesOf, resumeMapping } from '../ops/pauses.ts';
import type { Purpose } from '../publish/grants.ts';
import { capture, type RunResult } from '../run/capture.ts';
import type { Job } from '../run/job.ts';
import { Scheduler } from '../run/schedule/scheduler.ts';
import type { Start, TriggerOptions, Turn } from '../run/schedule/turn.ts';
import type { ReachStep } from '../run/steps.ts';
import type { System } from '../run/system.ts';
import { Backfills } from './backfills.ts';
import { Errands, isOver } from './errands.ts';
import { measuredSpans } from './measured-spans.ts';
import type { DaemonObserver } from './observer.ts';
import { plansOf, schedulerSettings } from './plans.ts';
import { describedError, endingOf, guardsOf, RecentRuns } from './run-record.ts';

export interface DaemonParts {
  readonly project: Project;
  readonly compose: (project: Project, purpose?: Purpose) => Promise<System>;
  /** Aborted: nothing starts any more, and what runs ends after its chunk. */
  readonly signal: AbortSignal;
  readonly observer: DaemonObserver;
  readonly reach: ReachStep;
}

/** Pauses are files that other processes write, too: they are looked at this often. */
const LONGEST_SLEEP_MS = 1_000;
/** Questions at a time for when the mappings ran last. */
const CATCH_UP_AT_A_TIME = 4;
/** Whoever asks for a repair waits so long for the run that is under way. */
const WAIT_FOR_RUN_MS = 8_000;

/**
 * Runs the mappings of a project by their schedules until it is asked to end. The scheduler decides what starts; here is the clock, and the runs. Each run has
 * connections of its own, which end with it: neither a broker that restarts nor another configuration leaves any behind.
 */
export class Daemon {
  readonly runs = new RecentRuns();
  readonly backfills: Backfills;
  readonly #parts: DaemonParts;
  readonly #scheduler: Scheduler;
  readonly #running = new Map<string, Promise<void>>();
  readonly #errands = new Errands();
  readonly #knownSince = new Map<string, number>();
  #project: Project;
  #pauses: ReadonlyMap<string, Pause> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    this.#project = parts.project;
    this.backfills = new Backfills(this, parts.observer);
    const now = Date.now();
    this.#scheduler = new Scheduler(schedulerSettings(parts.project), plansOf(parts.project), now);
    for (const mapping of parts.project.mappings.keys()) this.#knownSince.set(mapping, now);
  }

  get project(): Project {
    return this.#project;
  }

  get isDraining(): boolean {
    return this.#parts.signal.aborted;
  }

  /** Whether it starts what is due. */
  get isReady(): boolean {
    return this.#isStarted && !this.isDraining;
  }

  /** Runs what is due until the signal comes; then waits until every run has ended, or the grace period is over. Returns the mappings that still ran then. */
  async run(): Promise<readonly string[]> {
    const { signal } = this.#parts;
    const asked = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#isStarted = true;
    this.#readPauses();
    void this.#catchUp([...this.#project.mappings.keys()]);
    this.backfills.start();
    this.#tick();
    await asked;
    clearTimeout(this.#timer);
    await this.#drained();
    return [...this.#running.keys()];
  }

  /** Another configuration. Runs that are under way go on under the old one. */
  reload(project: Project): void {
    this.#project = project;
    const now = Date.now();
    const added = this.#scheduler.reload(schedulerSettings(project), plansOf(project), now);
    for (const mapping of added) this.#knownSince.set(mapping, now);
    this.#readPauses();
    void this.#catchUp(added);
    this.#tick();
  }

  /** A run outside the schedule, after the present one if there is one. Throws CONFIG_INVALID, NOT_CONFIRMED of a paused mapping, INTERRUPTED at the end. */
  trigger(mapping: string, options: TriggerOptions): void {
    this.#refuseAtEnd();
    const pause = this.#pauses.get(mapping);
    if (pause !== undefined)
      throw new HeadraceError('NOT_CONFIRMED', `${mapping} is paused by ${pause.by}.`, { suggestion: `headrace resume ${mapping}` });
    if (!this.#scheduler.trigger(mapping, options, Date.now()))
      throw new HeadraceError('CONFIG_INVALID', `There is no mapping named \`${mapping}\`.`);
    this.#tick();
  }

  pause(mapping: string, by: string, reason: string | null): Pause {
    const pause = pauseMapping(this.#project, { mapping, by, reason, at: Date.now() });
    this.#tick();
    return pause;
  }

  resume(mapping: string): Pause | undefined {
    const ended = resumeMapping(this.#project, mapping);
    this.#tick();
    return ended;
  }

  /** Looks at what Kafka and the warehouses say. Throws INTERRUPTED at the end, and what they say. */
  look<T>(purpose: Purpose, act: (system: System, project: Project) => Promise<T>): Promise<T> {
    this.#refuseAtEnd();
    const project = this.#project;
    return this.#errands.run(async () => {
      await using system = await this.#parts.compose(project, purpose);
      return await act(system, project);
    });
  }

  /**
   * Works on a mapping as its one writer, between two of its runs: neither lock nor lease keeps a process from itself. Throws OWNED_ELSEWHERE where a run goes on and on,
   * INTERRUPTED at the end.
   */
  async repair<T>(mapping: Mapping, act: (job: Job) => Promise<T>): Promise<T> {
    this.#refuseAtEnd();
    if (!this.#scheduler.reserve(mapping.name)) throw isBusy(mapping.name);
    try {
      if (!(await isOver(this.#running.get(mapping.name), WAIT_FOR_RUN_MS))) throw isBusy(mapping.name);
      return await this.look('run', async (system, project) => act(await this.jobOf(system, project, mapping)));
    } finally {
      this.#scheduler.free(mapping.name);
      this.#tick();
    }
  }

  jobOf(system: System, project: Project, mapping: Mapping): Promise<Job> {
    return createJob(system, project, mapping, this.settingsOf(mapping.name));
  }

  /** `runOf` says which run a warning is of, once it has an id. */
  settingsOf(mapping: string, full = false, runOf: () => string | null = () => null): JobSettings {
    const { signal, reach, observer } = this.#parts;
    const progress = { update: () => undefined, warn: (message: string) => observer.warned(mapping, message, runOf()) };
    const spans = measuredSpans((step, ms) => observer.took(mapping, step, ms, runOf()));
    return { options: { ...DEFAULT_OPTIONS, full }, signal, progress, spans, reach };
  }

  pauseOf(mapping: string): Pause | undefined {
    return this.#pauses.get(mapping);
  }

  /** When this process first had it in its configuration, milliseconds since 1970. */
  knownSince(mapping: string): number {
    return this.#knownSince.get(mapping) ?? Date.now();
  }

  turnOf(mapping: string): Readonly<Turn> | undefined {
    return this.#scheduler.turnOf(mapping);
  }

  #refuseAtEnd(): void {
    if (this.isDraining) throw new HeadraceError('INTERRUPTED', 'The daemon is coming to its end: it starts nothing any more.');
  }

  #tick(): void {
    if (!this.isReady) return;
    clearTimeout(this.#timer);
    this.#readPauses();
    for (const start of this.#scheduler.starts(Date.now())) this.#begin(start);
    const sleepMs = Math.min(LONGEST_SLEEP_MS, Math.max(0, this.#scheduler.wakeAt() - Date.now()));
    this.#timer = setTimeout(() => this.#tick(), sleepMs);
  }

  #begin(start: Start): void {
    const { mapping: name } = start;
    const running = this.#runOne(start).finally(() => {
      this.#running.delete(name);
      this.#tick();
    });
    this.#running.set(name, running);
  }

  /** Promise 9: whatever a run throws ends that run alone. */
  async #runOne(start: Start): Promise<void> {
    const { observer } = this.#parts;
    const startedAt = Date.now();
    let run: string | null = null;
    let result: RunResult | null = null;
    let error: unknown;
    try {
      result = await this.#capture(start, (id) => {
        run = id;
        observer.started(start, id);
      });
    } catch (thrown) {
      error = thrown;
    }
    const ending = result === null ? endingOf(error) : 'done';
    const endedAt = Date.now();
    const { mapping, cause, dueAt } = start;
    const guards = guardsOf(result, error);
    const record = { mapping, run, cause, dueAt, startedAt, endedAt, ending, result, error: describedError(error), guards };
    this.#scheduler.ended(mapping, ending, endedAt);
    this.runs.add(record);
    observer.ended(record);
  }

  async #capture({ mapping: name, options }: Start, onStart: (run: string) => void): Promise<RunResult> {
    const project = this.#project;
    const mapping = project.mappings.get(name) as Mapping;
    await using system = await this.#parts.compose(project, 'run');
    let run: string | null = null;
    const job = await createJob(
      system,
      project,
      mapping,
      this.settingsOf(name, options.full, () => run),
    );
    run = job.runId;
    onStart(run);
    return await capture(job);
  }

  /** Turns that were missed before this process, or its configuration, knew of them. */
  async #catchUp(names: readonly string[]): Promise<void> {
    const project = this.#project;
    const waiting = names.filter((name) => (this.#scheduler.turnOf(name)?.plan.schedules.length ?? 0) > 0);
    if (waiting.length === 0) return;
    const work = async (system: System) => {
      for (let name = waiting.shift(); name !== undefined && !this.isDraining; name = waiting.shift()) {
        const mapping = project.mappings.get(name) as Mapping;
        // Where it cannot be told, the run says why: one too many is cheaper than a gap.
        const lastStart = await lastStartOf(system, project, mapping, this.settingsOf(name)).catch(() => null);
        this.#scheduler.catchUp(name, lastStart, Date.now());
        this.#tick();
      }
    };
    try {
      await using system = await this.#parts.compose(project, 'status');
      await Promise.all(Array.from({ length: CATCH_UP_AT_A_TIME }, () => work(system)));
    } catch (error) {
      this.#parts.observer.troubled('what was missed before the start could not be found out', error);
    }
  }

  /** Promise 8: while the folder cannot be read, what was paused stays so. */
  #readPauses(): void {
    const { observer } = this.#parts;
    try {
      const pauses = pausesOf(this.#project);
      for (const name of this.#project.mappings.keys()) {
        const [before, now] = [this.#pauses.get(name), pauses.get(name)];
        this.#scheduler.setPaused(name, now !== undefined);
        if (before === undefined && now !== undefined) observer.paused(now);
        if (before !== undefined && now === undefined) observer.resumed(name);
      }
      this.#pauses = pauses;
    } catch (error) {
      observer.troubled('which mappings are paused could not be read', error);
    }
  }

  async #drained(): Promise<void> {
    await isOver(Promise.all([...this.#running.values(), this.#errands.drained()]), this.#project.serve.graceMs);
  }
}

function isBusy(mapping: string): HeadraceError {
  return new HeadraceError('OWNED_ELSEWHERE', `${mapping}: a run of it, or another repair, is under way in this process.`, {
    suggestion: 'Nothing was changed. Ask again when it has ended, or pause the mapping first.',
  });
}
