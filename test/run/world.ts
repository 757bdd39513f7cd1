import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { expect, inject } from 'vitest';
import { composeSystem } from '../../src/compose.ts';
import { loadProject } from '../../src/config/load-project.ts';
import type { Mapping, Project } from '../../src/config/project.ts';
import { formatProblem } from '../../src/core/problem.ts';
import { createJob, DEFAULT_OPTIONS, folderOf, type JobSettings } from '../../src/ops/create-job.ts';
import { freezeContracts } from '../../src/ops/freeze-contracts.ts';
import { LIFTED_GUARDS, planRollback, type RollbackPlan, rollBack } from '../../src/ops/rollback.ts';
import { applyTopics, planTopics } from '../../src/ops/topics.ts';
import { topicsOf } from '../../src/publish/topics.ts';
import { capture, type RunResult } from '../../src/run/capture.ts';
import type { RollbackOrder, RunOptions } from '../../src/run/job.ts';
import { type PlanResult, plan } from '../../src/run/plan.ts';
import type { ReachStep } from '../../src/run/steps.ts';
import type { System } from '../../src/run/system.ts';
import { Child } from './child.ts';
import { type Fold, foldFacts, settledOffsets } from './fold-oracle.ts';

const ROLLBACK_OPTIONS: Partial<RunOptions> = { full: true, allow: new Set(LIFTED_GUARDS) };

/** Lets whole suites run with the view in the warehouse. */
const VIEW = process.env.HEADRACE_TEST_VIEW ?? 'local';

/** What a test writes: the same files as a user. `PREFIX` in a topic name becomes unique for the test. */
export interface WorldFiles {
  readonly models: Readonly<Record<string, string>>;
  readonly mappings: Readonly<Record<string, string>>;
  /** Appended to headrace.yml. */
  readonly project?: string;
  /** Further keys of headrace.yml's `kafka`, as `transaction_timeout: 6s`. */
  readonly kafka?: string;
  /** Where facts are compared: `local`, unless HEADRACE_TEST_VIEW says otherwise. */
  readonly view?: 'local' | 'warehouse';
  /** The warehouse `main` of headrace.yml, in place of the PostgreSQL of the world. */
  readonly warehouse?: string;
  /** Further keys of headrace.yml's `snapshot`. */
  readonly snapshot?: string;
  /** Frozen versions stay from one edit to the next. */
  readonly keepContracts?: true;
  /** `dev` unless given. */
  readonly environment?: string;
  /** Whether the contracts are frozen anew with the files, or left as they lie there: true unless given, in any environment but dev. */
  readonly frozen?: boolean;
  /** Variables that the project file names, beside those of the world. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A project of its own on the shared real broker and the shared real PostgreSQL: a database, topics and a folder that nobody else uses. */
export class World {
  readonly project: Project;
  readonly system: System;
  readonly db: pg.Client;
  readonly root: string;
  /** What the project files read from the environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly warnings: string[] = [];
  readonly #closers: (() => Promise<unknown>)[];

  private constructor(
    parts: { project: Project; system: System; db: pg.Client; root: string; variables: Readonly<Record<string, string>> },
    closers: (() => Promise<unknown>)[],
  ) {
    this.project = parts.project;
    this.system = parts.system;
    this.db = parts.db;
    this.root = parts.root;
    this.variables = parts.variables;
    this.#closers = closers;
  }

  static async create(sql: string, files: WorldFiles, brokers: string = inject('kafkaBrokers')): Promise<World> {
    const name = `w${randomBytes(5).toString('hex')}`;
    const admin = new pg.Client({ connectionString: inject('postgresUrl') });
    await admin.connect();
    await admin.query(`create database ${name}`);
    await admin.end();
    const databaseUrl = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).toString();
    const db = new pg.Client({ connectionString: databaseUrl });
    db.on('error', () => undefined);
    await db.connect();
    await db.query(sql);

    const root = mkdtempSync(path.join(os.tmpdir(), `headrace-${name}-`));
    writeFiles(root, name, files);
    const variables = { WORLD_URL: databaseUrl, WORLD_BROKERS: brokers, WORLD_TIMEOUT: '30m', ...files.env };
    const project = await loadFrozen(root, variables, files);
    const system = composeSystem(project);
    await applyTopics(system.admin, await planTopics(system.admin, project, project.mappings.values()));
    return new World({ project, system, db, root, variables }, [
      async () => system[Symbol.asyncDispose](),
      async () => db.end(),
      async () => rmSync(root, { recursive: true, force: true }),
    ]);
  }

  /** The same topics and database after an edit of the files. */
  async edited(files: WorldFiles): Promise<World> {
    writeFiles(this.root, this.project.name, files);
    const variables = { ...this.variables, ...files.env };
    const project = await loadFrozen(this.root, variables, files);
    return new World({ project, system: this.system, db: this.db, root: this.root, variables }, []);
  }

