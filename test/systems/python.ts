import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonPrograms } from './python-programs.ts';

const run = promisify(execFile);

/** Runs a script of test/systems/python/ with the packages of consumer.txt (120 MB, a minute at first use), and returns what it prints. */
export async function runPython(script: string, args: readonly string[]): Promise<string> {
  const python = join(await pythonPrograms('consumer'), 'python');
  const { stdout } = await run(python, [join(import.meta.dirname, 'python', script), ...args], { maxBuffer: 64 << 20 });
  return stdout;
}
