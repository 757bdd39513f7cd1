/** Child processes that share this terminal. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * How a child ended: by exit code, or by a signal (then `code` is 1).
 * @typedef {{ readonly code: number, readonly signal: NodeJS.Signals | null }} Ending
 */

/** @type {Ending} */
export const SUCCESS = { code: 0, signal: null };
/** @type {Ending} */
export const FAILURE = { code: 1, signal: null };

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a program in the repository's root until it ends, and passes signals on.
 * @returns {Promise<Ending>}
 */
export function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
    const forward = (signal) => {
      // A terminal sends Ctrl-C to the whole group; a second one would make the child give up its clean end.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    const settle = () => {
      for (const signal of FORWARDED) process.off(signal, forward);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      settle();
      resolve({ code: code ?? 1, signal });
    });
  });
}

/**
 * The command line of an installed package's program, run by the Node that runs this (and not by the first one in PATH).
 * @returns {[command: string, args: string[]]}
 */
export function tool(name, ...args) {
  const folder = join(ROOT, 'node_modules', ...PACKAGE_OF[name].split('/'));
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [process.execPath, [join(folder, typeof bin === 'string' ? bin : bin[name]), ...args]];
}

const PACKAGE_OF = {
  biome: '@biomejs/biome',
  depcruise: 'dependency-cruiser',
  tsc: 'typescript',
  tsx: 'tsx',
  vitest: 'vitest',
};

/** Ends this process as the child ended, so that whoever started us sees the same. */
export function endLike({ code, signal }) {
  if (signal === null) process.exitCode = code;
  else process.kill(process.pid, signal);
}
