import { runCommandLine } from '../../src/cli/command-line.ts';
import type { CommandLine } from '../../src/cli/context.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line without a process of its own. */
export async function headrace(
  cwd: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
  compose: CommandLine['compose'] = async (project, purpose) => (await import('../../src/compose.ts')).composeSystem(project, purpose),
): Promise<Said> {
  let [stdout, stderr] = ['', ''];
  const code = await runCommandLine({
    argv,
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdout: {
      write: (text) => {
        stdout += text;
      },
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
    },
    compose,
  });
  return { code, stdout, stderr };
}
