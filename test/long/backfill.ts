import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { composeSystem } from '../../src/compose.ts';
import { loadProject } from '../../src/config/load-project.ts';
import { formatProblem } from '../../src/core/problem.ts';
import { applyTopics, planTopics } from '../../src/ops/topics.ts';
import { killedBackfill, MANY } from '../faults/killed-backfill.ts';
import { Child } from '../run/child.ts';
import { startKafka } from '../systems/kafka.ts';
import { startPostgres } from '../systems/postgres.ts';

/**
 * A forced backfill of a million keys that is killed three times while rows change. Ends with 1 if a fact is wrong, came twice, or had to wait for longer than two slices.
 *
 *     npm run test:long -- backfill [--keys 1000000] [--slice 20000]
 */
const { values } = parseArgs({
  options: { keys: { type: 'string', default: '1000000' }, slice: { type: 'string', default: '20000' } },
  allowPositionals: true,
});
const [keys, slice] = [Number(values.keys), Number(values.slice)];
if (!(keys > 0 && slice > 0)) throw new Error('usage: backfill [--keys <number>] [--slice <number>]');

const base = mkdtempSync(path.join(os.tmpdir(), 'headrace-backfill-'));
const [kafka, postgres] = await Promise.all([startKafka({ properties: {} }), startPostgres()]);
const env = { ...process.env, WORLD_URL: postgres.url, WORLD_BROKERS: kafka.brokers };
const children: Child[] = [];
const startedAt = Date.now();
const say = (text: string) => console.log(`${((Date.now() - startedAt) / 1000).toFixed(0)} s: ${text}`);
try {
  process.exitCode = (await backfill()) ? 0 : 1;
} finally {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([kafka.stop(), postgres.stop()]);
  rmSync(base, { recursive: true, force: true });
}

async function backfill(): Promise<boolean> {
  const db = new pg.Client({ connectionString: postgres.url });
  await db.connect();
  await db.query(MANY.table(keys));
  write('models/customers.yml', MANY.model);
  write('mappings/customer.yml', MANY.mapping);
  write(
    'headrace.yml',
    `project: long
environment: dev
warehouses: { main: { type: postgres, url: "\${WORLD_URL}" } }
kafka: { brokers: "\${WORLD_BROKERS}" }
topics: { partitions: 3 }
`,
  );
  const { project, problems } = await loadProject(base, env);
  if (project === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  await using system = composeSystem(project);
  await applyTopics(system.admin, await planTopics(system.admin, project, project.mappings.values()));
  const found = await killedBackfill({
    keys,
    slice,
    kafka: project.kafka,
    topic: 'long.customer',
    start: (args) => {
      const child = new Child(['--project', base, ...args], env);
      children.push(child);
      return child;
    },
    sql: (text) => db.query(text),
    say,
  });
  await db.end();
  for (const fault of found.faults) console.log(fault);
  say(
    `${keys} keys in ${found.slices} slices, killed 3 times: ${found.records} records, ${found.live} live changes; the slowest was published after ` +
      `${found.slowestLiveMs} ms, the longest slice took ${found.longestSliceMs} ms; ${found.faults.length} faults`,
  );
  return found.faults.length === 0;
}

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(base, file)), { recursive: true });
  writeFileSync(path.join(base, file), text.replaceAll('PREFIX', 'long'));
}
