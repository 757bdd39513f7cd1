import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { STEPS } from '../../src/run/steps.ts';
import { MAPPINGS, type MappingName } from './project.ts';
import { type Random, sleep } from './random.ts';

/** What happened, for the line of each minute. */
export interface Counts {
  runs: number;
  kills: number;
  freezes: number;
  copiesLost: number;
  copiesSwapped: number;
  rows: number;
  readonly exits: Map<string, number>;
  /** Endings that no outage, kill or rival explains. */
  readonly unexpected: string[];
}

export interface Surroundings {
  /** dist/main.js */
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
  readonly counts: Counts;
  readonly isOver: () => boolean;
}

/** What an outage of the broker, a cut session, a rival or SIGTERM may lead to. Everything else is a defect. */
const EXPLAINED = new Set(['KAFKA_UNREACHABLE', 'WAREHOUSE_UNREACHABLE', 'OWNED_ELSEWHERE', 'INTERRUPTED', 'OUTCOME_UNKNOWN', 'FENCED']);

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const alive = new Set<ChildProcess>();

/** Ends whatever still runs, frozen or not: for the end of the soak. */
export function killAll(): void {
  for (const child of alive) child.kill('SIGKILL');
}

/** One run after the other until it is over: of one mapping, or of any (then as a rival from another folder). */
export async function keepRunning(around: Surroundings, root: string, mapping: MappingName | undefined, random: Random): Promise<void> {
  while (!around.isOver()) {
    const name = mapping ?? random.pick(MAPPINGS);
    await disturbCopy(path.join(root, '.headrace', 'soak', name), around.counts, random);
    await runOnce(around, root, name, random);
    await sleep(random.between(0, mapping === undefined ? 3_000 : 1_000));
  }
}

async function runOnce(around: Surroundings, root: string, mapping: MappingName, random: Random): Promise<void> {
  const { counts } = around;
  const args = ['run', mapping, '--chunk', String(random.pick([7, 40, 200, 2000])), '--json'];
  if (random.chance(0.15)) args.push('--full');
  if (random.chance(0.05)) args.push('--take-over');
  const fate = random.next();
  const step = fate < 0.3 ? `${random.pick(STEPS)}:${random.pick([1, 1, 1, 2, 3])}=kill` : undefined;
  const child = start(around, root, args, step);
  const ended = endingOf(child);
  if (fate >= 0.3 && fate < 0.5) void after(random.between(300, 6_000), ended, () => child.kill('SIGKILL'));
  else if (fate >= 0.5 && fate < 0.55) void after(random.between(300, 4_000), ended, () => child.kill('SIGTERM'));
  else if (fate >= 0.55 && fate < 0.65) {
    const [at, frozenFor] = [random.between(300, 3_000), random.pick([500, 3_000, 20_000])];
    void after(at, ended, () => {
      counts.freezes++;
      child.kill('SIGSTOP');
      void after(frozenFor, ended, () => child.kill('SIGCONT'));
    });
  }
  note(await ended, mapping, counts);
}

/** A clean run, for the end. Its facts, or why there are none. */
export async function runCleanly(around: Surroundings, root: string, mapping: MappingName, ...args: string[]): Promise<number> {
  const ending = await endingOf(start(around, root, ['run', mapping, '--json', ...args]));
  const [result] = resultsOf(ending);
  if (ending.code !== 0 || result?.published === undefined) throw new Error(`the last run of ${mapping} failed:\n${ending.stderr}`);
  return result.published;
}

function start({ main, env }: Surroundings, root: string, args: readonly string[], step?: string): ChildProcess {
  const steps = step === undefined ? {} : { HEADRACE_TEST_STEPS: '1', HEADRACE_TEST_STEP: step };
  const child = spawn(process.execPath, [main, '--project', root, ...args], {
    env: { ...env, ...steps },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  alive.add(child);
  return child;
}

function endingOf(child: ChildProcess): Promise<Ending> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      alive.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

async function after(ms: number, ended: Promise<Ending>, act: () => void): Promise<void> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  await sleep(ms);
  if (!isOver) act();
}

interface MappingBody {
  readonly published?: number;
  readonly counts?: { readonly rows: number };
  readonly error?: { readonly code: string; readonly message: string };
}

function resultsOf({ stdout }: Ending): readonly MappingBody[] {
  try {
    return (JSON.parse(stdout) as { mappings?: readonly MappingBody[] }).mappings ?? [];
  } catch {
    return [];
  }
}

function note(ending: Ending, mapping: MappingName, counts: Counts): void {
  const { code, signal, stderr } = ending;
  counts.runs++;
  if (signal === 'SIGKILL') counts.kills++;
  const exit = signal ?? String(code);
  counts.exits.set(exit, (counts.exits.get(exit) ?? 0) + 1);
  const results = resultsOf(ending);
  for (const result of results) counts.rows += result.counts?.rows ?? 0;
  if (code === 0 || signal === 'SIGKILL' || code === 143 || signal === 'SIGTERM') return;
  const codes = results.flatMap(({ error }) => (error === undefined ? [] : [error.code]));
  if (codes.length > 0 && codes.every((c) => EXPLAINED.has(c))) return;
  counts.unexpected.push(`${mapping} ended with ${exit} ${codes.join()}: ${stderr.slice(-2_000)}`);
}

/** The local copy is a cache: it may be gone, or be yesterday's. Nobody uses it at this moment, except perhaps the frozen. */
async function disturbCopy(folder: string, counts: Counts, random: Random): Promise<void> {
  const backup = `${folder}.backup`;
  const fate = random.next();
  if (fate < 0.04) {
    rmSync(folder, { recursive: true, force: true });
    counts.copiesLost++;
  } else if (fate < 0.08 && existsSync(folder)) {
    rmSync(backup, { recursive: true, force: true });
    cpSync(folder, backup, { recursive: true });
  } else if (fate < 0.12 && existsSync(backup)) {
    rmSync(folder, { recursive: true, force: true });
    cpSync(backup, folder, { recursive: true });
    counts.copiesSwapped++;
  }
}
