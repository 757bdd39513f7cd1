import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Measured, measureChild } from './child.ts';
import { type Comparison, inTurns, medianInnerSeconds, medianSeconds } from './figures.ts';
import type { BenchOptions } from './options.ts';
import type { BenchProject } from './project.ts';
import { findPsql } from './psql.ts';
import { captureTopic } from './records.ts';
import type { Runner } from './runner.ts';
import type { Table } from './table.ts';

const COPY = path.resolve(import.meta.dirname, 'children/copy.mjs');
const SEND = path.resolve(import.meta.dirname, 'children/send.mjs');
const NOTHING = path.resolve(import.meta.dirname, 'children/nothing.mjs');

/** Facts in one transaction: as Headrace does it. */
const TRANSACTION_FACTS = 20_000;
/** Messages in one send of kafkajs: measured, its rate falls with larger ones (it groups them in quadratic time) and with smaller ones. */
const STOCK_BATCH = 1_000;

/** What is measured, and where. */
export interface Systems {
  readonly table: Table;
  readonly runner: Runner;
  readonly brokers: string;
  readonly folder: string;
}

/** What a run sent, read back into files. */
interface Captured {
  readonly facts: readonly string[];
  readonly snapshot: readonly string[];
  readonly records: number;
  readonly factEnds: readonly number[];
  readonly snapshotEnds: readonly number[];
}

/** The measurements, each against what it is compared with. */
export class Bench {
  readonly #options: BenchOptions;
  readonly #table: Table;
  readonly #runner: Runner;
  readonly #brokers: string;
  readonly #folder: string;
  readonly #say: (text: string) => void;

  constructor(options: BenchOptions, { table, runner, brokers, folder }: Systems, say: (text: string) => void) {
    this.#options = options;
    this.#table = table;
    this.#runner = runner;
    this.#brokers = brokers;
    this.#folder = folder;
    this.#say = say;
  }

  /** A project whose facts are all published. */
  async loaded(): Promise<BenchProject> {
    const project = await this.#project();
    await this.#runner.load(project, this.#table.rows);
    await this.#table.settle();
    return project;
  }

  #project(): Promise<BenchProject> {
    return this.#runner.project(this.#table);
  }

  async compare(project: BenchProject): Promise<Comparison> {
    const { rows } = this.#table;
    const { rounds } = this.#options;
    const sides = await inTurns(
      rounds,
      {
        name: 'full comparison, nothing changed',
        measure: () => this.#runner.run(project, 'compare', { scope: 'full comparison', published: 0, rows }, true),
      },
      { name: 'COPY of the same columns', measure: () => this.#copy() },
      this.#say,
    );
    const ratio = medianSeconds(sides.ours) / medianSeconds(sides.other);
    return { name: 'compare', ...sides, items: rows, ratio, goal: { text: 'at most 2.0', isMet: ratio <= 2 } };
  }

  async #copy(): Promise<Measured> {
    const measured = await measureChild(COPY, [this.#table.url, this.#table.selectText()]);
    const { rows } = JSON.parse(measured.stdout) as { rows: number };
    if (rows !== this.#table.rows) throw new Error(`COPY read ${rows} rows`);
    return measured;
  }

  /** The same by PostgreSQL's own client, once, for reference; undefined where there is none. */
  async psqlSeconds(): Promise<number | undefined> {
    const psql = await findPsql();
    const started = performance.now();
    try {
      execFileSync(psql, [this.#table.url, '-qc', `\\copy (${this.#table.selectText()}) to /dev/null`], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    return (performance.now() - started) / 1000;
  }

  async nothing(project: BenchProject): Promise<Comparison> {
    const sides = await inTurns(
      Math.max(5, this.#options.rounds),
      { name: 'run with nothing to do', measure: () => this.#runner.run(project, 'nothing', { scope: 'incremental', published: 0 }) },
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
          const measured = await this.#runner.load(project, this.#table.rows);
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
          const measured = await this.#runner.run(project, 'incremental', { scope: 'incremental', published: changed });
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
        query: query && { url: this.#table.url, text: query.text },
      }),
    ]);
    await project.remove();
    const { sent, queried } = JSON.parse(measured.stdout) as { sent: number; queried: number };
    if (sent !== captured.records || queried !== (query?.rows ?? 0))
      throw new Error(`sent ${sent} of ${captured.records}, read ${queried}`);
    return measured;
  }

  /**
   * Peaks of memory of one initial load and one full comparison. With the view in the warehouse: of a model without a cursor of which so many thousandths of the rows have
   * changed, because what changed is in memory, a chunk at a time.
   */
  async memory(view: 'local' | 'warehouse', perMille: number): Promise<{ readonly load: Measured; readonly compare: Measured }> {
    const { rows } = this.#table;
    const isHere = view === 'local';
    const project = await this.#runner.project(this.#table, isHere ? {} : { view, withoutCursor: true });
    const load = await this.#runner.load(project, rows, `, snapshot.view: ${view}`);
    let published = 0;
    if (!isHere) for (let part = 0; part < perMille; part++) published += await this.#table.changeOnePerMille();
    this.#say(`a full comparison of ${rows.toLocaleString('en')} rows, snapshot.view: ${view} …`);
    const compare = await this.#runner.run(project, 'compare', { scope: 'full comparison', published, rows }, true);
    this.#say(`a full comparison of ${rows.toLocaleString('en')} rows, snapshot.view: ${view}: ${compare.seconds.toFixed(1)} s`);
    await project.remove();
    return { load, compare };
  }
}

export function writeJson(file: string, content: unknown): void {
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}
