import type { RetryConfig } from '../../config/project.ts';
import { backoffMs, jitterOf } from './delays.ts';
import { type Ending, merged, nextTurn, type Plan, type Start, type TriggerOptions, type Turn } from './turn.ts';

export interface SchedulerSettings {
  /** Runs at a time. */
  readonly concurrency: number;
  /** Runs at a time by warehouse; one that is not named has no bound of its own. */
  readonly warehouses: ReadonlyMap<string, number>;
  readonly jitterMs: number;
  readonly retry: RetryConfig;
}

const NOT_FULL: TriggerOptions = { full: false };

/**
 * Decides which mapping starts when. Knows no clock, no timer and no run: it is told the time, what was triggered, and how runs ended, and says what starts now
 * and when to ask again. All times are milliseconds since 1970.
 *
 *   - A mapping never runs twice at a time. What becomes due meanwhile, however often, is one turn after the run.
 *   - Whoever is due gets a round: the current one, or, after a run in it, the next one. Lower rounds start first, within a round governance first, then who
 *     waits longest. So nobody is overtaken by the same mapping more than twice, however often that one is due.
 *   - A mapping whose warehouse is busy holds up nobody who reads another one (Promise 9).
 */
export class Scheduler {
  readonly #turns = new Map<string, Turn>();
  readonly #reserved = new Set<string>();
  #settings: SchedulerSettings;
  /** Of the last start. */
  #round = 0;

  constructor(settings: SchedulerSettings, plans: Iterable<Plan>, now: number) {
    this.#settings = settings;
    this.reload(settings, plans, now);
  }

  /** Another configuration: what runs goes on, what is due stays due, schedules count from now. Returns the mappings that are new. */
  reload(settings: SchedulerSettings, plans: Iterable<Plan>, now: number): readonly string[] {
    const isOtherJitter = settings.jitterMs !== this.#settings.jitterMs;
    this.#settings = settings;
    const added: string[] = [];
    const names = new Set<string>();
    for (const plan of plans) {
      const { mapping, schedules } = plan;
      names.add(mapping);
      const known = this.#turns.get(mapping);
      const jitterMs = jitterOf(mapping, settings.jitterMs);
      if (known === undefined || known.isRemoved) added.push(mapping);
      const isSame = known?.isRemoved === false && !isOtherJitter && JSON.stringify(known.plan.schedules) === JSON.stringify(schedules);
      const nextAt = isSame ? known.nextAt : nextTurn(schedules, jitterMs, now);
      this.#turns.set(mapping, { ...(known ?? NEW), plan, jitterMs, nextAt, isRemoved: false });
    }
    for (const [mapping, turn] of this.#turns) {
      if (names.has(mapping)) continue;
      if (turn.running === undefined) this.#turns.delete(mapping);
      else this.#turns.set(mapping, { ...turn, isRemoved: true, due: undefined, retry: undefined, nextAt: Number.POSITIVE_INFINITY });
    }
    return added;
  }

  /** Says when the mapping's last run began (null: never), by whomever: if a turn of its schedule has passed since, it is due now, once. */
  catchUp(mapping: string, lastStart: number | null, now: number): void {
    const turn = this.#turns.get(mapping);
    // What has started meanwhile has missed nothing.
    if (turn === undefined || turn.plan.schedules.length === 0 || turn.round > 0) return;
    if (lastStart === null || nextTurn(turn.plan.schedules, turn.jitterMs, lastStart) <= now) this.#makeDue(turn, 'missed', now);
  }

  /** Asks for a run outside the schedule: one after the present one, if it runs. Several triggers are one run. False for a mapping that is not known. */
  trigger(mapping: string, options: TriggerOptions, now: number): boolean {
    const turn = this.#turns.get(mapping);
    if (turn === undefined || turn.isRemoved) return false;
    this.#makeDue(turn, 'trigger', now, options, true);
    return true;
  }

  /** A paused mapping does not start; what it misses is one turn when it is resumed. */
  setPaused(mapping: string, isPaused: boolean): void {
    const turn = this.#turns.get(mapping);
    if (turn !== undefined) turn.isPaused = isPaused;
  }

