import os from 'node:os';
import type { Mapping, Project } from '../config/project.ts';
import { EXIT, exitCodeOf, HeadraceError } from '../core/errors.ts';
import { restMs, slicedRows } from '../ops/backfill.ts';
import { dropOrder, type HandedOrder, handedOrders, keepOrder } from '../ops/backfill-orders.ts';
import { lookAt } from '../ops/look.ts';
import { requireBackfillApproval } from '../ops/plan-backfill.ts';
import type { Purpose } from '../publish/grants.ts';
import { NotCompared } from '../run/backfill/open-backfill.ts';
import { digestOfOrder, startOf, type ToldBackfill } from '../run/backfill/order.ts';
import { cancelBackfill, NothingToCancel, runSlice } from '../run/backfill/run-slice.ts';
import { NeedsFullComparison } from '../run/comparison/take-overs.ts';
import type { Job } from '../run/job.ts';
import type { TriggerOptions, Turn } from '../run/schedule/turn.ts';
import type { System } from '../run/system.ts';
import type { DaemonObserver } from './observer.ts';

/** What a backfill needs of the daemon. */
export interface BackfillHost {
  readonly project: Project;
  readonly isReady: boolean;
  readonly isDraining: boolean;
  pauseOf(mapping: string): unknown;
  turnOf(mapping: string): Readonly<Turn> | undefined;
  trigger(mapping: string, options: TriggerOptions): void;
  look<T>(purpose: Purpose, act: (system: System, project: Project) => Promise<T>): Promise<T>;
  jobOf(system: System, project: Project, mapping: Mapping): Promise<Job>;
  repair<T>(mapping: Mapping, act: (job: Job) => Promise<T>): Promise<T>;
}

/** A backfill that was handed over, as this process knows it. */
export interface Handed {
  readonly ordered: HandedOrder;
  state: 'waiting' | 'slice' | 'failed' | 'done' | 'cancelled';
  /** After the last slice; null before the first one of this process. */
  progress: ToldBackfill | null;
  error: unknown;
  /** Not before, milliseconds since 1970. */
  nextAt: number;
  /** A run was asked for, without which no slice is possible. */
  hasAskedForRun: boolean;
}

const LOOK_AGAIN_MS = 250;
/** What is unreachable, or owned by somebody else, is tried again after so long. */
const TRY_AGAIN_MS = 5_000;

/**
 * Executes the backfills that were handed to the daemon, one slice at a time, whichever mapping it is of: where its mapping neither runs nor is due, nor is paused. So live
 * runs always come first, and a warehouse has one reader more at most.
 */
export class Backfills {
  readonly #host: BackfillHost;
  readonly #observer: Pick<DaemonObserver, 'sliced' | 'warned' | 'troubled'>;
  readonly #handed = new Map<string, Handed>();
  #isWorking = false;
  /** That is under way. */
  #slice: Promise<void> = Promise.resolve();

  constructor(host: BackfillHost, observer: Pick<DaemonObserver, 'sliced' | 'warned' | 'troubled'>) {
    this.#host = host;
    this.#observer = observer;
  }

  /** Takes up those that an earlier process has left. */
  start(): void {
    try {
      const { orders, unreadable } = handedOrders(this.#host.project);
      for (const ordered of orders) this.#take(ordered);
      for (const { mapping, file } of unreadable) this.#observer.warned(mapping, unreadableText(mapping, file), null);
    } catch (error) {
      this.#observer.troubled('which backfills were handed over could not be read', error);
    }
  }

  of(mapping: string): Handed | undefined {
    return this.#handed.get(mapping);
  }

  /** The same order again goes on, as a failed one does. Throws BACKFILL_UNFINISHED, APPROVAL_NEEDED, CONFIG_INVALID. */
  async accept(mapping: Mapping, ordered: HandedOrder): Promise<Handed> {
    const before = this.#handed.get(mapping.name);
    await this.#host.look('status', async (system, project) => {
      const job = await this.#host.jobOf(system, project, mapping);
      const known = await lookAt(job, async ({ control }) => control?.backfill);
      const start = startOf(mapping.name, known, ordered.order, digestOfOrder(ordered.order, job.model));
      requireBackfillApproval(project, mapping, start.go === 'on' ? start.state : null);
      const other = before !== undefined && isOpen(before) && digestOfOrder(before.ordered.order, job.model);
      if (other !== false && other !== digestOfOrder(ordered.order, job.model)) throw alreadyHanded(mapping.name);
    });
    keepOrder(this.#host.project, ordered);
    return this.#take(ordered);
  }

