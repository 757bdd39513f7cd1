import { STEPS, type Step } from '../../src/run/steps.ts';

/**
 * Where repairs are killed: once in each state that a chunk can be in. Every step of the flow that they share with runs is in crash.e2e.test.ts;
 * HEADRACE_TEST_STEPS=all kills repairs at every one, too.
 */
export const REPAIR_STEPS: readonly Step[] =
  process.env.HEADRACE_TEST_STEPS === 'all' ? STEPS : ['after_fence', 'between_sends', 'commit_sent', 'after_commit', 'inside_apply'];
