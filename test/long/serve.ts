import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import pg from 'pg';
import { composeSystem } from '../../src/compose.ts';
import { loadProject } from '../../src/config/load-project.ts';
import type { Project } from '../../src/config/project.ts';
import { formatProblem } from '../../src/core/problem.ts';
import { applyTopics, planTopics } from '../../src/ops/topics.ts';
import { ACCOUNTS } from '../faults/accounts.ts';
import { Child } from '../run/child.ts';
import { foldFacts } from '../run/fold-oracle.ts';
import { endsOf, type LogLine, logOf, overlapsIn, SERVED } from '../server/served.ts';
import { startKafka } from '../systems/kafka.ts';
import { startPostgres } from '../systems/postgres.ts';
import { sleep } from './random.ts';

/**
 * `headrace serve` for a long time: mappings that are due every second or two, one of them slow, a source that changes, triggers during runs, a broker that is restarted in the
 * middle, SIGTERM. Ends with 1 if two runs of a mapping overlapped, one was starved, a run failed for another reason than the broker, or a fact is wrong.
 *
 *     npm run test:long -- serve [--minutes 10]
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } }, allowPositionals: true });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error('usage: serve [--minutes <number>]');

const TOKEN = 'a-token-of-the-long-test';
const base = mkdtempSync(path.join(os.tmpdir(), 'headrace-serve-'));
const [kafka, postgres] = await Promise.all([startKafka({ properties: {} }), startPostgres()]);
const env = { ...process.env, WORLD_URL: postgres.url, WORLD_BROKERS: kafka.brokers, OPS_TOKEN: TOKEN };
const children: Child[] = [];
try {
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([kafka.stop(), postgres.stop()]);
  rmSync(base, { recursive: true, force: true });
}

async function soak(): Promise<boolean> {
  const db = new pg.Client({ connectionString: postgres.url });
  await db.connect();
  await db.query(ACCOUNTS.table);
  const project = await written();
  await using system = composeSystem(project);
  await applyTopics(system.admin, await planTopics(system.admin, project, project.mappings.values()));

  const daemon = start('serve');
  const address = await addressOf(daemon);
  const endsAt = Date.now() + minutes * 60_000;
  const restartAt = Date.now() + minutes * 30_000;
  let isRestarted = false;
  let triggers = 0;
  for (let n = 0; Date.now() < endsAt; n++) {
    await db.query(
      `update accounts set plan = case plan when 'gold' then 'silver' else 'gold' end, updated_at = clock_timestamp() where number % 7 = ${n % 7}`,
    );
    for (const name of ['slow', 'called']) {
      const answer = await fetch(`${address}/v1/mappings/${name}/trigger`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      if (answer.status === 202) triggers++;
    }
    if (!isRestarted && Date.now() > restartAt) {
      isRestarted = true;
      console.log('the broker is restarted');
      await kafka.restart();
    }
    await sleep(2_000);
  }
  daemon.kill('SIGTERM');
  const { code, stderr } = await daemon.ended;
  const faults = faultsOf(logOf({ stderr }), project);
  if (code !== 143) faults.push(`serve ended with ${code}: ${stderr.slice(-3_000)}`);
  if (triggers === 0) faults.push('no trigger was taken');
  const { rows } = await db.query<{ id: string }>('select id, upper(plan) as plan, number::text from accounts');
  const expected = Object.fromEntries(rows.map((row) => [row.id, { ...row }]));
  for (const mapping of project.mappings.values()) {
    const last = await start('run', mapping.name).ended;
    if (last.code !== 0) faults.push(`the last run of ${mapping.name} ended with ${last.code}: ${last.stderr.slice(-1_000)}`);
    const { facts, violations } = await foldFacts(project.kafka, mapping.topic);
    faults.push(...violations.map((each) => `${mapping.name}: ${each}`));
    if (!isDeepStrictEqual(Object.fromEntries([...facts].map(([id, fact]) => [id, fact.value])), expected))
      faults.push(`${mapping.name}: facts are wrong`);
  }
  await db.end();
  for (const fault of faults) console.log(fault);
  console.log(`serve: ${minutes} minutes, ${triggers} triggers, ${faults.length} faults`);
  return faults.length === 0;
}

/** What must not stand in the log. While the broker is away, and a little longer, runs may fail for that. */
function faultsOf(lines: readonly LogLine[], project: Project): string[] {
  const faults = [...overlapsIn(lines)];
  const counts = [...project.mappings.keys()].map((name) => `${name} ${endsOf(lines, name).length}`);
  console.log(`runs: ${counts.join(', ')}`);
  const slow = endsOf(lines, 'slow').length;
  for (const name of project.mappings.keys()) if (endsOf(lines, name).length < Math.max(1, slow / 4)) faults.push(`${name} was starved`);
  const explained = new Set(['KAFKA_UNREACHABLE', 'OUTCOME_UNKNOWN', 'FENCED', 'TOPIC_UNFIT']);
  for (const { msg, mapping, code = '' } of lines)
    if (msg === 'run failed' && !explained.has(code)) faults.push(`${mapping} failed: ${code}`);
  return faults;
}

async function written(): Promise<Project> {
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
serve: { listen: "127.0.0.1:0", retry: { first: 500ms, longest: 5s }, tokens: [{ name: ops, role: operator, token: "\${OPS_TOKEN}" }], rate_limit: 10000 }
`,
  );
  const { project, problems } = await loadProject(base, env);
  if (project === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return project;
}

function start(...args: string[]): Child {
  const child = new Child(['--project', base, ...args], env);
  children.push(child);
  return child;
}

async function addressOf(daemon: Child): Promise<string> {
  for (let waited = 0; waited < 60_000; waited += 100) {
    const address = logOf(daemon).find(({ msg }) => msg === 'listening')?.address;
    if (address !== undefined) return address;
    await sleep(100);
  }
  throw new Error(`the daemon does not listen: ${daemon.stderr}`);
}
