import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../../src/config/project.ts';
import { backoffMs, jitterOf } from '../../../src/run/schedule/delays.ts';
import { Scheduler, type SchedulerSettings } from '../../../src/run/schedule/scheduler.ts';
import type { Ending, Plan, Start } from '../../../src/run/schedule/turn.ts';

const MINUTE = 60_000;
const T0 = Date.UTC(2026, 10, 1);
const EVERY_MINUTE: Schedule = { cron: '* * * * *', timeZone: 'UTC' };

const SETTINGS: SchedulerSettings = {
  concurrency: 1,
  warehouses: new Map(),
  jitterMs: 0,
  retry: { attempts: 2, firstMs: 10_000, longestMs: 15_000 },
};

function plan(mapping: string, more: Partial<Plan> = {}): Plan {
  return { mapping, rank: 2, warehouse: 'main', schedules: [EVERY_MINUTE], ...more };
}

/** The scheduler under a clock of the test's own: time passes only here, and runs end only when the test says so. */
class World {
  readonly scheduler: Scheduler;
  now = T0 + 1;

  constructor(plans: readonly Plan[], settings: Partial<SchedulerSettings> = {}) {
    this.scheduler = new Scheduler({ ...SETTINGS, ...settings }, plans, this.now);
  }

  /** Lets time pass, and returns what starts then. */
  after(ms: number): string[] {
    this.now += ms;
    return this.starts().map(({ mapping }) => mapping);
  }

  starts(): readonly Start[] {
    return this.scheduler.starts(this.now);
  }

  end(mapping: string, ending: Ending = 'done'): string[] {
    this.scheduler.ended(mapping, ending, this.now);
    return this.starts().map((start) => start.mapping);
  }
}

