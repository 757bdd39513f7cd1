import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { pythonPrograms } from './python-programs.ts';

export interface RunningSnowflake {
  /** http://127.0.0.1:port: an account of any name, with any user and password. */
  readonly url: string;
  /** Ends the server, and forgets its databases. Idempotent. */
  stop(): Promise<void>;
}

/**
 * An emulator of Snowflake (fakesnow: Snowflake's SQL and protocol over DuckDB) on a free port of 127.0.0.1, with empty databases in memory. Installed by pip at first use
 * (40 s, 360 MB) and kept in `.cache/`; starts in 4 s. What it does not have stands in test/conformance/exceptions.ts.
 */
export async function startSnowflake(): Promise<RunningSnowflake> {
  const python = join(await pythonPrograms('fakesnow'), 'python');
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'headrace-snowflake-'));
  // Its clock has the zone of its process: not UTC, so that what depends on a session's zone shows.
  const child = spawn(python, [join(import.meta.dirname, 'python', 'fakesnow_json.py'), String(port)], {
    cwd: folder,
    env: { ...process.env, TZ: 'UTC', HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(folder, 'snowflake.log'));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const stop = async (): Promise<void> => {
    process.removeListener('exit', killAtExit);
    await end(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilAnswering(url, child);
  } catch (error) {
    const written = await readFile(join(folder, 'snowflake.log'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`The emulator of Snowflake did not start: ${error instanceof Error ? error.message : error}\n${written.slice(-4000)}`);
  }
  return { url, stop };
}

async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await fetch(`${url}/monitoring/query_monitoring`).catch(() => undefined);
    if (answer !== undefined) {
      await answer.arrayBuffer();
      return;
    }
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the process ended with ${child.exitCode ?? child.signalCode}`);
    if (Date.now() > deadline) throw new Error('it did not answer in time');
    await sleep(100);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
