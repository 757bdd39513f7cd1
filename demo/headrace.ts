import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { command, DemoFailure, isColored } from './print.ts';
import { ROOT } from './programs.ts';

const MAIN = join(ROOT, 'dist', 'main.js');

/** One line of the table that `headrace run` prints. */
export interface RunRow {
  readonly comparison: string;
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly quarantined: number;
  readonly published: number;
}

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with what the process has written to stderr so far, whenever it writes. */
  readonly onStderr?: (text: string, pid: number) => void;
}

/** Runs the built command line as a user does, on the project in the root of this repository. */
export class Headrace {
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<ChildProcess>();
  #isStopped = false;

  constructor(env: Readonly<Record<string, string>>) {
    // kafkajs lets Node complain about its timers from Node 23 on.
    const quiet = Number(process.versions.node.split('.')[0]) > 20 ? '--disable-warning=TimeoutNegativeWarning' : '';
    const nodeOptions = [process.env.NODE_OPTIONS ?? '', quiet].join(' ').trim();
    this.#env = {
      ...process.env,
      ...env,
      ...(nodeOptions === '' ? {} : { NODE_OPTIONS: nodeOptions }),
      ...(isColored ? { FORCE_COLOR: '1' } : {}),
    };
  }

  /** Shows the command, and what it prints when it has ended. Throws DemoFailure if it does not end with `expectedCode`. */
  async run(args: readonly string[], { expectedCode = 0, show = true }: { expectedCode?: number; show?: boolean } = {}): Promise<Ended> {
    command(`headrace ${args.join(' ')}`);
    const ended = await this.start(args);
    if (show || ended.code !== expectedCode) print(ended);
    if (ended.code !== expectedCode) {
      throw new DemoFailure(`headrace ${args.join(' ')} ended with ${ended.code ?? ended.signal}, expected ${expectedCode}`);
    }
    return ended;
  }

  /** `headrace run`, and its table by mapping. */
  async runTable(...args: readonly string[]): Promise<ReadonlyMap<string, RunRow>> {
    return parseRunTable((await this.run(['run', ...args])).stdout);
  }

  async start(args: readonly string[], { env = {}, onStderr }: StartOptions = {}): Promise<Ended> {
    if (this.#isStopped) throw new DemoFailure('the demo is ending');
    // The progress line needs the terminal itself.
    const isWatched = process.stderr.isTTY === true && onStderr === undefined && !args.includes('validate');
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: ROOT,
      env: { ...this.#env, ...env },
      stdio: ['ignore', 'pipe', isWatched ? 'inherit' : 'pipe'],
    });
    this.#running.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      onStderr?.(stderr, child.pid ?? 0);
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#running.delete(child);
        resolve({ code, signal, stdout, stderr });
      });
    });
  }

  /** Ends what still runs, in order; nothing starts any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(
      [...this.#running].map(async (child) => {
        const ended = new Promise((resolve) => child.once('close', resolve));
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
        await ended;
        clearTimeout(timer);
      }),
    );
  }
}

function print({ stdout, stderr }: Ended): void {
  if (stderr !== '') console.log(stderr.trimEnd());
  if (stdout !== '') console.log(stdout.trimEnd());
}

/** Reads what a person reads: cells stand two blanks apart under their titles. Throws DemoFailure for another table. */
export function parseRunTable(text: string): ReadonlyMap<string, RunRow> {
  const [head = '', ...lines] = stripVTControlCharacters(text).trimEnd().split('\n');
  const titles = head.trim().split(/ {2,}/);
  const rows = new Map<string, RunRow>();
  for (const line of lines) {
    const cells = line.trim().split(/ {2,}/);
    if (cells.length !== titles.length) continue;
    const cell = (title: string): string => {
      const at = titles.indexOf(title);
      if (at < 0) throw new DemoFailure(`the table of headrace run has no column ${title}`);
      return cells[at] ?? '';
    };
    const number = (title: string): number => Number(cell(title).replaceAll(',', ''));
    rows.set(cell('mapping'), {
      comparison: cell('comparison'),
      rows: number('rows'),
      created: number('created'),
      updated: number('updated'),
      deleted: number('deleted'),
      quarantined: number('quarantined'),
      published: number('published'),
    });
  }
  return rows;
}
