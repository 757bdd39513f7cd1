import { scheduleOf } from '../../config/schedule.ts';
import { EXIT } from '../../core/errors.ts';
import { problemsError } from '../../core/problem.ts';
import { Daemon } from '../../server/daemon.ts';
import { logObserver } from '../../server/log-observer.ts';
import { type DaemonObserver, observers } from '../../server/observer.ts';
import { Reloads } from '../../server/reloads.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { loadFiles, requireProject } from '../load.ts';
import { openLog } from '../log.ts';
import { terminalObserver } from '../serve-text.ts';
import { testSteps } from '../test-steps.ts';

// biome-ignore lint/complexity/noBannedTypes: no flags of its own yet
export type ServeFlags = {};

export async function serve(context: CommandContext, _flags: ServeFlags): Promise<CommandResult> {
  const { output, interruption, compose, globals } = context;
  const reach = testSteps(context.env, (text) => output.note(text));
  const project = await requireProject(context);
  // A terminal is for people; everything else gets the log, unless it is told not to.
  const isWatched = output.isInteractive && globals.logLevel === undefined;
  const log = await openLog(globals.logLevel ?? (isWatched ? undefined : 'info'));
  const counter = new EndingCounter();
  const observer = observers([logObserver(log), ...(isWatched ? [terminalObserver(output)] : []), counter]);

  const daemon = new Daemon({ project, compose, signal: interruption.signal, observer, reach });
  const scheduled = [...project.mappings.values()].filter((mapping) => {
    const model = project.models.get(mapping.model);
    return model !== undefined && scheduleOf(mapping, model) !== undefined;
  });
  log.info(
    { project: project.name, environment: project.environment, mappings: project.mappings.size, scheduled: scheduled.length },
    'serving',
  );
  output.note(`serving ${project.name}: ${scheduled.length} of ${project.mappings.size} mappings have a schedule`);

  using _reloads = new Reloads({
    daemon,
    load: async () => {
      const loaded = await loadFiles(context);
      if (loaded.project === undefined) throw problemsError(loaded.problems);
      return loaded.project;
    },
    onReloaded: (next) => {
      log.info({ mappings: next.mappings.size }, 'configuration reloaded');
      output.note('SIGHUP: the configuration was read anew');
    },
    onRefused: (error) => {
      const { code, message } = describeError(error);
      log.error({ code, error: message }, 'configuration not reloaded: the old one stays');
      output.note('SIGHUP: the configuration stays as it was:');
      printError(output, error);
    },
  });
  const left = await daemon.run();
  for (const mapping of left) output.warn(`${mapping} did not end within the grace period; the next run finds out how far it came`);
  log.info({ left, runs: counter.runs }, 'ended');
  return { exitCode: EXIT.done, body: { runs: counter.runs, left } };
}

/** For the last line. */
class EndingCounter implements Pick<DaemonObserver, 'ended'> {
  readonly runs: Record<string, number> = { done: 0, failed: 0, unreachable: 0, owned: 0, interrupted: 0 };

  ended({ ending }: { readonly ending: string }): void {
    this.runs[ending] = (this.runs[ending] ?? 0) + 1;
  }
}
