import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, '..', '..', '.cache', 'apicurio-3.0.9');
const JAR = 'apicurio-registry-app-3.0.9-runner.jar';

export interface RunningRegistry {
  /** Where Confluent's API is. */
  readonly url: string;
  /** Sends a signal and does not wait: SIGSTOP makes a registry that accepts connections and answers nothing. */
  kill(signal: NodeJS.Signals): void;
  /** Ends the registry, and forgets its schemas. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts Apicurio Registry 3.0.9 (its API is compatible with Confluent's) on a free port of 127.0.0.1, with an empty store in memory, and waits until it answers
 * (20 s on a quiet machine). Like Confluent's registry it refuses schemas that are not backward compatible, unless a subject says otherwise.
 */
export async function startRegistry(): Promise<RunningRegistry> {
  await requireFiles();
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'headrace-registry-'));
  const options = {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': port,
    'quarkus.management.enabled': false,
    'quarkus.log.level': 'WARN',
    'apicurio.storage.kind': 'sql',
    'apicurio.storage.sql.kind': 'h2',
    'apicurio.rest.deletion.artifact-version.enabled': true,
  };
  const flags = Object.entries(options).map(([name, value]) => `-D${name}=${value}`);
  const child = spawn('java', ['-Xmx512m', '-XX:TieredStopAtLevel=1', ...flags, '-jar', join(folder, JAR)], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(dir, 'registry.log'));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const stop = async () => {
    process.removeListener('exit', killAtExit);
    await end(child);
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  try {
    await untilAnswering(url, child);
  } catch (error) {
    const written = await readFile(join(dir, 'registry.log'), 'utf8').catch(() => '');
    await stop();
    throw new Error(
      `The schema registry did not start: ${error instanceof Error ? error.message : String(error)}\n${written.slice(-4000)}`,
    );
  }
  return { url, kill: (signal) => void child.kill(signal), stop };
}

async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 110_000;
  while (!(await setGlobalCompatibility(url))) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the process ended with ${child.exitCode ?? child.signalCode}`);
    if (Date.now() > deadline) throw new Error('it did not answer in time');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Apicurio begins with NONE, where Confluent's registry begins with BACKWARD. */
async function setGlobalCompatibility(url: string): Promise<boolean> {
  try {
    const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
    const answer = await fetch(`${url}/config`, { method: 'PUT', headers, body: '{"compatibility":"BACKWARD"}' });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Fetched by Maven at first use (12 s, 109 MB) and kept in `.cache/`. Two processes may ask at once: the first to finish puts it in place. */
async function requireFiles(): Promise<void> {
  if (await exists(join(folder, JAR))) return;
  await mkdir(dirname(folder), { recursive: true });
  const temporary = await mkdtemp(join(dirname(folder), 'fetching-'));
  try {
    const pom = join(here, 'registry', 'pom.xml');
    await run('mvn', ['-q', '-B', '-f', pom, 'dependency:unpack', `-DoutputDirectory=${temporary}`], { maxBuffer: 16 << 20 }).catch(
      (error: unknown) => {
        const output = error as { stdout?: string; stderr?: string };
        throw new Error(
          `Maven (Debian: apt-get install maven) could not fetch the registry (${pom}):\n${output.stdout ?? ''}${output.stderr ?? ''}`,
        );
      },
    );
    await rename(temporary, folder).catch(async (error: unknown) => {
      if (!(await exists(join(folder, JAR)))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
