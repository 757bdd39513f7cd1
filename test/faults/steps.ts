import { STEPS, type Step } from '../../src/run/steps.ts';

/** `npm test` kills at some steps only, where every one is killed at elsewhere; HEADRACE_TEST_STEPS=all kills at all of them. */
export const isComplete = process.env.HEADRACE_TEST_STEPS === 'all';
/** A suite that runs with the local copy, too. */
const isRepeated = process.env.HEADRACE_TEST_VIEW !== undefined;

const choose = (usual: readonly Step[], repeated = usual): readonly Step[] => {
  if (isComplete) return STEPS;
  return isRepeated ? repeated : usual;
};

/** Where a view can be left behind its topic, or half written. */
const AROUND_APPLY: readonly Step[] = ['commit_sent', 'after_commit', 'inside_apply', 'applied'];

/** Where repairs are killed: once in each state that a chunk can be in. Every step of the flow that they share with runs is in crash.e2e.test.ts. */
export const REPAIR_STEPS = choose(['after_fence', 'between_sends', 'commit_sent', 'after_commit', 'inside_apply']);

/** Where runs are asked to end. */
export const SIGNAL_STEPS = choose(STEPS, ['in_recovery', ...AROUND_APPLY]);

/** Where runs with a view in DuckDB are killed. */
export const APPLY_STEPS = choose(AROUND_APPLY);
/** And in Snowflake, whose emulator is slow: the chunk is committed and not applied, or half of it is. */
export const SLOW_APPLY_STEPS = choose(['after_commit', 'inside_apply']);
