import { isLoopback } from '../../config/compile-serve.ts';
import type { HttpConfig, ListenAddress } from '../../config/project.ts';
import { scheduleOf } from '../../config/schedule.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import { problemsError } from '../../core/problem.ts';
import { watchAlerts } from '../../server/alerts.ts';
import { Daemon } from '../../server/daemon.ts';
import { type HttpParts, openApiServer, openProbeServer } from '../../server/http.ts';
import { watchLag } from '../../server/lag.ts';
import { logObserver } from '../../server/log-observer.ts';
import { Metrics } from '../../server/metrics.ts';
import { type DaemonObserver, observers } from '../../server/observer.ts';
import { Reloads } from '../../server/reloads.ts';
import { certificateText } from '../../server/tls.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { loadFiles, requireProject } from '../load.ts';
import { openLog } from '../log.ts';
import { terminalObserver } from '../serve-text.ts';
import { testSteps } from '../test-steps.ts';
import { readVersion } from '../version.ts';

export interface ServeFlags {
  readonly listen?: ListenAddress;
}

export async function serve(context: CommandContext, { listen }: ServeFlags): Promise<CommandResult> {
  const { output, interruption, compose, globals } = context;
  const reach = testSteps(context.env, (text) => output.note(text));
  const project = await requireProject(context);
  // A terminal is for people; everything else gets the log, unless it is told not to.
  const isWatched = output.isInteractive && globals.logLevel === undefined;
  const log = await openLog(globals.logLevel ?? (isWatched ? undefined : 'info'), output.redaction);
  const counter = new EndingCounter();
  const version = readVersion();
  const metrics = new Metrics(version);
  const observer = observers([logObserver(log), metrics, ...(isWatched ? [terminalObserver(output)] : []), counter]);

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

  const { http } = project.serve;
  const parts: HttpParts = {
    daemon,
    metrics,
    version,
    onChange: (by, operation, of) => log.info({ by, operation, of }, 'asked for over HTTP'),
    onBug: (error) => log.error({ error: describeError(error).message }, 'a request failed'),
  };
  await using api = await openApiServer(parts, { ...http, listen: allowed(listen ?? http.listen, http) });
  await using probes = http.probes === undefined ? undefined : await openProbeServer(parts, http.probes);
  log.info({ address: api.address, probes: probes?.address, certificate: certificateText(http) }, 'listening');
  output.note(`listening on ${api.address}${http.tokens.length === 0 ? ' (health and metrics alone: there are no serve.tokens)' : ''}`);

  using _reloads = new Reloads({
    daemon,
    load: async () => {
      const loaded = await loadFiles(context);
      if (loaded.project === undefined) throw problemsError(loaded.problems);
      return loaded.project;
    },
    take: (next) => api.renew(next.serve.http),
    onReloaded: (next) => {
      metrics.reloaded('taken');
      log.info({ mappings: next.mappings.size, certificate: certificateText(next.serve.http) }, 'configuration reloaded');
      output.note('SIGHUP: the configuration was read anew');
    },
    onRefused: (error) => {
      const { code, message } = describeError(error);
      metrics.reloaded('refused');
      log.error({ code, error: message }, 'configuration not reloaded: the old one stays');
      output.note('SIGHUP: the configuration stays as it was:');
      printError(output, error);
    },
  });
  const { signal } = interruption;
  void watchLag({ daemon, compose, observer, signal });
  const alerting = watchAlerts({ daemon, observer, signal });
  const left = await daemon.run();
  await alerting;
  for (const mapping of left) output.warn(`${mapping} did not end within the grace period; the next run finds out how far it came`);
  log.info({ left, runs: counter.runs }, 'ended');
  return { exitCode: EXIT.done, body: { runs: counter.runs, left } };
}

/** An address of the command line must be as safe as one of the file. Throws CONFIG_INVALID. */
function allowed(address: ListenAddress, { tls, tokens }: HttpConfig): ListenAddress {
  if (isLoopback(address) || (tls !== undefined && tokens.length > 0)) return address;
  throw new HeadraceError(
    'CONFIG_INVALID',
    `--listen ${address.host}:${address.port} can be reached by others: it needs serve.tls and serve.tokens.`,
    {
      suggestion: 'Listen on 127.0.0.1. For probes and metrics alone there is serve.probes.',
    },
  );
}

/** For the last line. */
class EndingCounter implements Pick<DaemonObserver, 'ended'> {
  readonly runs: Record<string, number> = { done: 0, failed: 0, unreachable: 0, owned: 0, interrupted: 0 };

  ended({ ending }: { readonly ending: string }): void {
    this.runs[ending] = (this.runs[ending] ?? 0) + 1;
  }
}