  /** Keeps a mapping from starting while something else than a run works on it; a run that is under way goes on. False where it is reserved already. */
  reserve(mapping: string): boolean {
    if (this.#reserved.has(mapping)) return false;
    this.#reserved.add(mapping);
    return true;
  }

  /** Ends that; what became due meanwhile is one turn. */
  free(mapping: string): void {
    this.#reserved.delete(mapping);
  }

  /** What starts at this moment. The caller runs each of them, and says how it ended. */
  starts(now: number): readonly Start[] {
    for (const turn of this.#turns.values()) this.#advance(turn, now);
    const waiting = [...this.#turns.values()].filter((turn) => isWaiting(turn) && !this.#reserved.has(turn.plan.mapping)).sort(byTurn);
    const starts: Start[] = [];
    for (const turn of waiting) {
      const { due, plan } = turn;
      if (due === undefined || !this.#hasRoom(plan.warehouse)) continue;
      const { options, isTriggered } = due;
      starts.push({ mapping: plan.mapping, cause: due.cause, dueAt: due.since, options });
      turn.running = { since: now, warehouse: plan.warehouse, options, isTriggered };
      turn.round = due.round;
      turn.due = undefined;
      turn.retry = undefined;
      this.#round = Math.max(this.#round, turn.round);
    }
    return starts;
  }

  /** A run came to its end. */
  ended(mapping: string, ending: Ending, now: number): void {
    const turn = this.#turns.get(mapping);
    if (turn?.running === undefined) throw new Error(`${mapping} does not run`);
    const { options, isTriggered } = turn.running;
    turn.running = undefined;
    if (turn.isRemoved) {
      this.#turns.delete(mapping);
      return;
    }
    turn.attempts = ending === 'unreachable' || (ending === 'owned' && isTriggered) ? turn.attempts + 1 : 0;
    // Who triggers a run while another instance has one wants one that begins after it.
    const isAgain = ending === 'unreachable' ? turn.attempts <= this.#settings.retry.attempts : ending === 'owned' && isTriggered;
    if (isAgain) turn.retry = { at: now + backoffMs(mapping, turn.attempts, this.#settings.retry), options, isTriggered };
    else if (ending === 'unreachable') turn.attempts = 0;
  }

  /** When `starts` may give something new, unless a run ends, or something is triggered or resumed, before. Infinity: not by itself. */
  wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { plan, nextAt, retry, running, isPaused } of this.#turns.values()) {
      if (running === undefined && !isPaused && !this.#reserved.has(plan.mapping))
        at = Math.min(at, nextAt, retry?.at ?? Number.POSITIVE_INFINITY);
    }
    return at;
  }

  /** Where a mapping stands; undefined for one that is not known. */
  turnOf(mapping: string): Readonly<Turn> | undefined {
    return this.#turns.get(mapping);
  }

  #advance(turn: Turn, now: number): void {
    if (turn.nextAt <= now) {
      this.#makeDue(turn, 'schedule', turn.nextAt);
      turn.nextAt = nextTurn(turn.plan.schedules, turn.jitterMs, now);
    }
    if (turn.retry !== undefined && turn.retry.at <= now) {
      this.#makeDue(turn, 'retry', turn.retry.at, turn.retry.options, turn.retry.isTriggered);
      turn.retry = undefined;
    }
  }

  #makeDue(turn: Turn, cause: Start['cause'], since: number, options = NOT_FULL, isTriggered = false): void {
    const due = { cause, since, round: Math.max(this.#round, turn.round + 1), options, isTriggered };
    turn.due = turn.due === undefined ? due : merged(turn.due, due);
  }

  #hasRoom(warehouse: string): boolean {
    const running = [...this.#turns.values()].flatMap((turn) => turn.running ?? []);
    const bound = this.#settings.warehouses.get(warehouse) ?? Number.POSITIVE_INFINITY;
    return running.length < this.#settings.concurrency && running.filter((each) => each.warehouse === warehouse).length < bound;
  }
}

const NEW = { due: undefined, retry: undefined, attempts: 0, running: undefined, round: 0, isPaused: false } as const;

function isWaiting({ due, running, isPaused }: Turn): boolean {
  return due !== undefined && running === undefined && !isPaused;
}

function byTurn(a: Turn, b: Turn): number {
  const [one, other] = [a.due, b.due];
  if (one === undefined || other === undefined) return 0;
  return one.round - other.round || a.plan.rank - b.plan.rank || one.since - other.since || (a.plan.mapping < b.plan.mapping ? -1 : 1);
}
