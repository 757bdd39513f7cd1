import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { composeSystem } from '../../src/compose.ts';
import { loadProject } from '../../src/config/load-project.ts';
import type { Project } from '../../src/config/project.ts';
import { formatProblem } from '../../src/core/problem.ts';
import { applyTopics, planTopics } from '../../src/ops/topics.ts';
import { ACCOUNTS } from '../faults/accounts.ts';
import { Child } from '../run/child.ts';
import { inWords, POSTGRES_WORDS } from '../run/warehouses/words.ts';
import { logOf, SERVED } from '../server/served.ts';
import { startKafka } from '../systems/kafka.ts';
import { startPostgres } from '../systems/postgres.ts';
import { sleep } from './random.ts';

/** A project that is served, on a broker and a PostgreSQL of its own. */
export interface DaemonWorld {
  readonly base: string;
  readonly project: Project;
  readonly db: pg.Client;
  readonly kafka: Awaited<ReturnType<typeof startKafka>>;
  start(...args: string[]): Child;
}

/** `more` is appended to headrace.yml. Everything that was started has ended when this returns. */
export async function inDaemonWorld<T>(
  more: string,
  variables: Readonly<Record<string, string>>,
  act: (world: DaemonWorld) => Promise<T>,
): Promise<T> {
  const base = mkdtempSync(path.join(os.tmpdir(), 'headrace-long-'));
  const [kafka, postgres] = await Promise.all([startKafka({ properties: {} }), startPostgres()]);
  const env = { ...process.env, WORLD_URL: postgres.url, WORLD_BROKERS: kafka.brokers, ...variables };
  const db = new pg.Client({ connectionString: postgres.url });
  const children: Child[] = [];
  const start = (...args: string[]): Child => {
    const child = new Child(['--project', base, ...args], env);
    children.push(child);
    return child;
  };
  try {
    await db.connect();
    await db.query(inWords(ACCOUNTS.table, POSTGRES_WORDS));
    const project = await written(base, more, env);
    await using system = composeSystem(project);
    await applyTopics(system.admin, await planTopics(system.admin, project, project.mappings.values()));
    return await act({ base, project, db, kafka, start });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await db.end();
    await Promise.all([kafka.stop(), postgres.stop()]);
    rmSync(base, { recursive: true, force: true });
  }
}

async function written(base: string, more: string, env: NodeJS.ProcessEnv): Promise<Project> {
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(base, file)), { recursive: true });
    writeFileSync(path.join(base, file), text.replaceAll('PREFIX', 'long'));
  };
  for (const [name, text] of Object.entries(SERVED.models)) write(`models/${name}.yml`, text);
  for (const [name, text] of Object.entries(SERVED.mappings)) write(`mappings/${name}.yml`, text);
  // The sixth: two governance mappings, due all the time.
  write('mappings/sixth.yml', (SERVED.mappings.right ?? '').replaceAll(': right\n', ': sixth\n').replace('PREFIX.right', 'PREFIX.sixth'));
  write(
    'headrace.yml',
    `project: long
environment: dev
warehouses: { main: { type: postgres, url: "\${WORLD_URL}", concurrency: 2 } }
kafka: { brokers: "\${WORLD_BROKERS}", transaction_timeout: 10s, request_timeout: 10s }
topics: { partitions: 3 }
${more}`,
  );
  const { project, problems } = await loadProject(base, env);
  if (project === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return project;
}

export async function addressOf(daemon: Child): Promise<string> {
  for (let waited = 0; waited < 60_000; waited += 100) {
    const address = logOf(daemon).find(({ msg }) => msg === 'listening')?.address;
    if (address !== undefined) return address;
    await sleep(100);
  }
  throw new Error(`the daemon does not listen: ${daemon.stderr}`);
}
