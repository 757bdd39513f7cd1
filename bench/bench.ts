import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findPostgresBinaries } from '../test/systems/postgres-binaries.ts';
import { type Measured, measureChild } from './child.ts';
import { CountingProxy } from './counting-proxy.ts';
import { type Comparison, inTurns, medianInnerSeconds, medianSeconds, type Side } from './figures.ts';
import { type ExpectedRun, measureRun } from './headrace.ts';
import type { BenchOptions } from './options.ts';
import { type BenchProject, createProject, type ProjectOptions } from './project.ts';
import { captureTopic } from './records.ts';
import type { Table } from './table.ts';

const COPY = path.resolve(import.meta.dirname, 'children/copy.mjs');
const SEND = path.resolve(import.meta.dirname, 'children/send.mjs');
const NOTHING = path.resolve(import.meta.dirname, 'children/nothing.mjs');

/** Facts in one transaction: as Headrace does it. */
const TRANSACTION_FACTS = 20_000;
/** Messages in one send of kafkajs: measured, its rate falls with larger ones (it groups them in quadratic time) and with smaller ones. */
const STOCK_BATCH = 1_000;

/** What a run sent, read back into files. */
interface Captured {
  readonly facts: readonly string[];
  readonly snapshot: readonly string[];
  readonly records: number;
  readonly factEnds: readonly number[];
  readonly snapshotEnds: readonly number[];
}

/** A comparison in the warehouse beside one in this process. */
export interface ViewFigures {
  readonly comparison: Comparison;
  readonly local: Side;
  /** Between the warehouse and this machine, in both directions. */
  readonly bytes: { readonly warehouse: number; readonly local: number };
  /** psql's time of the hash query where only the count of its rows is fetched: PostgreSQL may use more than one core for that. */
  readonly countedSeconds: number;
}

/** The measurements, each against what it is compared with. */
export class Bench {
  readonly #options: BenchOptions;
  readonly #table: Table;
  readonly #postgresUrl: string;
  readonly #brokers: string;
  readonly #folder: string;
  readonly #say: (text: string) => void;
  #projects = 0;
  #profiles = 0;

  constructor(
    options: BenchOptions,
    systems: { readonly table: Table; readonly postgresUrl: string; readonly brokers: string; readonly folder: string },
    say: (text: string) => void,
  ) {
    this.#options = options;
    this.#table = systems.table;
    this.#postgresUrl = systems.postgresUrl;
    this.#brokers = systems.brokers;
    this.#folder = systems.folder;
    this.#say = say;
  }

  async #project(options: ProjectOptions = {}): Promise<BenchProject> {
    return createProject(`bench${process.pid}n${++this.#projects}`, this.#postgresUrl, this.#brokers, options);
  }

