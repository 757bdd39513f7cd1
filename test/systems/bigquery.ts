import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BigQueryConfig } from '../../src/config/project.ts';
import { freePort } from './free-port.ts';
import { pythonPrograms } from './python-programs.ts';

export interface RunningBigQuery {
  /** What `api_endpoint` is set to. */
  readonly url: string;
  readonly project: string;
  /** Runs a statement, or several, with `dataset` as the default one; throws what the emulator says. */
  execute(sql: string, dataset?: string): Promise<void>;
  /** The rows of a query, as texts; names as the query has them. */
  rows(sql: string, dataset?: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Ends the emulator, as a crash does. Idempotent. */
  stop(): Promise<void>;
}

const PROJECT = 'test-project';

/** A warehouse on it, with `dataset` as the default one. */
export function emulatorConfig({ url, project }: Pick<RunningBigQuery, 'url' | 'project'>, dataset: string): BigQueryConfig {
  return {
    type: 'bigquery',
    name: 'test',
    location: { file: 'headrace.yml' },
    project,
    dataset: { projectId: project, datasetId: dataset },
    credentials: { kind: 'none' },
    labels: {},
    priority: 'interactive',
    apiEndpoint: url,
    statementTimeoutMs: 60_000,
    connectTimeoutMs: 5_000,
  };
}

/**
 * Starts bqemulator 1.4 (BigQuery's REST API and SQL over DuckDB; 580 MB, 75 s at first use) on free ports of 127.0.0.1, with no data, and waits until it answers (5 s). It
 * runs a query while the request that starts it waits, and forgets labels, byte limits and timeouts: what it does not prove is in test/conformance/exceptions.ts.
 */
export async function startBigQuery(): Promise<RunningBigQuery> {
  const programs = await pythonPrograms('bqemulator');
  const folder = await mkdtemp(join(tmpdir(), 'headrace-bigquery-'));
  await giveExtension(dirname(programs), folder);
  const [rest, grpc] = [await freePort(), await freePort()];
  const args = ['start', '--rest-host', '127.0.0.1', '--rest-port', rest, '--grpc-host', '127.0.0.1', '--grpc-port', grpc];
  const child = spawn(join(programs, 'bqemulator'), [...args.map(String), '--project', PROJECT, '--log-level', 'warning'], {
    cwd: folder,
    env: { ...process.env, HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(folder, 'emulator.log'));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const stop = async () => {
    process.removeListener('exit', killAtExit);
    await end(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const url = `http://127.0.0.1:${rest}`;
  try {
    await untilAnswering(url, child);
  } catch (error) {
    const written = await readFile(join(folder, 'emulator.log'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`bqemulator did not start: ${error instanceof Error ? error.message : String(error)}\n${written.slice(-4000)}`);
  }
  return {
    url,
    project: PROJECT,
    execute: async (sql, dataset) => void (await execute(url, sql, dataset)),
    rows: (sql, dataset) => rowsOf(url, sql, dataset),
    stop,
  };
}

/** DuckDB looks for extensions under HOME, and would download what it does not find: the emulator gets a HOME of its own that has it. */
async function giveExtension(environment: string, home: string): Promise<void> {
  const lib = join(environment, 'lib');
  const [python] = (await readdir(lib)).filter((name) => name.startsWith('python3'));
  const packaged = join(lib, python ?? '', 'site-packages', 'duckdb_extension_spatial', 'extensions');
  const platform = `linux_${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
  for (const version of await readdir(packaged)) {
    const to = join(home, '.duckdb', 'extensions', version, platform);
    await mkdir(to, { recursive: true });
    await cp(join(packaged, version), to, { recursive: true });
  }
}

async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 110_000;
  for (;;) {
    const answer = await fetch(`${url}/bigquery/v2/projects/${PROJECT}/datasets`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the process ended with ${child.exitCode ?? child.signalCode}`);
    if (Date.now() > deadline) throw new Error('it did not answer in time');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

interface QueryResults {
  readonly schema?: { readonly fields?: readonly { readonly name: string }[] };
  readonly rows?: readonly { readonly f: readonly { readonly v: unknown }[] }[];
}

async function rowsOf(url: string, sql: string, dataset: string | undefined): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const job = await execute(url, sql, dataset);
  const answer = await fetch(`${url}/bigquery/v2/projects/${PROJECT}/queries/${job}?maxResults=100000`);
  const { schema, rows = [] } = (await answer.json()) as QueryResults;
  const names = schema?.fields?.map(({ name }) => name) ?? [];
  return rows.map(({ f }) => Object.fromEntries(names.map((name, i) => [name, f[i]?.v ?? null])));
}

/** Returns the id of the job. */
async function execute(url: string, sql: string, dataset: string | undefined): Promise<string> {
  const defaultDataset = dataset === undefined ? {} : { defaultDataset: { projectId: PROJECT, datasetId: dataset } };
  const answer = await fetch(`${url}/bigquery/v2/projects/${PROJECT}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ configuration: { query: { query: sql, useLegacySql: false, ...defaultDataset } } }),
  });
  const body = (await answer.json()) as {
    error?: unknown;
    status?: { errorResult?: unknown };
    jobReference?: { readonly jobId: string };
  };
  const failed = body.error ?? body.status?.errorResult;
  if (failed !== undefined || !answer.ok) throw new Error(`bqemulator refuses ${sql.slice(0, 200)}: ${JSON.stringify(failed)}`);
  return body.jobReference?.jobId ?? '';
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
