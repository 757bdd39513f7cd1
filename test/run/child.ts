import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

const MAIN = path.resolve(import.meta.dirname, '../../dist/main.js');

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Headrace as a user starts it: `node dist/main.js …`. */
export class Child {
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, command: (args: string[]) => string[] = (whole) => whole) {
    const [program = '', ...rest] = command([process.execPath, MAIN, ...args]);
    this.#process = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process.stdout?.on('data', (data: Buffer) => {
      this.#stdout += data.toString();
    });
    this.#process.stderr?.on('data', (data: Buffer) => {
      this.#stderr += data.toString();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#process.on('error', reject);
      this.#process.on('close', (code, signal) => resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr }));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** What it has written so far. */
  get stderr(): string {
    return this.#stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Resolves once the process has written the text to stderr; rejects if it ends before. */
  async says(text: string): Promise<void> {
    let isOver = false;
    void this.ended.then(() => {
      isOver = true;
    });
    while (!this.#stderr.includes(text)) {
      if (isOver) throw new Error(`the process ended without saying "${text}": ${this.#stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
