/** `npm run bench`: what Headrace costs, side by side with what the same work costs without it. See docs/performance.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { startKafka } from '../test/systems/kafka.ts';
import { startPostgres } from '../test/systems/postgres.ts';
import { Bench, writeJson } from './bench.ts';
import type { Comparison } from './figures.ts';
import { type BenchOptions, type MeasureName, parseOptions, USAGE } from './options.ts';
import { comparisonLines, type MemoryFigures, memoryLines, placeLines, viewLines } from './report.ts';
import { Runner } from './runner.ts';
import { Table } from './table.ts';
import { ViewBench, type ViewFigures } from './views.ts';

const started = performance.now();

function say(text: string): void {
  console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${text}`);
}

async function main(options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headrace-bench-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  say('starting Kafka and PostgreSQL …');
  // The cleaner of compacted topics as it is in production: not twice a second, as for tests.
  const kafka = await startKafka({ properties: { 'log.cleaner.backoff.ms': '15000' } });
  try {
    const postgres = await startPostgres({ settings: { shared_buffers: '512MB', max_wal_size: '8GB', autovacuum: 'off' } });
    try {
      await measure(options, { postgresUrl: postgres.url, brokers: kafka.brokers, folder });
    } finally {
      await postgres.stop();
    }
  } finally {
    await kafka.stop();
    removeFolder();
  }
}

async function measure(options: BenchOptions, servers: Servers): Promise<void> {
  const table = await filled(options, servers, options.rows);
  try {
    await measureTable(options, servers, table);
  } finally {
    // Before PostgreSQL ends: a connection that it breaks would hide what went wrong.
    await table.close();
  }
}

async function measureTable(options: BenchOptions, servers: Servers, table: Table): Promise<void> {
  const runner = new Runner(options, servers.brokers, say);
  const bench = new Bench(options, { ...servers, runner, table }, say);
  const views = new ViewBench(options.rounds, table, runner, servers.folder, say);
  const postgresVersion = await table.version();
  const comparisons: Comparison[] = [];
  let psqlSeconds: number | undefined;
  let view: ViewFigures | undefined;
  const has = (name: MeasureName) => options.only.has(name);
  if (has('load')) comparisons.push(await bench.load());
  if (has('compare') || has('nothing') || has('incremental')) {
    const project = await bench.loaded();
    if (has('compare')) {
      psqlSeconds = await bench.psqlSeconds();
      comparisons.push(await bench.compare(project));
    }
    if (has('nothing')) comparisons.push(await bench.nothing(project));
    if (has('incremental')) comparisons.push(await bench.incremental(project));
    await project.remove();
  }
  if (has('view')) {
    view = await views.view();
    comparisons.push(view.comparison);
  }
  const places = has('places') ? await views.places() : [];
  const memory = options.tenMillion ? await measureMemory(options, servers, runner, table) : [];

  const machine = `${os.cpus().length} cores (${os.cpus()[0]?.model}), Node ${process.versions.node}, PostgreSQL ${postgresVersion}`;
  console.log(`\n${options.rows.toLocaleString('en')} rows of 10 columns, 8 of them read; ${machine}. Medians, measured in turns.\n`);
  if (comparisons.length > 0) console.log(comparisonLines(comparisons).join('\n'));
  if (view !== undefined) console.log(viewLines(view).join('\n'));
  if (places.length > 0) console.log(placeLines(places).join('\n'));
  if (psqlSeconds !== undefined) console.log(`\nFor reference: psql's \\copy of the same columns took ${psqlSeconds.toFixed(2)} s.`);
  if (memory.length > 0) console.log(`\n${memoryLines(memory).join('\n')}`);
  if (options.jsonFile !== undefined) {
    writeJson(options.jsonFile, {
      options: { ...options, only: [...options.only] },
      machine,
      psqlSeconds,
      comparisons,
      view,
      places,
      memory,
    });
  }
}

/** At the table's size and at ten times that, with as many changes. */
async function measureMemory(options: BenchOptions, servers: Servers, runner: Runner, table: Table): Promise<readonly MemoryFigures[]> {
  const view = options.only.has('view') ? 'warehouse' : 'local';
  const of = async (measured: Table, perMille: number): Promise<MemoryFigures> => ({
    view,
    rows: measured.rows,
    ...(await new Bench(options, { ...servers, runner, table: measured }, say).memory(view, perMille)),
  });
  const small = await of(table, 10);
  const large = await filled(options, servers, options.rows * 10);
  try {
    return [small, await of(large, 1)];
  } finally {
    await large.close();
  }
}

function filled(options: BenchOptions, servers: Servers, rows: number): Promise<Table> {
  say(`filling the table: ${rows.toLocaleString('en')} rows …`);
  return Table.create(servers.postgresUrl, rows, options.randomKeys);
}

interface Servers {
  readonly postgresUrl: string;
  readonly brokers: string;
  readonly folder: string;
}

let options: BenchOptions | undefined;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exit(2);
}
if (options === undefined) console.log(USAGE);
else {
  // A signal ends through `exit`, at which the servers are ended.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  await main(options);
}
