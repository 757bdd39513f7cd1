#!/usr/bin/env node
import { askOnTerminal } from './cli/ask.ts';
import { runCommandLine } from './cli/command-line.ts';

// Adapters are loaded with the first command that needs them: `--version`, `--help` and `init` do not pay for Kafka.
const exitCode = await runCommandLine({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  ask: process.stdin.isTTY && process.stderr.isTTY ? askOnTerminal : undefined,
  compose: async (project) => (await import('./compose.ts')).composeSystem(project),
});
process.exit(exitCode);
