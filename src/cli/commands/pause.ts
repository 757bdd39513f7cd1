import os from 'node:os';
import { EXIT } from '../../core/errors.ts';
import { pauseMapping, pausesOf, resumeMapping } from '../../ops/pauses.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import { formatInstant } from '../numbers.ts';

export interface PauseFlags {
  readonly reason?: string;
}

export async function pause(context: CommandContext, names: readonly string[], { reason }: PauseFlags): Promise<CommandResult> {
  const project = await requireProject(context);
  const by = os.userInfo().username;
  const mappings = selectMappings(project, names).map(({ name }) => {
    const wasPaused = pausesOf(project).has(name);
    const pause = pauseMapping(project, { mapping: name, by, reason: reason ?? null, at: Date.now() });
    const since = wasPaused
      ? `was paused by ${pause.by} already (${formatInstant(pause.at)})`
      : 'is paused: headrace serve does not start it';
    context.output.print(`${name} ${since}`);
    return { ...pause, wasPaused };
  });
  return { exitCode: EXIT.done, body: { mappings } };
}

export async function resume(context: CommandContext, names: readonly string[]): Promise<CommandResult> {
  const project = await requireProject(context);
  const mappings = selectMappings(project, names).map(({ name }) => {
    const wasPaused = resumeMapping(project, name) !== undefined;
    context.output.print(wasPaused ? `${name} is resumed: headrace serve starts it again` : `${name} was not paused`);
    return { mapping: name, wasPaused };
  });
  return { exitCode: EXIT.done, body: { mappings } };
}
