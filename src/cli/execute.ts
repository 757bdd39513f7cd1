import { EXIT, exitCodeOf } from '../core/errors.ts';
import type { CommandContext, CommandLine, CommandResult, GlobalOptions } from './context.ts';
import { describeError, printError } from './error-text.ts';
import { Output } from './output.ts';
import { exitCodeOfSignal, watchSignals } from './signals.ts';

export type Command = (context: CommandContext) => Promise<CommandResult>;

/** Runs one command, prints its `--json` line or its error, and returns the exit code. A signal gives 128 + n, whatever the command came to. */
export async function execute(name: string, line: CommandLine, globals: GlobalOptions, command: Command): Promise<number> {
  const output = new Output(line, globals.json === true);
  using interruption = watchSignals((text) => output.note(text));
  const { env, cwd, compose, stdin } = line;
  const finish = (exitCode: number, body: Readonly<Record<string, unknown>>): number => {
    const code = interruption.received === undefined ? exitCode : exitCodeOfSignal(interruption.received);
    output.json({ command: name, ok: code === EXIT.done, exitCode: code, ...body });
    return code;
  };
  try {
    const { exitCode, body } = await command({ env, cwd, compose, stdin, output, globals, interruption });
    return finish(exitCode, body);
  } catch (error) {
    printError(output, error);
    return finish(exitCodeOf(error), { error: describeError(error) });
  }
}
