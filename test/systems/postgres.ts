import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';

/**
 * A real PostgreSQL for tests, the demo and the bench, on 127.0.0.1 with its data in a temporary folder. Plain Node: no test framework.
 * HEADRACE_TEST_POSTGRES_URL names a running server to use instead.
 */
export interface RunningPostgres {
  /** postgres:// URL of a superuser. */
  readonly url: string;
  readonly port: number;
  /** Of the postmaster; 0 for a server that was running before. */
  readonly pid: number;
  /** Ends the server and removes its data; may be called twice. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  readonly port?: number | undefined;
  /** Server settings, as on postgres's command line: `{ work_mem: '64MB' }`. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** Starts a server, or finds the one that the environment names. It ends with this process, even if this process is killed. */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const given = process.env.HEADRACE_TEST_POSTGRES_URL;
  if (given !== undefined && given !== '') {
    return { url: given, port: Number(new URL(given).port || 5432), pid: 0, stop: async () => undefined };
  }
  const folder = mkdtempSync(join(tmpdir(), 'headrace-pg-'));
  try {
    return await startIn(folder, options);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, options: PostgresOptions): Promise<RunningPostgres> {
  const user = unprivilegedUser();
  const binaries = reachable(await findPostgresBinaries(), folder, user);
  const data = join(folder, 'data');
  const password = randomBytes(12).toString('hex');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) {
    chownSync(folder, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const as = { cwd: folder, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' }, ...user };
  const initdb = ['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync'];
  execFileSync(join(binaries, 'initdb'), initdb, { ...as, stdio: ['ignore', 'ignore', 'pipe'] });

  const port = options.port ?? (await freePort());
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '200',
    ...options.settings,
  };
  const log = openSync(join(folder, 'log'), 'a');
  const server = spawn(join(binaries, 'postgres'), ['-D', data, ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)], {
    ...as,
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  server.unref();
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const endWithUs = watchParent(folder, data);
  await ready(data, folder, () => server.exitCode !== null || server.signalCode !== null);

  const interrupt = (): void => {
    server.kill('SIGINT');
  };
  process.once('exit', interrupt);
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    port,
    pid: server.pid ?? 0,
    stop: async () => {
      process.removeListener('exit', interrupt);
      server.ref();
      // SIGINT is PostgreSQL's fast shutdown: sessions are cut, and nothing is waited for.
      if (server.exitCode === null && server.signalCode === null) server.kill('SIGINT');
      await exited;
      endWithUs();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root: then it runs as the OS user `postgres`, who is made if need be. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
    return { uid: id('-u'), gid: id('-g') };
  }
}

/** Binaries below node_modules may lie where the other user cannot go (/root): then a copy runs. */
function reachable(binaries: string, folder: string, user: { uid: number } | undefined): string {
  if (user === undefined || !binaries.includes('node_modules')) return binaries;
  const copy = join(folder, 'native');
  cpSync(join(binaries, '..'), copy, { recursive: true, verbatimSymlinks: true });
  accessSync(join(copy, 'bin', 'postgres'), constants.X_OK);
  return join(copy, 'bin');
}

/** A shell that holds our pipe: when it closes, because we ended in whatever way, it ends the server. */
function watchParent(folder: string, data: string): () => void {
  const script = 'cat >/dev/null; [ -f "$1/postmaster.pid" ] && kill -INT "$(head -n 1 "$1/postmaster.pid")"; sleep 2; rm -rf "$0"';
  const watcher = spawn('/bin/sh', ['-c', script, folder, data], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
  watcher.unref();
  const pipe = watcher.stdin;
  if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  return () => pipe.destroy();
}

/** The eighth line of postmaster.pid says `ready` once connections are accepted (that is what pg_ctl waits for, too). */
async function ready(data: string, folder: string, ended: () => boolean): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    if (ended()) break;
    if (existsSync(file) && readFileSync(file, 'utf8').split('\n')[7]?.trim() === 'ready') return;
    await sleep(20);
  }
  throw new Error(`PostgreSQL did not start:\n${readFileSync(join(folder, 'log'), 'utf8')}`);
}
