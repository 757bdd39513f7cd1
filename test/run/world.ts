import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, inject } from 'vitest';
import { composeSystem } from '../../src/compose.ts';
import type { Mapping, Project } from '../../src/config/project.ts';
import { createJob, DEFAULT_OPTIONS, folderOf, type JobSettings, viewPlaceOf } from '../../src/ops/create-job.ts';
import { LIFTED_GUARDS, planRollback, type RollbackPlan, rollBack } from '../../src/ops/rollback.ts';
import { applyTopics, planTopics } from '../../src/ops/topics.ts';
import { topicsOf } from '../../src/publish/topics.ts';
import { capture, type RunResult } from '../../src/run/capture.ts';
import type { RollbackOrder, RunOptions } from '../../src/run/job.ts';
import { type PlanResult, plan } from '../../src/run/plan.ts';
import type { ReachStep } from '../../src/run/steps.ts';
import type { System } from '../../src/run/system.ts';
import type { SnapshotView } from '../../src/snapshot/view.ts';
import { Child } from './child.ts';
import { type Fold, foldFacts, settledOffsets } from './fold-oracle.ts';
import { ENGINE, openTestWarehouse } from './warehouses/open.ts';
import type { OnTables, Rows, TestWarehouse } from './warehouses/test-warehouse.ts';
import { inWords } from './warehouses/words.ts';
import { load, loadFrozen, type WorldFiles, writeFiles } from './world-files.ts';

const ROLLBACK_OPTIONS: Partial<RunOptions> = { full: true, allow: new Set(LIFTED_GUARDS) };

/** A project of its own on the shared real broker, with a database, topics and a folder that nobody else uses. */
export class World {
  readonly project: Project;
  readonly system: System;
  readonly warehouse: TestWarehouse;
  readonly root: string;
  /** What the project files read from the environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly warnings: string[] = [];
  readonly #closers: (() => Promise<unknown>)[];

  private constructor(parts: Pick<World, 'project' | 'system' | 'warehouse' | 'root' | 'variables'>, closers: (() => Promise<unknown>)[]) {
    this.project = parts.project;
    this.system = parts.system;
    this.warehouse = parts.warehouse;
    this.root = parts.root;
    this.variables = parts.variables;
    this.#closers = closers;
  }

  static async create(sql: string, files: WorldFiles, brokers: string = inject('kafkaBrokers')): Promise<World> {
    const name = `w${randomBytes(5).toString('hex')}`;
    const warehouse = await openTestWarehouse(files.engine ?? ENGINE, name);
    await warehouse.sql(inWords(sql, warehouse.dialect.words));
    const root = mkdtempSync(path.join(os.tmpdir(), `headrace-${name}-`));
    writeFiles(root, name, files, warehouse.config);
    const variables = { ...warehouse.variables, WORLD_BROKERS: brokers, WORLD_TIMEOUT: '30m', ...files.env };
    const project = await loadFrozen(root, variables, files);
    const system = composeSystem(project);
    await applyTopics(system.admin, await planTopics(system.admin, project, project.mappings.values()));
    return new World({ project, system, warehouse, root, variables }, [
      async () => system[Symbol.asyncDispose](),
      async () => warehouse.close(),
      async () => rmSync(root, { recursive: true, force: true }),
    ]);
  }

  /** The same topics and database after an edit of the files. */
  async edited(files: WorldFiles): Promise<World> {
    writeFiles(this.root, this.project.name, files, this.warehouse.config);
    const variables = { ...this.variables, ...files.env };
    const project = await loadFrozen(this.root, variables, files);
    return new World({ project, system: this.system, warehouse: this.warehouse, root: this.root, variables }, []);
  }

  /** The same project as another machine has it: in a folder of its own, without a local copy. The folder goes with this world. */
  async elsewhere(): Promise<World> {
    const root = mkdtempSync(path.join(os.tmpdir(), `headrace-${this.project.name}-`));
    for (const name of ['headrace.yml', 'models', 'mappings', 'contracts'].filter((each) => existsSync(path.join(this.root, each))))
      cpSync(path.join(this.root, name), path.join(root, name), { recursive: true });
    this.#closers.push(async () => rmSync(root, { recursive: true, force: true }));
    const project = await load(root, this.variables);
    return new World({ project, system: this.system, warehouse: this.warehouse, root, variables: this.variables }, []);
  }

  /** The same project with another login to the same database of PostgreSQL. */
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
    return new World({ project, system, warehouse: this.warehouse, root: this.root, variables }, []);
  }

  /** The same project on another cluster, from a folder without a local copy; its topics are created there. */
  async movedTo(brokers: string): Promise<World> {
    const { root } = await this.elsewhere();
    const variables = { ...this.variables, WORLD_BROKERS: brokers };
    const project = await load(root, variables);
    const system = composeSystem(project);
    this.#closers.push(async () => system[Symbol.asyncDispose]());
    await applyTopics(system.admin, await planTopics(system.admin, project, project.mappings.values()));
    return new World({ project, system, warehouse: this.warehouse, root, variables }, []);
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

  /** SQL in the words of warehouses/words.ts. Values are for PostgreSQL alone. */
  async sql<T extends object = Rows[number]>(text: string, values: unknown[] = []): Promise<T[]> {
    return [...(await this.warehouse.sql(inWords(text, this.warehouse.dialect.words), values))] as T[];
  }

  /** Runs statements on the tables of a mapping's view in the warehouse. */
  onView(mapping: string, statements: OnTables): Promise<Rows> {
    return this.warehouse.onView(viewPlaceOf(this.project, this.mapping(mapping)), statements);
  }

  /** For reading. */
  openView(mapping: string): Promise<SnapshotView> {
    const { project, system } = this;
    const place = viewPlaceOf(project, this.mapping(mapping));
    return project.snapshot.view === 'local'
      ? system.openView(this.folder(mapping), place.topic)
      : system.openRemoteView('main', place, true);
  }

  /** The view is gone: the folder of a local copy, or everything that Headrace keeps in the warehouse. */
  async loseView(mapping: string): Promise<void> {
    if (this.project.snapshot.view === 'local') rmSync(this.folder(mapping), { recursive: true, force: true });
    else await this.warehouse.loseViews(viewPlaceOf(this.project, this.mapping(mapping)));
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }
}
