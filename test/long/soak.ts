import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import pg from 'pg';
import { loadProject } from '../../src/config/load-project.ts';
import { formatProblem } from '../../src/core/problem.ts';
import { applyTopics, planTopics } from '../../src/ops/topics.ts';
import { KafkaPublisherFactory } from '../../src/publish/kafka/kafka-publisher.ts';
import { KafkaTopicAdmin } from '../../src/publish/kafka/topic-admin.ts';
import { transactionalIdOf } from '../../src/publish/topics.ts';
import { type Fold, foldFacts } from '../run/fold-oracle.ts';
import { type RunningKafka, startKafka } from '../systems/kafka.ts';
import { startPostgres } from '../systems/postgres.ts';
import { expectedFacts, MAPPINGS, type MappingName, TABLES, writeProject } from './project.ts';
import { Random, sleep } from './random.ts';
import { type Counts, keepRunning, killAll, runCleanly, type Surroundings } from './runner.ts';
import { LAST_WORDS, write } from './writers.ts';

/**
 * The soak: writers with long transactions on a real PostgreSQL, runs in processes of their own that are killed, frozen and robbed of their local copies, a rival in
 * another folder, and a broker that is killed and restarted. In the end the writers stop, every mapping runs in peace, and the fold oracle counts what was lost or
 * doubled. Ends with 1 if anything was.
 *
 *     npm run test:long -- [--minutes 30] [--seed 1]
 */
const { values: flags } = parseArgs({ options: { minutes: { type: 'string', default: '30' }, seed: { type: 'string' } } });
const minutes = Number(flags.minutes);
const seed = Number(flags.seed ?? Date.now() % 1_000_000);
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('usage: --minutes <number> --seed <whole number>');

const startedAt = Date.now();
const endsAt = startedAt + minutes * 60_000;
const base = mkdtempSync(path.join(os.tmpdir(), 'headrace-soak-'));
const counts: Counts = { runs: 0, kills: 0, freezes: 0, copiesLost: 0, copiesSwapped: 0, rows: 0, exits: new Map(), unexpected: [] };
let brokerRestarts = 0;
let sessionsCut = 0;
const isOver = () => Date.now() >= endsAt;

console.log(`soak: ${minutes} minutes, seed ${seed}, in ${base}`);
const [kafka, postgres] = await Promise.all([startKafka({ properties: {} }), startPostgres()]);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.log(`${minute()}  ended by ${signal}; ${summary()}`);
    killAll();
    // The broker and the server end with this process.
    process.exit(1);
  });
}
try {
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  killAll();
  await Promise.all([kafka.stop(), postgres.stop()]);
  rmSync(base, { recursive: true, force: true });
}

async function soak(): Promise<boolean> {
  const db = new pg.Client({ connectionString: postgres.url, application_name: 'soak' });
  db.on('error', () => undefined);
  await db.connect();
  await db.query(TABLES);
  const roots = [path.join(base, 'one'), path.join(base, 'two')] as const;
  for (const root of roots) writeProject(root);
  const variables = { SOAK_URL: postgres.url, SOAK_BROKERS: kafka.brokers };
  const project = await load(roots[0], variables);
  const admin = new KafkaTopicAdmin(project.kafka);
  await applyTopics(admin, await planTopics(admin, project, project.mappings.values()));
  await admin.close();

  const around: Surroundings = { main: copyProgram(), env: { ...process.env, ...variables }, counts, isOver };
  const ticker = setInterval(() => console.log(`${minute()}  ${summary()}`), 60_000);
  const random = (actor: number) => new Random(seed * 1_000 + actor);
  const written = [1, 2, 3].map((n) => write(postgres.url, random(n), isOver, n === 1));
  const runners = MAPPINGS.map((mapping, n) => keepRunning(around, roots[0], mapping, random(10 + n)));
  const rival = keepRunning(around, roots[1], undefined, random(20));
  const breakers = [breakBroker(kafka, random(30)), cutSessions(db, random(31))];
  await Promise.all([...written, ...runners, rival, ...breakers]);
  clearInterval(ticker);
  const transactions = (await Promise.all(written)).reduce((sum, n) => sum + n, 0);

  await db.query(LAST_WORDS);
  console.log(`${minute()}  ${summary()}, ${transactions} source transactions; now in peace`);
  let [lost, doubled, facts, versions] = [0, 0, 0, 0];
  for (const mapping of MAPPINGS) {
    // Of behavior nothing but incremental runs may be needed: no full comparison mends a row that they overlooked.
    await runCleanly(around, roots[0], mapping);
    if (mapping !== 'event') await runCleanly(around, roots[0], mapping, '--full');
    const again = await runCleanly(around, roots[1], mapping, '--full');
    await makeFinal(mapping);
    const fold = await foldFacts(project.kafka, project.mappings.get(mapping)!.topic);
    const verdict = judge(fold, await expectedFacts(db, mapping));
    // A second look from another folder finds nothing to publish; what it did publish was overlooked before.
    const missed = verdict.lost + again;
    console.log(
      `${mapping}: ${fold.facts.size} facts, ${fold.records} versions, ${missed} lost (${again} of them found by a second look), ${verdict.doubled} doubled`,
    );
    for (const violation of verdict.violations.slice(0, 10)) console.log(`  ${violation}`);
    lost += missed;
    doubled += verdict.doubled;
    facts += fold.facts.size;
    versions += fold.records;
  }
  await db.end();
  for (const text of counts.unexpected.slice(0, 10)) console.log(`unexpected: ${text}`);
  console.log(
    `soak: seed ${seed}, ${minutes} minutes, ${summary()}, ${facts} facts, ${versions} versions, ${counts.unexpected.length} unexpected endings, ${lost} lost, ${doubled} doubled`,
  );
  return lost === 0 && doubled === 0 && counts.unexpected.length === 0;
}