  /** The same project as another machine has it: in a folder of its own, without a local copy. The folder goes with this world. */
  async elsewhere(): Promise<World> {
    const root = mkdtempSync(path.join(os.tmpdir(), `headrace-${this.project.name}-`));
    for (const name of ['headrace.yml', 'models', 'mappings', 'contracts'].filter((each) => existsSync(path.join(this.root, each))))
      cpSync(path.join(this.root, name), path.join(root, name), { recursive: true });
    this.#closers.push(async () => rmSync(root, { recursive: true, force: true }));
    const project = await load(root, this.variables);
    return new World({ project, system: this.system, db: this.db, root, variables: this.variables }, []);
  }

  /** The same project with another login to the same database. */
  as(databaseUrl: string): Promise<World> {
    return this.#with({ ...this.variables, WORLD_URL: databaseUrl });
  }

  /** The same project with another statement timeout. */
  withTimeout(statementTimeout: string): Promise<World> {
    return this.#with({ ...this.variables, WORLD_TIMEOUT: statementTimeout });
  }

  /** The same project in a system of its own, which has connected to nothing yet. */
  anew(): Promise<World> {
    return this.#with(this.variables);
  }

  async #with(variables: Readonly<Record<string, string>>): Promise<World> {
    const project = await load(this.root, variables);
    const system = composeSystem(project);
    this.#closers.unshift(async () => system[Symbol.asyncDispose]());
    return new World({ project, system, db: this.db, root: this.root, variables }, []);
  }

  /** The same project on another cluster, from a folder without a local copy; its topics are created there. */
  async movedTo(brokers: string): Promise<World> {
    const { root } = await this.elsewhere();
    const variables = { ...this.variables, WORLD_BROKERS: brokers };
    const project = await load(root, variables);
    const system = composeSystem(project);
    this.#closers.push(async () => system[Symbol.asyncDispose]());
    await applyTopics(system.admin, await planTopics(system.admin, project, project.mappings.values()));
    return new World({ project, system, db: this.db, root, variables }, []);
  }

