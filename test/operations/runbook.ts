import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';

const FOLDER = path.resolve(import.meta.dirname, '../../docs/operations');
const MAIN = path.resolve(import.meta.dirname, '../../dist/main.js');

/** A command of a runbook, and what the runbook says that it comes to. */
export interface Step {
  readonly heading: string;
  readonly command: string;
  readonly exit: number;
  /** Texts that stdout or stderr hold, each of them. */
  readonly says: string[];
}

/** The pages in docs/operations, without their index. */
export function runbookFiles(): readonly string[] {
  return readdirSync(FOLDER).filter((file) => file.endsWith('.md') && file !== 'README.md');
}

export function runbookText(file: string): string {
  return readFileSync(path.join(FOLDER, file), 'utf8');
}

/** The lines of its `sh` blocks, each with its exit code; a `text` block behind one says what the last command prints. Throws where a line says no exit code. */
export function stepsOf(text: string): readonly Step[] {
  const steps: Step[] = [];
  let [heading, block] = ['', ''];
  for (const line of text.split('\n')) {
    const fence = /^```(\w*)$/.exec(line)?.[1];
    if (fence !== undefined) block = block === '' ? fence : '';
    else if (block === '' && line.startsWith('## ')) heading = line.slice(3);
    else if (block === 'text') steps.at(-1)?.says.push(line);
    else if (block === 'sh' && line !== '') {
      const [, command, exit] = /^(.*?) +# exit (\d+)$/.exec(line) ?? [];
      if (command === undefined) throw new Error(`the command says no exit code: ${line}`);
      steps.push({ heading, command, exit: Number(exit), says: [] });
    }
  }
  return steps;
}

export interface Surroundings {
  /** The folder of the project. */
  readonly root: string;
  /** Also what the commands name, as `MAPPING`. */
  readonly env: NodeJS.ProcessEnv;
}

/** What happens to the project in front of the commands under a heading: what the runbook leaves to a person, or the next incident. It may add to the variables. */
export type Incidents = Readonly<Record<string, () => Promise<unknown>>>;

/** Runs a runbook's commands as they stand there, in a shell, in their order; `headrace` is the built one. Throws with what a command printed where it is not what the page says. */
export async function execute(file: string, { root, env }: Surroundings, incidents: Incidents = {}): Promise<void> {
  const steps = stepsOf(runbookText(file));
  const headings = new Set(steps.map(({ heading }) => heading));
  expect(Object.keys(incidents).filter((heading) => !headings.has(heading))).toEqual([]);
  const bin = mkdtempSync(path.join(os.tmpdir(), 'headrace-bin-'));
  try {
    writeFileSync(path.join(bin, 'headrace'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    chmodSync(path.join(bin, 'headrace'), 0o755);
    let heading = '';
    for (const step of steps) {
      if (step.heading !== heading) await incidents[step.heading]?.();
      heading = step.heading;
      const said = await inShell(step.command, root, { ...env, PATH: `${bin}:${env.PATH ?? ''}`, NO_COLOR: '1' });
      const missing = step.says.filter((text) => !said.output.includes(text));
      if (said.code === step.exit && missing.length === 0) continue;
      const wanted = `exit ${step.exit}${missing.map((text) => `, and the text "${text}"`).join('')}`;
      throw new Error(`${file}, "${heading}": \`${step.command}\` came to exit ${said.code} instead of ${wanted}:\n${said.output}`);
    }
  } finally {
    rmSync(bin, { recursive: true, force: true });
  }
}

async function inShell(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ readonly code: number; readonly output: string }> {
  // A variable that the test did not fill in is a fault of one of the two.
  const { code, stdout, stderr } = await promisify(execFile)('bash', ['-u', '-c', command], { cwd, env }).then(
    (done) => ({ ...done, code: 0 }),
    (error: unknown) => error as { stdout: string; stderr: string; code: number },
  );
  return { code, output: stdout + stderr };
}
