/** `npm run demo`: the story of Headrace on a real Kafka and a real warehouse. See demo/options.ts for what can be chosen. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { composeSystem } from '../src/compose.ts';
import { loadProject } from '../src/config/load-project.ts';
import { formatProblem } from '../src/core/problem.ts';
import { topicsOf } from '../src/publish/topics.ts';
import { changeForADay, compareAtNight, repairInTheMorning } from './chapters-day.ts';
import { killInTheMiddle, stopABadDeploy } from './chapters-failure.ts';
import { fillWarehouse, howToLookAround, loadEverything, runAgain } from './chapters-load.ts';
import { checkEverything, readAsAConsumer } from './chapters-proof.ts';
import { Cleanup } from './cleanup.ts';
import { DuckDbDemoWarehouse } from './duckdb-warehouse.ts';
import { getKafka } from './get-kafka.ts';
import { getPostgres } from './get-postgres.ts';
import { Headrace } from './headrace.ts';
import { type DemoOptions, parseOptions, USAGE } from './options.ts';
import { PostgresDemoWarehouse } from './postgres-warehouse.ts';
import { colors, DemoFailure, say } from './print.ts';
import { ROOT } from './programs.ts';
import type { Stage } from './stage.ts';
import type { DemoWarehouse } from './warehouse.ts';

const cleanup = new Cleanup();
let isEnding = false;

async function play(options: DemoOptions): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headrace-demo-'));
  cleanup.add('remove the temporary folder', async () => rmSync(folder, { recursive: true, force: true }));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

  const kafka = await started('stop Kafka', getKafka(say));
  const warehouse = await createWarehouse(options, folder);
  const suffix = kafka.isShared ? randomBytes(4).toString('hex') : undefined;
  const env = {
    ...warehouse.env,
    KAFKA_BROKERS: kafka.brokers,
    HEADRACE_STATE: path.join(folder, 'state'),
    FULL_COMPARISON: twelveHoursFrom(new Date()),
    HEADRACE_ENV: 'demo',
    HEADRACE_PROJECT: suffix === undefined ? 'activation' : `demo-${suffix}`,
    TOPIC_PREFIX: suffix === undefined ? '' : `demo-${suffix}.`,
  };
  await using stage = await setStage(options, warehouse, env, kafka.isShared);

  // Fetching and starting services is not counted.
  const startedAt = performance.now();
  await fillWarehouse(stage);
  await loadEverything(stage);
  await runAgain(stage);
  await changeForADay(stage);
  await compareAtNight(stage);
  await repairInTheMorning(stage);
  await stopABadDeploy(stage);
  await killInTheMiddle(stage);
  await readAsAConsumer(stage, kafka.brokers);
  await checkEverything(stage);

  console.log('');
  say(colors.bold(`That was Headrace, in ${Math.round((performance.now() - startedAt) / 1000)} seconds.`));
  say('Where to go on: README.md, mappings/ (the contracts of this demo), src/run/capture.ts (the whole flow in one function).');
  if (!options.keep) return;
  console.log('');
  howToLookAround(
    kafka.brokers,
    [...stage.project.mappings.values()].map(({ topic }) => topic),
  );
  await new Promise(() => setInterval(() => undefined, 60_000));
}

async function createWarehouse({ warehouse }: DemoOptions, folder: string): Promise<DemoWarehouse> {
  if (warehouse === 'duckdb') {
    const created = await DuckDbDemoWarehouse.create(folder);
    cleanup.add('close the warehouse', () => created.close());
    return created;
  }
  const server = await started('stop PostgreSQL', getPostgres(say));
  const creating = PostgresDemoWarehouse.create(server.url);
  cleanup.add('drop the database', async () => (await creating.catch(() => undefined))?.close());
  return creating;
}

async function setStage(
  options: DemoOptions,
  warehouse: DemoWarehouse,
  env: Readonly<Record<string, string>>,
  removeTopics: boolean,
): Promise<Stage & AsyncDisposable> {
  const { project, problems } = await loadProject(ROOT, { ...process.env, ...env });
  if (project === undefined) throw new DemoFailure(problems.map(formatProblem).join('\n'));
  const system = composeSystem(project);
  if (removeTopics) {
    cleanup.add('remove the topics', async () => {
      await using remover = composeSystem(project);
      const topics = [...project.mappings.values()].flatMap((mapping) => Object.values(topicsOf(project.name, mapping)));
      const found = await remover.admin.describe(topics);
      await remover.admin.remove(topics.filter((topic) => found.get(topic) !== undefined));
    });
  }
  const headrace = new Headrace(env);
  cleanup.add('end headrace', () => headrace.stop());
  return { options, warehouse, headrace, project, system, [Symbol.asyncDispose]: () => system[Symbol.asyncDispose]() };
}

/** A service that is stopped at the end, also when the end comes while it starts. */
async function started<T extends { stop(): Promise<void> }>(what: string, service: Promise<T>): Promise<T> {
  cleanup.add(what, async () => {
    const running = await service.catch(() => undefined);
    await running?.stop();
  });
  const running = await service;
  await unlessEnding();
  return running;
}

/** After a signal the story goes no further: only the cleanup does. */
async function unlessEnding(): Promise<void> {
  if (isEnding) await new Promise(() => undefined);
}

/** A cron instant that does not fall into the demo: its numbers hold at three o'clock in the morning, too. */
function twelveHoursFrom(now: Date): string {
  return `${now.getUTCMinutes()} ${(now.getUTCHours() + 12) % 24} * * *`;
}

/** The first signal ends the demo in order, a second one at once. */
function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const code = 128 + os.constants.signals[signal];
      if (isEnding) process.exit(code);
      isEnding = true;
      console.error(`\n${signal}: removing what the demo made; a second signal ends at once`);
      void cleanup.run().then(() => process.exit(code));
    });
  }
}

async function main(): Promise<number> {
  let options: DemoOptions | undefined;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  endOnSignals();
  try {
    await play(options);
    return 0;
  } catch (error) {
    // What fails because of a signal is no failure; the signal's own end goes on.
    await unlessEnding();
    const text =
      error instanceof DemoFailure || !(error instanceof Error) ? String(error).replace(/^Error: /, '') : (error.stack ?? error.message);
    console.error(`\n${colors.red('The demo failed.')} ${text}`);
    return 1;
  } finally {
    await cleanup.run();
  }
}

const code = await main();
process.exit(process.exitCode === undefined || code !== 0 ? code : process.exitCode);