  /** Ends it where it stands, after the slice that is under way. Null: it had not begun. Throws CONFIG_INVALID where there is none. */
  async cancel(mapping: Mapping, by: string, reason: string | null): Promise<ToldBackfill | null> {
    const handed = this.#handed.get(mapping.name);
    const wasOpen = handed !== undefined && isOpen(handed);
    if (wasOpen) handed.state = 'cancelled';
    await this.#slice;
    try {
      const state = await this.#host.repair(mapping, (job) => cancelBackfill(job, { user: by, host: os.hostname(), reason }));
      if (handed !== undefined) Object.assign(handed, { state: 'cancelled', progress: state });
      dropOrder(this.#host.project, mapping.name);
      return state;
    } catch (error) {
      if (wasOpen && handed.progress === null && error instanceof NothingToCancel) {
        dropOrder(this.#host.project, mapping.name);
        return null;
      }
      if (wasOpen) this.#take(handed.ordered);
      throw error;
    }
  }

  #take(ordered: HandedOrder): Handed {
    const handed: Handed = { ordered, state: 'waiting', progress: null, error: undefined, nextAt: 0, hasAskedForRun: false };
    this.#handed.set(ordered.mapping, handed);
    if (!this.#isWorking) void this.#work();
    return handed;
  }

  /** Until none is left. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    for (;;) {
      const open = [...this.#handed.values()].filter(isOpen);
      if (open.length === 0 || this.#host.isDraining) break;
      // Who waits longest.
      const [next] = open.filter((handed) => this.#mayGo(handed)).sort((a, b) => a.nextAt - b.nextAt);
      if (next === undefined) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS).unref());
      else {
        this.#slice = this.#sliceOf(next);
        await this.#slice;
      }
    }
    this.#isWorking = false;
  }

  #mayGo({ ordered: { mapping }, nextAt }: Handed): boolean {
    const turn = this.#host.turnOf(mapping);
    const isIdle = turn !== undefined && turn.running === undefined && turn.due === undefined && turn.retry === undefined;
    return this.#host.isReady && isIdle && this.#host.pauseOf(mapping) === undefined && nextAt <= Date.now();
  }

  async #sliceOf(handed: Handed): Promise<void> {
    const { ordered } = handed;
    const mapping = this.#host.project.mappings.get(ordered.mapping) as Mapping;
    const beganAt = Date.now();
    handed.state = 'slice';
    try {
      const { state, rows, published } = await this.#host.repair(mapping, (job) =>
        runSlice(
          { ...job, options: { ...job.options, allow: new Set(ordered.allow) } },
          {
            order: ordered.order,
            rows: slicedRows(ordered.rows, ordered.pace),
            by: { user: ordered.by, host: os.hostname(), reason: ordered.reason },
            approval: null,
          },
        ),
      );
      const tookMs = Date.now() - beganAt;
      this.#observer.sliced(mapping.name, state, { rows, published, tookMs });
      Object.assign(handed, {
        progress: state,
        error: undefined,
        hasAskedForRun: false,
        nextAt: Date.now() + restMs(ordered.pace, published, tookMs),
      });
      if (state.end !== undefined) dropOrder(this.#host.project, mapping.name);
      this.#set(handed, state.end ?? 'waiting');
    } catch (error) {
      this.#failed(handed, error);
    }
  }

  #failed(handed: Handed, error: unknown): void {
    const { mapping } = handed.ordered;
    handed.nextAt = Date.now() + TRY_AGAIN_MS;
    this.#set(handed, 'waiting');
    if (error instanceof HeadraceError && error.code === 'INTERRUPTED') return;
    const isForRun = error instanceof NeedsFullComparison || error instanceof NotCompared;
    const code = exitCodeOf(error);
    if (isForRun && !handed.hasAskedForRun) {
      handed.hasAskedForRun = true;
      this.#host.trigger(mapping, { full: error instanceof NeedsFullComparison });
    } else if (code === EXIT.unreachable || code === EXIT.owned) handed.error = error;
    else {
      handed.error = error;
      this.#set(handed, 'failed');
      this.#observer.warned(mapping, `the backfill has stopped: ${error instanceof Error ? error.message : String(error)}`, null);
    }
  }

  /** Unless somebody has cancelled it meanwhile. */
  #set(handed: Handed, state: Handed['state']): void {
    if (handed.state !== 'cancelled') handed.state = state;
  }
}

function isOpen({ state }: Handed): boolean {
  return state === 'waiting' || state === 'slice';
}

function alreadyHanded(mapping: string): HeadraceError {
  return new HeadraceError('BACKFILL_UNFINISHED', `${mapping}: another backfill was handed to this process before.`, {
    suggestion: `Nothing was changed. Wait for it, or end it: headrace backfill cancel ${mapping} --server URL.`,
  });
}

function unreadableText(mapping: string, file: string): string {
  return `the backfill that was handed over for it cannot be read from ${file}, and does not go on. Hand the same order over again: it goes on where it stands (headrace status ${mapping}). Or delete the file.`;
}
