import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { Measured } from './child.ts';
import { DuckDbTable } from './duckdb-table.ts';
import { type Comparison, inTurns, medianSeconds, type Side } from './figures.ts';
import { type Network, NetworkProxy } from './network.ts';
import type { BenchProject } from './project.ts';
import { findPsql } from './psql.ts';
import type { Runner } from './runner.ts';
import type { ChangingSource, Table } from './table.ts';

/** A comparison in the warehouse beside one in this process. */
export interface ViewFigures {
  readonly comparison: Comparison;
  readonly local: Side;
  /** Between the warehouse and this machine, in both directions. */
  readonly bytes: { readonly warehouse: number; readonly local: number };
  /** psql's time of the hash query where only the count of its rows is fetched: PostgreSQL may use more than one core for that. */
  readonly countedSeconds: number;
}

/** Both views, of one model, in one place. */
export interface PlaceFigures {
  readonly engine: string;
  readonly network: string;
  readonly warehouse: readonly Measured[];
  readonly local: readonly Measured[];
}

const NETWORKS: readonly Network[] = [
  { name: '1 Gbit/s, 1 ms', bytesPerSecond: 125e6, roundTripMs: 1 },
  { name: '100 Mbit/s, 20 ms', bytesPerSecond: 12.5e6, roundTripMs: 20 },
  { name: '20 Mbit/s, 50 ms', bytesPerSecond: 2.5e6, roundTripMs: 50 },
];

type View = 'warehouse' | 'local';

/** Of a model without a cursor, of which one row in a thousand has changed: each run compares everything. */
export class ViewBench {
  readonly #rounds: number;
  readonly #table: Table;
  readonly #runner: Runner;
  readonly #folder: string;
  readonly #say: (text: string) => void;

  constructor(rounds: number, table: Table, runner: Runner, folder: string, say: (text: string) => void) {
    this.#rounds = rounds;
    this.#table = table;
    this.#runner = runner;
    this.#folder = folder;
    this.#say = say;
  }

  /** The comparison in PostgreSQL beside the hash query alone. */
  async view(): Promise<ViewFigures> {
    const table = this.#table;
    const projects = await this.#projects(table);
    const local: Measured[] = [];
    const sides = await inTurns(
      this.#rounds,
      {
        name: 'compared in the warehouse, 0.1 % changed',
        measure: async () => {
          const published = await changed(table);
          const measured = await this.#compare(projects.warehouse, table, published);
          local.push(await this.#compare(projects.local, table, published));
          return measured;
        },
      },
      {
        name: 'the hash query alone, in psql',
        measure: () => this.#psql(`\\copy (select ${table.hashText()} from ${table.name}) to /dev/null`),
      },
      this.#say,
    );
    const ratio = medianSeconds(sides.ours) / medianSeconds(sides.other);
    const comparison = { name: 'view', ...sides, items: table.rows, ratio, goal: { text: 'at most 2.2', isMet: ratio <= 2.2 } };
    const counted = await this.#psql(`select count(${table.hashText()}) from ${table.name}`);
    const published = await changed(table);
    const bytesOf = (view: View) =>
      this.#through(undefined, async (env) => void (await this.#compare(within(projects[view], env), table, published)));
    const bytes = { warehouse: await bytesOf('warehouse'), local: await bytesOf('local') };
    for (const project of Object.values(projects)) await project.remove();
    return { comparison, local: { name: 'compared in this process, 0.1 % changed', runs: local }, bytes, countedSeconds: counted.seconds };
  }

  /** Which view is the quicker: PostgreSQL on this machine and behind networks, and DuckDB. */
  async places(): Promise<readonly PlaceFigures[]> {
    const duckdb = await DuckDbTable.create(path.join(this.#folder, `bench-${this.#table.rows}.duckdb`), this.#table.rows);
    const figures: PlaceFigures[] = [];
    for (const [engine, source, networks] of [
      ['PostgreSQL', this.#table, [undefined, ...NETWORKS]],
      ['DuckDB', duckdb, [undefined]],
    ] as const) {
      const projects = await this.#projects(source);
      for (const network of networks) figures.push(await this.#place(engine, source, projects, network));
      for (const project of Object.values(projects)) await project.remove();
    }
    return figures;
  }

  async #place(
    engine: string,
    source: ChangingSource,
    projects: Record<View, BenchProject>,
    network: Network | undefined,
  ): Promise<PlaceFigures> {
    const name = network?.name ?? 'the same machine';
    const runs: Record<View, Measured[]> = { warehouse: [], local: [] };
    for (let round = 1; round <= this.#rounds; round++) {
      const published = await changed(source);
      for (const view of ['warehouse', 'local'] as const) {
        const compare = async (env: NodeJS.ProcessEnv) => {
          const measured = await this.#compare(within(projects[view], env), source, published);
          this.#say(`${engine}, ${name}, ${view}, ${round} of ${this.#rounds}: ${measured.seconds.toFixed(2)} s`);
          runs[view].push(measured);
        };
        if (network === undefined) await compare({});
        else await this.#through(network, compare);
      }
    }
    return { engine, network: name, ...runs };
  }

  async #projects(source: ChangingSource): Promise<Record<View, BenchProject>> {
    const load = async (view: View): Promise<BenchProject> => {
      const project = await this.#runner.project(source, { view, withoutCursor: true });
      await this.#runner.load(project, source.rows, `, snapshot.view: ${view}`);
      return project;
    };
    return { warehouse: await load('warehouse'), local: await load('local') };
  }

  #compare(project: BenchProject, { rows }: ChangingSource, published: number): Promise<Measured> {
    return this.#runner.run(project, 'view', { scope: 'full comparison', published, rows });
  }

  /** Does something with PostgreSQL behind a proxy. Returns how many bytes went through it. */
  async #through(network: Network | undefined, work: (env: NodeJS.ProcessEnv) => Promise<void>): Promise<number> {
    const url = this.#table.url;
    const proxy = await NetworkProxy.start(url, network);
    try {
      await work({ BENCH_POSTGRES: proxy.urlOf(url) });
      return proxy.bytes;
    } finally {
      await proxy.close();
    }
  }

  /** One command by PostgreSQL's own client, from its start to its exit. */
  async #psql(command: string): Promise<Measured> {
    const psql = await findPsql();
    const started = performance.now();
    execFileSync(psql, [this.#table.url, '-qAtc', command], { stdio: ['ignore', 'ignore', 'inherit'] });
    return {
      seconds: (performance.now() - started) / 1000,
      innerSeconds: undefined,
      peakRssBytes: 0,
      peakHeapBytes: 0,
      cpuSeconds: 0,
      stdout: '',
    };
  }
}

function within(project: BenchProject, env: NodeJS.ProcessEnv): BenchProject {
  return { ...project, env: { ...project.env, ...env } };
}

async function changed(source: ChangingSource): Promise<number> {
  const published = await source.changeOnePerMille();
  await source.settle();
  return published;
}
