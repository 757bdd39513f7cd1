import { type Command, Option } from 'commander';
import type { CommandLine, GlobalOptions } from './context.ts';
import { type Command as Action, execute } from './execute.ts';
import { LOG_LEVELS } from './log.ts';

/** Adds a command below `parent`: `runs` says what it does, given its arguments and its flags `F`, and loads the module that does it. */
export type AddCommand = <F>(
  parent: Command,
  usage: string,
  description: string,
  examples: readonly string[],
) => {
  readonly command: Command;
  readonly runs: (load: (args: readonly string[], flags: F) => Promise<Action>) => void;
};

/** `onEnd` gets the exit code of the command that was called. */
export function commandAdder(line: CommandLine, onEnd: (exitCode: number) => void): AddCommand {
  return <F>(parent: Command, usage: string, description: string, examples: readonly string[]) => {
    const command = parent.command(usage).description(description);
    addGlobalOptions(command);
    if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.map((e) => `  $ ${e}`).join('\n')}`);
    const runs = (load: (args: readonly string[], flags: F) => Promise<Action>) => {
      command.action(async () => {
        const flags = command.optsWithGlobals<F & GlobalOptions>();
        const args = command.processedArgs.flat().filter((arg): arg is string => typeof arg === 'string');
        onEnd(await execute(pathOf(command), line, flags, async (context) => (await load(args, flags))(context)));
      });
    };
    return { command, runs };
  };
}

export function addGlobalOptions(command: Command): Command {
  return command
    .option('--project <dir>', 'folder of headrace.yml (default: here, or the nearest one upwards)')
    .option('--json', 'print one line of JSON on stdout')
    .addOption(new Option('--log-level <level>', 'structured log on stderr').choices([...LOG_LEVELS]));
}

/** `topics plan`, without the name of the program. */
function pathOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent != null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}
