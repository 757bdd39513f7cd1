import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Step } from '../../src/run/steps.ts';
import { World } from '../run/world.ts';
import { eventFiles, eventsTable, expectEvents, foldSnapshot } from './events.ts';

let world: World;
beforeEach(async () => {
  world = await World.create(eventsTable(72), eventFiles());
});
afterEach(() => world.close());

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return world.start(['run', 'event', '--chunk', '40', ...args], env).ended;
}

async function runKilledAt(step: Step, count: number): Promise<void> {
  const { signal, stderr } = await run([], { HEADRACE_TEST_STEPS: '1', HEADRACE_TEST_STEP: `${step}:${count}=kill` });
  expect(signal, stderr).toBe('SIGKILL');
}

async function runToEnd(...args: string[]): Promise<void> {
  const { code, stderr } = await run(args);
  expect(code, stderr).toBe(0);
}

// An initial load commits a control record, five chunks of events, and then chunks of expiries.
const STEPS: readonly Step[] = ['before_first_send', 'after_last_send', 'commit_sent', 'after_commit', 'inside_apply', 'applied'];

describe.each(STEPS)('killed at %s among the expiries', (step) => {
  test.each([
    ['and the local copy stays', false],
    ['and the local copy is lost', true],
  ])('of an initial load and of a later run, %s: each event is published once', async (_, isLost) => {
    const lose = async () => isLost && world.loseView('event');
    await runKilledAt(step, 8);
    expect((await foldSnapshot(world)).tombstones).toBeGreaterThan(0);
    await lose();
    await runToEnd();
    await expectEvents(world);
    // Three days later: the run publishes 70 events, most of them below the horizon that it will leave, and is killed before the last of them.
    await world.sql(`insert into events select 200 + n, 'c', NOW, HOURS_AGO(71 - n) from NUMBERS(70)`);
    await runKilledAt(step, 2);
    await lose();
    await runToEnd();
    await runToEnd('--full');
    await expectEvents(world);
    expect((await foldSnapshot(world)).entries).toBeLessThan(30);
  });
});