  #run(project: BenchProject, name: string, expected: ExpectedRun, full = false): Promise<Measured> {
    const { profiles, main } = this.#options;
    const profile = profiles === undefined ? undefined : { folder: profiles, name: `${name}-${++this.#profiles}` };
    return measureRun(main, project, expected, full, profile);
  }

  /** A project whose facts are all published. */
  async loaded(): Promise<BenchProject> {
    const project = await this.#project();
    this.#say('an initial load, to compare with …');
    const { seconds, cpuSeconds } = await this.#load(project);
    this.#say(`an initial load: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU`);
    await this.#table.settle();
    return project;
  }

  #load(project: BenchProject): Promise<Measured> {
    const { rows } = this.#table;
    return this.#run(project, 'load', { scope: 'initial load', published: rows, rows });
  }

  async compare(project: BenchProject): Promise<Comparison> {
    const { rows } = this.#table;
    const { rounds } = this.#options;
    const sides = await inTurns(
      rounds,
      {
        name: 'full comparison, nothing changed',
        measure: () => this.#run(project, 'compare', { scope: 'full comparison', published: 0, rows }, true),
      },
      { name: 'COPY of the same columns', measure: () => this.#copy() },
      this.#say,
    );
    const ratio = medianSeconds(sides.ours) / medianSeconds(sides.other);
    return { name: 'compare', ...sides, items: rows, ratio, goal: { text: 'at most 2.0', isMet: ratio <= 2 } };
  }

  async #copy(): Promise<Measured> {
    const measured = await measureChild(COPY, [this.#postgresUrl, this.#table.selectText()]);
    const { rows } = JSON.parse(measured.stdout) as { rows: number };
    if (rows !== this.#table.rows) throw new Error(`COPY read ${rows} rows`);
    return measured;
  }

  /** The same by PostgreSQL's own client, once, for reference; undefined where there is none. */
  async psqlSeconds(): Promise<number | undefined> {
    const psql = await findPsql();
    const started = performance.now();
    try {
      execFileSync(psql, [this.#postgresUrl, '-qc', `\\copy (${this.#table.selectText()}) to /dev/null`], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    return (performance.now() - started) / 1000;
  }

  async nothing(project: BenchProject): Promise<Comparison> {
    const sides = await inTurns(
      Math.max(5, this.#options.rounds),
      { name: 'run with nothing to do', measure: () => this.#run(project, 'nothing', { scope: 'incremental', published: 0 }) },
      { name: 'Node alone', measure: () => measureChild(NOTHING, []) },
      this.#say,
    );
    const beyond = medianSeconds(sides.ours) - medianSeconds(sides.other);
    const goal = { text: `at most 1.2 s beyond (${beyond.toFixed(2)} s)`, isMet: beyond <= 1.2 };
    return { name: 'nothing', ...sides, items: 1, ratio: medianSeconds(sides.ours) / medianSeconds(sides.other), goal };
  }

  async load(): Promise<Comparison> {
    const { rows } = this.#table;
    let captured: Captured | undefined;
    const sides = await inTurns(
      this.#options.rounds,
      {
        name: 'initial load, the whole pipeline',
        measure: async () => {
          const project = await this.#project();
          const measured = await this.#load(project);
          captured ??= await this.#capture(project, [], []);
          await project.remove();
          return measured;
        },
      },
      {
        name: 'stock kafkajs sends the same records',
        measure: () => {
          if (captured === undefined) throw new Error('nothing was captured');
          return this.#send(captured);
        },
      },
      this.#say,
    );
    const ratio = medianInnerSeconds(sides.other) / medianSeconds(sides.ours);
    return { name: 'load', ...sides, items: rows, ratio, goal: { text: 'at least 3.0', isMet: ratio >= 3 } };
  }

  async incremental(project: BenchProject): Promise<Comparison> {
    let changed = 0;
    let captured: Captured | undefined;
    let condition = '';
    let from = await this.#capture(project, [], []);
    const sides = await inTurns(
      this.#options.rounds,
      {
        name: 'incremental run, 1 % changed',
        measure: async () => {
          const change = await this.#table.changeOnePercent();
          changed = change.count;
          condition = change.condition;
          await this.#table.settle();
          const measured = await this.#run(project, 'incremental', { scope: 'incremental', published: changed });
          captured = await this.#capture(project, from.factEnds, from.snapshotEnds);
          from = captured;
          return measured;
        },
      },
      {
        name: 'the query, then stock kafkajs sends the same records',
        measure: () => {
          if (captured === undefined) throw new Error('nothing was captured');
          return this.#send(captured, { text: this.#table.selectText(condition), rows: changed });
        },
      },
      this.#say,
    );
    const ratio = medianSeconds(sides.ours) / medianSeconds(sides.other);
    return { name: 'incremental', ...sides, items: changed, ratio, goal: { text: 'at most 1.5', isMet: ratio <= 1.5 } };
  }

  async #capture(project: BenchProject, factsFrom: readonly number[], snapshotFrom: readonly number[]): Promise<Captured> {
    this.#say('reading back what was sent …');
    const facts = await captureTopic(project.kafka, project.topics.facts, this.#folder, factsFrom);
    const snapshot = await captureTopic(project.kafka, project.topics.snapshot, this.#folder, snapshotFrom);
    return {
      facts: facts.files,
      snapshot: snapshot.files,
      records: facts.records + snapshot.records,
      factEnds: facts.ends,
      snapshotEnds: snapshot.ends,
    };
  }

  async #send(captured: Captured, query?: { readonly text: string; readonly rows: number }): Promise<Measured> {
    const project = await this.#project();
    const measured = await measureChild(SEND, [
      JSON.stringify({
        brokers: this.#brokers,
        batch: STOCK_BATCH,
        transaction: TRANSACTION_FACTS,
        streams: [
          { topic: project.topics.facts, files: captured.facts },
          { topic: project.topics.snapshot, files: captured.snapshot },
        ],
        query: query && { url: this.#postgresUrl, text: query.text },
      }),
    ]);
    await project.remove();
    const { sent, queried } = JSON.parse(measured.stdout) as { sent: number; queried: number };
    if (sent !== captured.records || queried !== (query?.rows ?? 0))
      throw new Error(`sent ${sent} of ${captured.records}, read ${queried}`);
    return measured;
  }

  /** The comparison inside the warehouse, of a model without a cursor of which one row in a thousand has changed. */
  async view(): Promise<ViewFigures> {
    const { rows } = this.#table;
    const projects = {
      warehouse: await this.#project({ view: 'warehouse', withoutCursor: true }),
      local: await this.#project({ view: 'local', withoutCursor: true }),
    };
    for (const [name, project] of Object.entries(projects)) {
      this.#say(`an initial load with snapshot.view: ${name}, to compare with …`);
      const { seconds } = await this.#load(project);
      this.#say(`an initial load with snapshot.view: ${name}: ${seconds.toFixed(1)} s`);
    }
    const run = async (project: BenchProject, published: number) =>
      this.#run(project, 'view', { scope: 'full comparison', published, rows });
    const change = async () => {
      const published = await this.#table.changeOnePerMille();
      await this.#table.settle();
      return published;
    };
    const local: Measured[] = [];
    const sides = await inTurns(
      this.#options.rounds,
      {
        name: 'compared in the warehouse, 0.1 % changed',
        measure: async () => {
          const published = await change();
          const measured = await run(projects.warehouse, published);
          local.push(await run(projects.local, published));
          return measured;
        },
      },
      {
        name: 'the hash query alone, in psql',
        measure: () => this.#psql(`\\copy (select ${this.#table.hashText()} from ${this.#table.name}) to /dev/null`),
      },
      this.#say,
    );
    const ratio = medianSeconds(sides.ours) / medianSeconds(sides.other);
    const comparison = { name: 'view', ...sides, items: rows, ratio, goal: { text: 'at most 2.2', isMet: ratio <= 2.2 } };
    const counted = await this.#psql(`select count(${this.#table.hashText()}) from ${this.#table.name}`);
    const published = await change();
    const bytes = {
      warehouse: await this.#bytesOf(projects.warehouse, (project) => run(project, published)),
      local: await this.#bytesOf(projects.local, (project) => run(project, published)),
    };
    for (const project of Object.values(projects)) await project.remove();
    return { comparison, local: { name: 'compared in this process, 0.1 % changed', runs: local }, bytes, countedSeconds: counted.seconds };
  }

  /** What a run moves between the warehouse and this machine. */
  async #bytesOf(project: BenchProject, run: (project: BenchProject) => Promise<unknown>): Promise<number> {
    const proxy = await CountingProxy.start(this.#postgresUrl);
    try {
      await run({ ...project, env: { ...project.env, BENCH_POSTGRES: proxy.urlOf(this.#postgresUrl) } });
      return proxy.bytes;
    } finally {
      await proxy.close();
    }
  }

  /** One command by PostgreSQL's own client, from its start to its exit. */
  async #psql(command: string): Promise<Measured> {
    const psql = await findPsql();
    const started = performance.now();
    execFileSync(psql, [this.#postgresUrl, '-qAtc', command], { stdio: ['ignore', 'ignore', 'inherit'] });
    return {
      seconds: (performance.now() - started) / 1000,
      innerSeconds: undefined,
      peakRssBytes: 0,
      peakHeapBytes: 0,
      cpuSeconds: 0,
      stdout: '',
    };
  }

  /** Peaks of memory of one initial load and one full comparison. */
  async memory(): Promise<{ readonly load: Measured; readonly compare: Measured }> {
    const { rows } = this.#table;
    const project = await this.#project();
    this.#say(`initial load of ${rows} rows …`);
    const load = await this.#load(project);
    this.#say(`initial load of ${rows} rows: ${load.seconds.toFixed(1)} s; full comparison …`);
    const compare = await this.#run(project, 'compare', { scope: 'full comparison', published: 0, rows }, true);
    this.#say(`full comparison of ${rows} rows: ${compare.seconds.toFixed(1)} s`);
    await project.remove();
    return { load, compare };
  }
}

/** That of the server, or, where it comes without one (the npm package), any. */
async function findPsql(): Promise<string> {
  const psql = path.join(await findPostgresBinaries(), 'psql');
  return existsSync(psql) ? psql : 'psql';
}

export function writeJson(file: string, content: unknown): void {
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}