/** The end of a topic lags behind a commit on a busy machine; once the next transaction of the same id has begun, it does not. */
async function makeFinal(mapping: MappingName): Promise<void> {
  const project = await load(path.join(base, 'one'), { SOAK_URL: postgres.url, SOAK_BROKERS: kafka.brokers });
  const publisher = await new KafkaPublisherFactory(project.kafka).open({
    transactionalId: transactionalIdOf(project.name, project.mappings.get(mapping)!),
    transactionTimeoutMs: project.kafka.transactionTimeoutMs,
  });
  await publisher.begin();
  await publisher.close();
}

/** Holds the folded topic against what SQL says, and its history against what a consumer may expect. */
function judge(fold: Fold, expected: ReadonlyMap<string, unknown>): { lost: number; doubled: number; violations: string[] } {
  const violations = [...fold.violations];
  let lost = 0;
  for (const identity of new Set([...expected.keys(), ...fold.facts.keys()])) {
    const [wanted, found] = [expected.get(identity), fold.facts.get(identity)?.value];
    if (isDeepStrictEqual(wanted, found)) continue;
    lost++;
    const versions = fold.history.get(identity)?.map((r) => `${r.version} ${r.type.split('.').at(-1)}`) ?? [];
    violations.push(
      `${identity}: the source says ${JSON.stringify(wanted)}, consumers hold ${JSON.stringify(found)} (last versions: ${versions.slice(-5).join(', ')})`,
    );
  }
  // A version that repeats or skips; and the same fact twice in a row under two versions.
  let doubled = fold.violations.length;
  for (const [identity, past] of fold.history) {
    past.forEach(({ type, value, version }, i) => {
      if (!type.endsWith('.updated') || !isDeepStrictEqual(value, past[i - 1]?.value)) return;
      doubled++;
      violations.push(`${identity}: version ${version} says what version ${version - 1} said`);
    });
  }
  return { lost, doubled, violations };
}

/** Every two minutes or so: killed, not stopped; away for some seconds, sometimes for longer than a transaction lasts. */
async function breakBroker(broker: RunningKafka, random: Random): Promise<void> {
  for (;;) {
    await waitUntilOver(random.between(50_000, 100_000));
    if (isOver()) return;
    await broker.kill('SIGKILL');
    await sleep(random.pick([0, 2_000, 5_000, 20_000]));
    await restart(broker);
    brokerRestarts++;
  }
}

async function restart(broker: RunningKafka): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await broker.restart();
    } catch (error) {
      console.log(`${minute()}  the broker did not start (attempt ${attempt}): ${error instanceof Error ? error.message : String(error)}`);
      if (attempt === 20) throw error;
      await sleep(3_000);
    }
  }
}

async function cutSessions(db: pg.Client, random: Random): Promise<void> {
  for (;;) {
    await waitUntilOver(random.between(20_000, 60_000));
    if (isOver()) return;
    const { rowCount } = await db.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'headrace'`);
    sessionsCut += rowCount ?? 0;
  }
}

async function waitUntilOver(ms: number): Promise<void> {
  const end = Math.min(Date.now() + ms, endsAt);
  while (Date.now() < end) await sleep(Math.min(500, end - Date.now()));
}

/** A copy, so that a build meanwhile does not pull the program from under the runs. */
function copyProgram(): string {
  const repository = path.resolve(import.meta.dirname, '../..');
  const program = path.join(base, 'program');
  cpSync(path.join(repository, 'dist'), path.join(program, 'dist'), { recursive: true });
  cpSync(path.join(repository, 'package.json'), path.join(program, 'package.json'));
  symlinkSync(path.join(repository, 'node_modules'), path.join(program, 'node_modules'));
  return path.join(program, 'dist', 'main.js');
}

async function load(root: string, variables: Readonly<Record<string, string>>) {
  const { project, problems } = await loadProject(root, variables);
  if (project === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return project;
}

function minute(): string {
  return `${((Date.now() - startedAt) / 60_000).toFixed(1).padStart(5)} min`;
}

function summary(): string {
  const { runs, kills, freezes, copiesLost, copiesSwapped, rows, exits, unexpected } = counts;
  const endings = [...exits].sort(([a], [b]) => (a < b ? -1 : 1)).map(([exit, n]) => `${exit}: ${n}`);
  return [
    `${runs} runs (${endings.join(', ')})`,
    `${kills} kills`,
    `${brokerRestarts} broker restarts`,
    `${freezes} freezes`,
    `${copiesLost} copies lost, ${copiesSwapped} swapped`,
    `${sessionsCut} sessions cut`,
    `${rows} rows`,
    ...(unexpected.length > 0 ? [`${unexpected.length} UNEXPECTED`] : []),
  ].join(', ');
}
