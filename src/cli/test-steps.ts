import { HeadraceError } from '../core/errors.ts';
import { type ReachStep, STEPS, type Step } from '../run/steps.ts';

/**
 * For tests only: with HEADRACE_TEST_STEPS=1, HEADRACE_TEST_STEP="name[:count]=kill|exit|freeze|sleep:ms" does something to this process when it reaches the
 * named step for the count-th time (the first, unless given). kill: SIGKILL. exit: code 1, without any clean-up. freeze: SIGSTOP, until somebody sends SIGCONT.
 * sleep: waits. Throws CONFIG_INVALID.
 */
export function testSteps(env: NodeJS.ProcessEnv, say: (text: string) => void): ReachStep {
  const written = env.HEADRACE_TEST_STEPS === '1' ? env.HEADRACE_TEST_STEP : undefined;
  if (written === undefined || written === '') return () => undefined;
  const { step, count, action, ms } = parse(written);
  let reached = 0;
  return async (current) => {
    if (current !== step || ++reached !== count) return;
    say(`test step ${step}:${count}=${action}`);
    if (action === 'kill') process.kill(process.pid, 'SIGKILL');
    else if (action === 'freeze') process.kill(process.pid, 'SIGSTOP');
    else if (action === 'exit') process.exit(1);
    else await new Promise((resolve) => setTimeout(resolve, ms));
  };
}

function parse(written: string): { step: Step; count: number; action: string; ms: number } {
  const [, name, count = '1', action = '', ms = '0'] = /^([a-z_]+)(?::(\d+))?=(kill|exit|freeze|sleep)(?::(\d+))?$/.exec(written) ?? [];
  const step = STEPS.find((known) => known === name);
  if (step !== undefined) return { step, count: Number(count), action, ms: Number(ms) };
  throw new HeadraceError('CONFIG_INVALID', `HEADRACE_TEST_STEP is not a step and an action: ${written}`, {
    suggestion: `Write name[:count]=kill|exit|freeze|sleep:ms with one of ${STEPS.join(', ')}.`,
  });
}