  get databaseUrl(): string {
    return this.variables.WORLD_URL ?? '';
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.variables };
  }

  mapping(name: string): Mapping {
    const mapping = this.project.mappings.get(name);
    if (mapping === undefined) throw new Error(`no mapping ${name}`);
    return mapping;
  }

  folder(name: string): string {
    return folderOf(this.project, this.mapping(name));
  }

  async run(name: string, options: Partial<RunOptions> = {}, reach: ReachStep = () => undefined): Promise<RunResult> {
    return capture(await this.job(name, options, reach));
  }

  async plan(name: string, options: Partial<RunOptions> = {}): Promise<PlanResult> {
    return plan(await this.job(name, options));
  }

  planRollback(name: string, version: string, options: Partial<RunOptions> = {}): Promise<RollbackPlan> {
    return planRollback(this.system, this.project, this.mapping(name), version, this.#settings({ ...ROLLBACK_OPTIONS, ...options }));
  }

  rollBack(name: string, version: string, order: Partial<RollbackOrder> = {}, options: Partial<RunOptions> = {}): Promise<RunResult> {
    const whole = { user: 'erin', reason: null, approvedBy: null, ...order };
    return rollBack(this.system, this.project, this.mapping(name), version, whole, this.#settings({ ...ROLLBACK_OPTIONS, ...options }));
  }

  /** What the ledger says of each committed chunk, in order. */
  async ledger(name: string): Promise<Readonly<Record<string, unknown>>[]> {
    const records: Readonly<Record<string, unknown>>[] = [];
    const { runs: topic } = topicsOf(this.project.name, this.mapping(name));
    for (const { partition, start, end } of await settledOffsets(this.system.admin, topic)) {
      await this.system
        .reader('ledger')
        .read(
          { topic, partition, from: start, until: end },
          ({ value }) => records.push(JSON.parse(value?.toString() ?? '') as Readonly<Record<string, unknown>>),
          new AbortController().signal,
        );
    }
    return records;
  }

  job(name: string, options: Partial<RunOptions> = {}, reach: ReachStep = () => undefined) {
    return createJob(this.system, this.project, this.mapping(name), this.#settings(options, reach));
  }

  #settings(options: Partial<RunOptions>, reach: ReachStep = () => undefined): JobSettings {
    return {
      options: { ...DEFAULT_OPTIONS, ...options },
      signal: new AbortController().signal,
      progress: { update: () => undefined, warn: (message) => this.warnings.push(message) },
      reach,
    };
  }

  fold(name: string, firstVersion = 1): Promise<Fold> {
    return foldFacts(this.project.kafka, this.mapping(name).topic, firstVersion);
  }

  /** The fold oracle: the topic folded by identity is exactly this, and no version repeats or skips. Returns the fold for further questions. */
  async expectFacts(name: string, expected: ReadonlyMap<string, unknown>, firstVersion = 1): Promise<Fold> {
    const fold = await this.fold(name, firstVersion);
    expect(fold.violations).toEqual([]);
    expect(Object.fromEntries([...fold.facts].map(([identity, fact]) => [identity, fact.value]))).toEqual(Object.fromEntries(expected));
    return fold;
  }

  /** Starts the built command line in a process of its own. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    return new Child(['--project', this.root, ...args], { ...this.env, ...env });
  }

  /** The same, by another program: gets the command and returns the one that starts it, as `nice node …`. */
  startBy(command: (args: string[]) => string[], args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    return new Child(['--project', this.root, ...args], { ...this.env, ...env }, command);
  }

  async sql<T extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.db.query<T>(text, values)).rows;
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }
}

const OWN_WAREHOUSE = `{ type: postgres, url: "\${WORLD_URL}", statement_timeout: "\${WORLD_TIMEOUT}" }`;

function writeFiles(root: string, name: string, files: WorldFiles): void {
  if (isFrozen(files) && files.keepContracts !== true) rmSync(path.join(root, 'contracts'), { recursive: true, force: true });
  for (const folder of ['models', 'mappings']) {
    rmSync(path.join(root, folder), { recursive: true, force: true });
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  const fill = (text: string) => text.replaceAll('PREFIX', name);
  const project = `
project: ${name}
environment: ${files.environment ?? 'dev'}
warehouses: { main: ${files.warehouse ?? OWN_WAREHOUSE} }
kafka: { brokers: "\${WORLD_BROKERS}", ${files.kafka ?? ''} }
topics: { partitions: 3 }
snapshot: { path: .headrace, view: ${files.view ?? VIEW}, ${files.snapshot ?? ''} }
`;
  writeFileSync(path.join(root, 'headrace.yml'), project + fill(files.project ?? ''));
  for (const [file, text] of Object.entries(files.models)) writeFileSync(path.join(root, 'models', `${file}.yml`), fill(text));
  for (const [file, text] of Object.entries(files.mappings)) writeFileSync(path.join(root, 'mappings', `${file}.yml`), fill(text));
}

function isFrozen({ environment = 'dev', frozen = environment !== 'dev' }: WorldFiles): boolean {
  return frozen;
}

async function loadFrozen(root: string, variables: Readonly<Record<string, string>>, files: WorldFiles): Promise<Project> {
  const project = await load(root, variables);
  if (!isFrozen(files)) return project;
  for (const { error } of await freezeContracts(project, [...project.mappings.values()])) if (error !== undefined) throw error;
  return load(root, variables);
}

async function load(root: string, variables: Readonly<Record<string, string>>): Promise<Project> {
  const { project, problems } = await loadProject(root, variables);
  if (project === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return project;
}
