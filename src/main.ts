#!/usr/bin/env node
import { runCommandLine } from './cli/command-line.ts';

let composed: typeof import('./compose.ts') | undefined;
// Adapters are loaded with the first command that needs them: `--version`, `--help` and `init` do not pay for Kafka.
const exitCode = await runCommandLine({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  compose: async (project, purpose) => {
    composed = await import('./compose.ts');
    return composed.composeSystem(project, purpose);
  },
});
await composed?.flushTraces();
process.exit(exitCode);
