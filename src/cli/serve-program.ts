import type { Command } from 'commander';
import type { AddCommand } from './add-command.ts';
import { listenOn } from './option-values.ts';

/** `serve`, and what a person says to it. */
export function addServeCommands(program: Command, add: AddCommand): void {
  const serve = add<import('./commands/serve.ts').ServeFlags>(
    program,
    'serve',
    'Run the mappings by their schedules until SIGTERM. SIGHUP reads the configuration anew.',
    [
      'headrace serve',
      'headrace serve --log-level debug 2> headrace.log',
      'headrace serve --project /etc/headrace & kill -HUP $!   # reads the configuration anew',
    ],
  );
  serve.command.option('--listen <address>', 'of the HTTP API, instead of serve.listen: host:port, or a port of 127.0.0.1', listenOn);
  serve.runs(async (_, flags) => {
    const { serve } = await import('./commands/serve.ts');
    return (context) => serve(context, flags);
  });

  const pause = add<import('./commands/pause.ts').PauseFlags>(
    program,
    'pause <mappings...>',
    'Keep `headrace serve` from starting mappings, until they are resumed. A run that is under way goes on.',
    ['headrace pause customer --reason "the model is wrong since Monday"'],
  );
  pause.command.option('--reason <text>', 'why, for whoever finds it paused');
  pause.runs(async (names, flags) => {
    const { pause } = await import('./commands/pause.ts');
    return (context) => pause(context, names, flags);
  });

  add(program, 'resume <mappings...>', 'Let `headrace serve` start paused mappings again; what they missed is one run.', [
    'headrace resume customer',
  ]).runs(async (names) => {
    const { resume } = await import('./commands/pause.ts');
    return (context) => resume(context, names);
  });
}