describe('turns', () => {
  test('each instant of the schedule is one start; between them there is none', () => {
    const world = new World([plan('a')]);
    expect(world.starts()).toEqual([]);
    expect(world.scheduler.wakeAt()).toBe(T0 + MINUTE);
    expect(world.after(MINUTE - 2)).toEqual([]);
    world.now += 1;
    expect(world.starts()).toEqual([{ mapping: 'a', cause: 'schedule', dueAt: T0 + MINUTE, options: { full: false } }]);
    expect(world.end('a')).toEqual([]);
    expect(world.scheduler.wakeAt()).toBe(T0 + 2 * MINUTE);
  });

  test('a mapping that is reserved does not start; what it missed is one start when it is free again', () => {
    const world = new World([plan('a'), plan('b')], { concurrency: 2 });
    expect(world.scheduler.reserve('a')).toBe(true);
    expect(world.scheduler.reserve('a')).toBe(false);
    expect(world.after(MINUTE)).toEqual(['b']);
    world.scheduler.trigger('a', { full: true }, world.now);
    expect(world.after(5 * MINUTE)).toEqual([]);
    // Nothing to wait for but the end of b: no busy loop.
    expect(world.scheduler.wakeAt()).toBe(Number.POSITIVE_INFINITY);
    world.scheduler.reload(SETTINGS, [plan('b')], world.now);
    world.scheduler.reload(SETTINGS, [plan('a'), plan('b')], world.now);
    world.scheduler.trigger('a', { full: true }, world.now);
    expect(world.end('b')).not.toContain('a');
    world.scheduler.free('a');
    world.scheduler.ended('b', 'done', world.now);
    expect(world.starts()).toMatchObject([{ mapping: 'a', cause: 'trigger', options: { full: true } }]);
    expect(world.end('a')).not.toContain('a');
  });

  test('no overlap, and what was missed during a run is one start after it', () => {
    const world = new World([plan('a')]);
    expect(world.after(MINUTE)).toEqual(['a']);
    for (let n = 0; n < 10; n++) expect(world.after(MINUTE)).toEqual([]);
    expect(world.end('a')).toEqual(['a']);
    expect(world.end('a')).toEqual([]);
    expect(world.after(MINUTE)).toEqual(['a']);
  });

  test('a machine that slept through many instants starts once', () => {
    const world = new World([plan('a')]);
    expect(world.after(500 * MINUTE)).toEqual(['a']);
    expect(world.end('a')).toEqual([]);
    expect(world.scheduler.wakeAt()).toBe(T0 + 501 * MINUTE);
  });

  test('the instants of several schedules count, and one that two of them name counts once', () => {
    const world = new World([plan('a', { schedules: [{ everyMs: 20_000 }, EVERY_MINUTE] })]);
    expect(world.after(20_000)).toEqual(['a']);
    world.end('a');
    expect(world.after(20_000)).toEqual(['a']);
    world.end('a');
    expect(world.after(20_000)).toEqual(['a']);
    expect(world.end('a')).toEqual([]);
  });

  test.each([
    [null, ['a']],
    [T0 - 2 * MINUTE, ['a']],
    [T0 - MINUTE - 1, ['a']],
    [T0, []],
  ])('what was missed before the start: after a run at %s', (lastStart, expected) => {
    const world = new World([plan('a')]);
    world.scheduler.catchUp('a', lastStart, world.now);
    const starts = world.starts();
    expect(starts.map(({ mapping }) => mapping)).toEqual(expected);
    for (const { cause } of starts) expect(cause).toBe('missed');
  });

  test('without a schedule nothing was missed', () => {
    const world = new World([plan('a', { schedules: [] })]);
    world.scheduler.catchUp('a', null, world.now);
    expect(world.after(1000 * MINUTE)).toEqual([]);
    expect(world.scheduler.wakeAt()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('triggers', () => {
  test('start at once, and during a run they are one start after it', () => {
    const world = new World([plan('a', { schedules: [] })]);
    expect(world.scheduler.trigger('a', { full: false }, world.now)).toBe(true);
    expect(world.starts()).toMatchObject([{ mapping: 'a', cause: 'trigger' }]);
    world.scheduler.trigger('a', { full: false }, world.now);
    world.scheduler.trigger('a', { full: true }, world.now);
    world.scheduler.trigger('a', { full: false }, world.now);
    expect(world.starts()).toEqual([]);
    world.scheduler.ended('a', 'done', world.now);
    expect(world.starts()).toMatchObject([{ mapping: 'a', cause: 'trigger', options: { full: true } }]);
    expect(world.end('a')).toEqual([]);
  });

  test('of a mapping that does not exist is none', () => {
    expect(new World([plan('a')]).scheduler.trigger('b', { full: false }, T0)).toBe(false);
  });

  test('survive a run that could not reach something, and another instance', () => {
    const world = new World([plan('a', { schedules: [] })]);
    world.scheduler.trigger('a', { full: true }, world.now);
    expect(world.after(0)).toEqual(['a']);
    expect(world.end('a', 'owned')).toEqual([]);
    world.now = world.scheduler.wakeAt();
    expect(world.starts()).toMatchObject([{ mapping: 'a', cause: 'retry', options: { full: true } }]);
    expect(world.end('a', 'unreachable')).toEqual([]);
    world.now = world.scheduler.wakeAt();
    expect(world.starts()).toMatchObject([{ mapping: 'a', cause: 'retry', options: { full: true } }]);
  });
});

describe('order', () => {
  test('governance first, then who waits longest', () => {
    const world = new World([plan('z', { rank: 3 }), plan('a', { rank: 2 }), plan('g', { rank: 0 })]);
    expect(world.after(MINUTE)).toEqual(['g']);
    expect(world.end('g')).toEqual(['a']);
    expect(world.end('a')).toEqual(['z']);
  });

  test('governance that is due without end starves nobody', () => {
    const world = new World([plan('g', { rank: 0, schedules: [{ everyMs: 1000 }] }), plan('a'), plan('b', { rank: 3 })]);
    let running = world.after(MINUTE)[0] ?? '';
    const order = [running];
    for (let n = 0; n < 6; n++) {
      world.now += 5_000;
      [running = ''] = world.end(running);
      order.push(running);
    }
    expect(order).toEqual(['g', 'a', 'b', 'g', 'g', 'g', 'g']);
  });

  test('governance that becomes due during a round goes before the others of it', () => {
    const world = new World([plan('a'), plan('b'), plan('g', { rank: 0, schedules: [] })]);
    expect(world.after(MINUTE)).toEqual(['a']);
    world.scheduler.trigger('g', { full: false }, world.now);
    expect(world.end('a')).toEqual(['g']);
    expect(world.end('g')).toEqual(['b']);
  });

  test('bounds of all and of each warehouse; a busy one holds up nobody else', () => {
    const plans = [
      plan('a1'),
      plan('a2'),
      plan('a3'),
      plan('b1', { warehouse: 'other', rank: 3 }),
      plan('b2', { warehouse: 'other', rank: 3 }),
    ];
    const world = new World(plans, { concurrency: 3, warehouses: new Map([['main', 1]]) });
    expect(world.after(MINUTE)).toEqual(['a1', 'b1', 'b2']);
    expect(world.end('b1')).toEqual([]);
    expect(world.end('a1')).toEqual(['a2']);
  });

  test('whatever is due whenever: no overlap, bounds kept, nobody is overtaken by the same one more than twice, nobody waits beside an idle place', () => {
    const arbitraryPlan = fc.record({
      rank: fc.integer({ min: 0, max: 3 }),
      warehouse: fc.constantFrom('main', 'other'),
      schedules: fc.array(fc.record({ everyMs: fc.integer({ min: 1000, max: 90_000 }) }), { maxLength: 2 }),
    });
    const action = fc.record({
      ms: fc.integer({ min: 0, max: 20_000 }),
      which: fc.nat(),
      what: fc.constantFrom('end', 'end', 'end', 'trigger', 'wait'),
    });
    fc.assert(
      fc.property(
        fc.array(arbitraryPlan, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 2 }),
        fc.array(action, { maxLength: 120 }),
        (parts, concurrency, readers, actions) => {
          const plans = parts.map((part, i) => plan(`m${i}`, part));
          const warehouses = new Map([['main', readers]]);
          const world = new World(plans, { concurrency, warehouses });
          const running = new Set<string>();
          const overtaken = new Map<string, Map<string, number>>();
          const warehouseOf = (name: string) => plans.find(({ mapping }) => mapping === name)?.warehouse ?? '';
          for (const { ms, which, what } of actions) {
            world.now += ms;
            const picked = plans[which % plans.length]?.mapping ?? '';
            const ending = [...running][which % Math.max(1, running.size)];
            if (what === 'trigger') world.scheduler.trigger(picked, { full: false }, world.now);
            if (what === 'end' && ending !== undefined) {
              running.delete(ending);
              world.scheduler.ended(ending, which % 5 === 0 ? 'unreachable' : 'done', world.now);
            }
            for (const { mapping } of world.starts()) {
              expect(running.has(mapping)).toBe(false);
              running.add(mapping);
              overtaken.delete(mapping);
              for (const other of plans) {
                const turn = world.scheduler.turnOf(other.mapping);
                if (turn?.due === undefined || turn.running !== undefined || other.warehouse !== warehouseOf(mapping)) continue;
                const counts = overtaken.get(other.mapping) ?? new Map<string, number>();
                overtaken.set(other.mapping, counts.set(mapping, (counts.get(mapping) ?? 0) + 1));
                expect(counts.get(mapping)).toBeLessThanOrEqual(2);
              }
            }
            const inMain = [...running].filter((name) => warehouseOf(name) === 'main').length;
            expect(running.size).toBeLessThanOrEqual(concurrency);
            expect(inMain).toBeLessThanOrEqual(readers);
            for (const { mapping, warehouse } of plans) {
              const turn = world.scheduler.turnOf(mapping);
              if (turn?.due === undefined || turn.running !== undefined) continue;
              expect(running.size === concurrency || (warehouse === 'main' && inMain === readers)).toBe(true);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('pause', () => {
  test('a paused mapping does not start; what it missed is one start when it is resumed', () => {
    const world = new World([plan('a'), plan('b', { schedules: [{ everyMs: 90_000 }] })]);
    world.scheduler.setPaused('a', true);
    expect(world.after(5 * MINUTE)).toEqual(['b']);
    world.end('b');
    world.scheduler.setPaused('a', false);
    expect(world.starts().map(({ mapping }) => mapping)).toEqual(['a']);
    expect(world.end('a')).toEqual([]);
  });

  test('a run that is under way goes on to its end', () => {
    const world = new World([plan('a')]);
    expect(world.after(MINUTE)).toEqual(['a']);
    world.scheduler.setPaused('a', true);
    expect(world.after(MINUTE)).toEqual([]);
    expect(world.end('a')).toEqual([]);
  });
});

describe('retries', () => {
  test('of what was unreachable alone, a few times, with growing waits; then the next turn comes', () => {
    const daily: Schedule = { cron: '0 3 * * *', timeZone: 'UTC' };
    const world = new World([plan('a', { schedules: [daily] })]);
    world.scheduler.catchUp('a', null, world.now);
    expect(world.after(0)).toEqual(['a']);
    const waits: number[] = [];
    for (let n = 0; n < 2; n++) {
      expect(world.end('a', 'unreachable')).toEqual([]);
      waits.push(world.scheduler.wakeAt() - world.now);
      expect(world.after((waits.at(-1) ?? 0) - 1)).toEqual([]);
      world.now += 1;
      expect(world.starts()).toMatchObject([{ mapping: 'a', cause: 'retry' }]);
    }
    expect(waits[0]).toBeGreaterThanOrEqual(5_000);
    expect(waits[0]).toBeLessThan(10_000);
    expect(waits[1]).toBeGreaterThanOrEqual(7_500);
    expect(waits[1]).toBeLessThan(15_000);
    expect(world.end('a', 'unreachable')).toEqual([]);
    expect(world.scheduler.wakeAt()).toBe(T0 + 180 * MINUTE);
  });

  test.each(['failed', 'owned', 'done', 'interrupted'] as const)('%s is not retried: its next turn comes', (ending) => {
    const world = new World([plan('a')]);
    expect(world.after(MINUTE)).toEqual(['a']);
    expect(world.end('a', ending)).toEqual([]);
    expect(world.scheduler.wakeAt()).toBe(T0 + 2 * MINUTE);
  });

  test('a success begins the count anew; a turn that comes before the retry is used', () => {
    const world = new World([plan('a', { schedules: [{ everyMs: 2_000 }] })]);
    expect(world.after(2_000)).toEqual(['a']);
    world.end('a', 'unreachable');
    expect(world.after(2_000)).toEqual(['a']);
    world.end('a', 'unreachable');
    expect(world.after(2_000)).toEqual(['a']);
    world.end('a');
    expect(world.scheduler.turnOf('a')).toMatchObject({ attempts: 0, retry: undefined });
  });

  test('one mapping that fails holds up no other', () => {
    const world = new World([plan('a'), plan('b')]);
    expect(world.after(MINUTE)).toEqual(['a']);
    expect(world.end('a', 'unreachable')).toEqual(['b']);
  });

  test('waits are spread, bounded, and always the same', () => {
    const retry = { attempts: 9, firstMs: 1_000, longestMs: 60_000 };
    const waits = Array.from({ length: 200 }, (_, i) => backoffMs(`m${i}`, 4, retry));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(4_000);
    expect(Math.max(...waits)).toBeLessThan(8_000);
    expect(new Set(waits).size).toBeGreaterThan(150);
    expect(backoffMs('a', 400, retry)).toBeLessThan(60_000);
    expect(backoffMs('a', 3, retry)).toBe(backoffMs('a', 3, retry));
  });
});

describe('jitter', () => {
  test('is a part of what is configured, of each mapping its own, and always the same', () => {
    const parts = Array.from({ length: 200 }, (_, i) => jitterOf(`m${i}`, 30_000));
    expect(Math.min(...parts)).toBeLessThan(3_000);
    expect(Math.max(...parts)).toBeGreaterThan(27_000);
    expect(Math.max(...parts)).toBeLessThan(30_000);
    expect(jitterOf('a', 30_000)).toBe(jitterOf('a', 30_000));
    expect(jitterOf('a', 0)).toBe(0);
  });

  test('moves every start by the same part, and costs no turn', () => {
    const world = new World([plan('a')], { jitterMs: 50_000 });
    const jitter = jitterOf('a', 50_000);
    const starts: number[] = [];
    for (let n = 0; n < 5; n++) {
      world.now = world.scheduler.wakeAt();
      expect(world.after(0)).toEqual(['a']);
      starts.push(world.now - T0);
      world.end('a');
    }
    expect(starts.map((at) => at % MINUTE)).toEqual(starts.map(() => jitter));
    expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBe(4 * MINUTE);
  });
});

describe('another configuration', () => {
  test('what runs goes on, what is due stays due, new ones are named, removed ones end', () => {
    const world = new World([plan('a'), plan('b'), plan('c')]);
    expect(world.after(MINUTE)).toEqual(['a']);
    expect(world.scheduler.reload(SETTINGS, [plan('b'), plan('d')], world.now)).toEqual(['d']);
    expect(world.scheduler.trigger('a', { full: false }, world.now)).toBe(false);
    expect(world.end('a')).toEqual(['b']);
    expect(world.scheduler.turnOf('a')).toBeUndefined();
    expect(world.scheduler.turnOf('c')).toBeUndefined();
    expect(world.end('b')).toEqual([]);
    // The new one has not run in this round.
    expect(world.after(MINUTE)).toEqual(['d']);
  });

  test('one that is removed while it runs and comes back does not run twice', () => {
    const world = new World([plan('a')]);
    expect(world.after(MINUTE)).toEqual(['a']);
    world.scheduler.reload(SETTINGS, [], world.now);
    world.scheduler.reload(SETTINGS, [plan('a')], world.now);
    expect(world.after(MINUTE)).toEqual([]);
    expect(world.end('a')).toEqual(['a']);
  });

  test('another schedule counts from then on; the same one keeps its instants', () => {
    const world = new World([plan('a'), plan('b', { schedules: [{ everyMs: 10 * MINUTE }] })]);
    world.now += 30_000;
    world.scheduler.reload(
      SETTINGS,
      [plan('a', { schedules: [{ everyMs: 45_000 }] }), plan('b', { schedules: [{ everyMs: 10 * MINUTE }] })],
      world.now,
    );
    expect(world.scheduler.turnOf('a')?.nextAt).toBe(T0 + 45_000);
    expect(world.scheduler.turnOf('b')?.nextAt).toBe(T0 + 10 * MINUTE);
  });
});
