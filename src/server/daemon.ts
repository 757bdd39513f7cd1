import type { Mapping, Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { createJob, DEFAULT_OPTIONS, type JobSettings } from '../ops/create-job.ts';
import { lastStartOf } from '../ops/last-start.ts';
import { type Pause, pauseMapping, pausesOf, resumeMapping } from '../ops/pauses.ts';
import type { Purpose } from '../publish/grants.ts';
import { capture, type RunResult } from '../run/capture.ts';
import { Scheduler } from '../run/schedule/scheduler.ts';
import type { Start, TriggerOptions, Turn } from '../run/schedule/turn.ts';
import type { ReachStep } from '../run/steps.ts';
import type { System } from '../run/system.ts';
import type { DaemonObserver } from './observer.ts';
import { plansOf, schedulerSettings } from './plans.ts';
import { describedError, endingOf, RecentRuns } from './run-record.ts';

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

/**
 * Runs the mappings of a project by their schedules until it is asked to end. The scheduler decides what starts; here is the clock, and the runs. Each run has
 * connections of its own, which end with it: neither a broker that restarts nor another configuration leaves any behind.
 */
export class Daemon {
  readonly runs = new RecentRuns();
  readonly #parts: DaemonParts;
  readonly #scheduler: Scheduler;
  readonly #running = new Map<string, Promise<void>>();
  #project: Project;
  #pauses: ReadonlyMap<string, Pause> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    this.#project = parts.project;
    this.#scheduler = new Scheduler(schedulerSettings(parts.project), plansOf(parts.project), Date.now());
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
    this.#tick();
    await asked;
    clearTimeout(this.#timer);
    await this.#drained();
    return [...this.#running.keys()];
  }

  /** Another configuration. Runs that are under way go on under the old one. */
  reload(project: Project): void {
    this.#project = project;
    const added = this.#scheduler.reload(schedulerSettings(project), plansOf(project), Date.now());
    this.#readPauses();
    void this.#catchUp(added);
    this.#tick();
  }

  /** A run outside the schedule, after the present one if there is one. Throws CONFIG_INVALID, NOT_CONFIRMED of a paused mapping, INTERRUPTED at the end. */
  trigger(mapping: string, options: TriggerOptions): void {
    if (this.isDraining) throw new HeadraceError('INTERRUPTED', 'The daemon is coming to its end: it starts nothing any more.');
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

  pauseOf(mapping: string): Pause | undefined {
    return this.#pauses.get(mapping);
  }

  turnOf(mapping: string): Readonly<Turn> | undefined {
    return this.#scheduler.turnOf(mapping);
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
    const record = { mapping, run, cause, dueAt, startedAt, endedAt, ending, result, error: describedError(error) };
    this.#scheduler.ended(mapping, ending, endedAt);
    this.runs.add(record);
    observer.ended(record);
  }

  async #capture({ mapping: name, options }: Start, onStart: (run: string) => void): Promise<RunResult> {
    const project = this.#project;
    const mapping = project.mappings.get(name) as Mapping;
    await using system = await this.#parts.compose(project, 'run');
    const job = await createJob(system, project, mapping, this.#settings(name, options.full));
    onStart(job.runId);
    return await capture(job);
  }

  #settings(mapping: string, full: boolean): JobSettings {
    const { signal, reach, observer } = this.#parts;
    const progress = { update: () => undefined, warn: (message: string) => observer.warned(mapping, message) };
    return { options: { ...DEFAULT_OPTIONS, full }, signal, progress, reach };
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
        const lastStart = await lastStartOf(system, project, mapping, this.#settings(name, false)).catch(() => null);
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
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#project.serve.graceMs);
    });
    await Promise.race([Promise.all(this.#running.values()), over]);
    clearTimeout(timer);
  }
}
