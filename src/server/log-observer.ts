import { describeError } from '../cli/error-text.ts';
import type { Log } from '../cli/log.ts';
import type { DaemonObserver } from './observer.ts';

/** What the daemon does as structured log lines: every one of a run has its id. Promise 10: counts, codes and messages, no values of rows. */
export function logObserver(log: Log): DaemonObserver {
  return {
    started: ({ mapping, cause, dueAt, options }, run) =>
      log.info({ run, mapping, cause, dueAt: new Date(dueAt).toISOString(), full: options.full }, 'run starts'),
    ended: ({ mapping, run, cause, startedAt, endedAt, ending, result, error }) => {
      const common = { run, mapping, cause, tookMs: endedAt - startedAt };
      if (result !== null)
        log.info(
          { ...common, scope: result.scope, counts: result.counts, published: result.published, watermark: result.watermark },
          'run ended',
        );
      else if (ending === 'owned') log.info({ ...common, why: error?.message }, 'another instance runs this mapping: standing by');
      else if (ending === 'interrupted') log.info(common, 'run was interrupted');
      else log.error({ ...common, ending, code: error?.code, error: error?.message, suggestion: error?.suggestion }, 'run failed');
    },
    warned: (mapping, message, run) => log.info({ run, mapping, warning: message }, 'warning'),
    sliced: (mapping, { id, slices, counts, total, end }, slice) =>
      log.info({ mapping, backfill: id, slice: slices, ...slice, rowsInAll: counts.rows, total, end: end ?? null }, 'slice ended'),
    took: (mapping, step, ms, run) => log.debug({ run, mapping, step, tookMs: Math.round(ms) }, 'step ended'),
    paused: ({ mapping, by, reason }) => log.info({ mapping, by, reason }, 'mapping is paused'),
    lagged: () => undefined,
    alerted: (mapping, outcome, event) => {
      if (outcome === 'delivered') log.info({ mapping, event }, 'alert delivered');
      else log.error({ mapping, event, outcome }, 'alert not delivered: it is tried again');
    },
    resumed: (mapping) => log.info({ mapping }, 'mapping is resumed'),
    troubled: (message, error) => log.error({ error: describeError(error).message }, message),
  };
}
