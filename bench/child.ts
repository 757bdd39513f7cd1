import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const SAMPLER = path.resolve(import.meta.dirname, 'children/memory.mjs');

/** One process from its start to its exit. */
export interface Measured {
  readonly seconds: number;
  /** What the process counts as its own work, where it says so: without starting Node and loading modules. */
  readonly innerSeconds: number | undefined;
  readonly peakRssBytes: number;
  /** Largest sum of V8's used heap and external memory among the samples. LMDB's mapped file is in RSS, but not in this. */
  readonly peakHeapBytes: number;
  readonly cpuSeconds: number;
  readonly stdout: string;
}

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly profile?: { readonly folder: string; readonly name: string } | undefined;
}

/** Runs a script with this Node and a sampler of its memory. Throws if it fails: what did not work must not be measured. */
export async function measureChild(script: string, args: readonly string[], options: ChildOptions = {}): Promise<Measured> {
  const memoryFile = path.join(os.tmpdir(), `headrace-bench-${process.pid}-${Date.now()}.json`);
  const { profile } = options;
  if (profile !== undefined) mkdirSync(profile.folder, { recursive: true });
  const profiler =
    profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile.folder}`, `--cpu-prof-name=${profile.name}.cpuprofile`];
  const started = performance.now();
  const child = spawn(process.execPath, [...profiler, '--import', SAMPLER, script, ...args], {
    env: { ...(options.env ?? process.env), BENCH_MEMORY_FILE: memoryFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr = (stderr + data.toString()).slice(-4_000);
  });
  const [ended, code] = await new Promise<[number, number | null]>((resolve, reject) => {
    let exitedAt = 0;
    child.once('error', reject);
    child.once('exit', () => {
      exitedAt = performance.now();
    });
    child.once('close', (exitCode) => resolve([exitedAt, exitCode]));
  });
  process.removeListener('exit', killWithUs);
  if (code !== 0) throw new Error(`${path.basename(script)} ${args.join(' ')} ended with ${code}:\n${stderr}\n${stdout.slice(-2_000)}`);
  const memory = JSON.parse(readFileSync(memoryFile, 'utf8')) as Pick<Measured, 'peakRssBytes' | 'peakHeapBytes' | 'cpuSeconds'>;
  rmSync(memoryFile);
  return { seconds: (ended - started) / 1000, innerSeconds: innerSeconds(stdout), ...memory, stdout };
}

function innerSeconds(stdout: string): number | undefined {
  const match = /"seconds":([\d.]+)/.exec(stdout);
  return match === null ? undefined : Number(match[1]);
}
