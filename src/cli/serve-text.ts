import type { DaemonObserver } from '../server/observer.ts';
import { describeError, printError } from './error-text.ts';
import { formatCount, formatDuration, formatInstant } from './numbers.ts';
import type { Output } from './output.ts';

/** What the daemon does, for a person who watches it at a terminal. */
export function terminalObserver(output: Output): Partial<DaemonObserver> {
  const { bold, dim, yellow } = output.errorColors;
  const say = (mapping: string, text: string) => output.note(`${dim(formatInstant(Date.now()))}  ${bold(mapping)}  ${text}`);
  return {
    ended: ({ mapping, cause, startedAt, endedAt, ending, result, error }) => {
      const took = `in ${formatDuration(endedAt - startedAt)} ${dim(`(${cause})`)}`;
      if (result !== null) say(mapping, `${formatCount(result.published)} published of ${formatCount(result.counts.rows)} rows ${took}`);
      else if (ending === 'owned') say(mapping, `another instance runs it: standing by`);
      else if (ending === 'interrupted') say(mapping, 'interrupted');
      else {
        say(mapping, `failed ${took}: ${error?.message} ${dim(`[${error?.code}]`)}`);
        if (error?.suggestion != null) output.note(`  → ${error.suggestion}`);
      }
    },
    warned: (mapping, message) => say(mapping, `${yellow('warning')} ${message}`),
    paused: ({ mapping, by, reason }) => say(mapping, `is paused by ${by}${reason === null ? '' : `: ${reason}`}`),
    resumed: (mapping) => say(mapping, 'is resumed'),
    troubled: (message, error) => {
      output.warn(`${message}: ${describeError(error).message}`);
      if (describeError(error).code === 'BUG') printError(output, error);
    },
  };
}
