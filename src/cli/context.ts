import type { Project } from '../config/project.ts';
import type { Purpose } from '../publish/grants.ts';
import type { System } from '../run/system.ts';
import type { Output, TextStream } from './output.ts';
import type { Interruption } from './signals.ts';

/** What the process gives to the command line. */
export interface CommandLine {
  /** Without `node` and the script. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** Where a person answers questions; absent: nobody does. */
  readonly stdin?: NodeJS.ReadStream | undefined;
  readonly compose: (project: Project, purpose?: Purpose) => Promise<System>;
}

/** What every command works with. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly output: Output;
  readonly stdin?: NodeJS.ReadStream | undefined;
  readonly globals: GlobalOptions;
  readonly interruption: Interruption;
  readonly compose: (project: Project, purpose?: Purpose) => Promise<System>;
}

/** Options that every command has. */
export interface GlobalOptions {
  readonly json?: true;
  readonly project?: string;
  readonly logLevel?: string;
}

/** How a command ended, and what `--json` says of it beside `command`, `ok` and `exitCode`. */
export interface CommandResult {
  readonly exitCode: number;
  readonly body: Readonly<Record<string, unknown>>;
}
