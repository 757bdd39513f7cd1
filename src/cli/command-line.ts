import { EXIT } from '../core/errors.ts';
import type { CommandLine } from './context.ts';
import { createProgram } from './program.ts';

/** Parses, runs one command, and returns the exit code. What commander refuses (an unknown option, a missing argument) is an invalid configuration. */
export async function runCommandLine(line: CommandLine): Promise<number> {
  const { CommanderError } = await import('commander');
  let exitCode: number = EXIT.done;
  const program = createProgram(line, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...line.argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exitCode = error.exitCode === 0 ? EXIT.done : EXIT.invalid;
    if (exitCode !== EXIT.done && line.argv.includes('--json')) {
      const body = { code: 'CONFIG_INVALID', message: error.message, path: null, suggestion: 'headrace --help shows every command.' };
      line.stdout.write(`${JSON.stringify({ command: null, ok: false, exitCode, error: body })}\n`);
    }
  }
  return exitCode;
}
