import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { vi } from 'vitest';
import { HeadraceError } from '../../../src/core/errors.ts';
import { NO_SPANS } from '../../../src/core/spans.ts';
import { DEFAULT_OPTIONS } from '../../../src/ops/create-job.ts';
import { partitionOf } from '../../../src/publish/kafka/partitioner.ts';
import { type MappingTopics, SNAPSHOT_DELETE_RETENTION_MS, topicsOf } from '../../../src/publish/topics.ts';
import { capture, type RunResult } from '../../../src/run/capture.ts';
import { GUARD_NAMES } from '../../../src/run/guards.ts';
import type { Job, RunOptions } from '../../../src/run/job.ts';
import { LocalView } from '../../../src/snapshot/local/local-view.ts';
import { seal } from '../../../src/snapshot/local/seal.ts';
import { WarehouseView } from '../../../src/snapshot/warehouse/warehouse-view.ts';
import { Broker, type Partition } from './broker.ts';
import { type Fate, Incarnation, settle } from './incarnation.ts';
import { SimulatedPublishers, simulatedAdmin, simulatedReader } from './kafka-ports.ts';
import type { LoadedVariant } from './project.ts';
import { Random } from './random.ts';
import { type RulesOff, withoutRules, withoutRulesInWarehouse } from './rules-off.ts';
import { brokenConnection, type Call, openSimulatedScan, SimulatedTables, TableStore } from './simulated-tables.ts';
import { batchOf, COLUMNS, type SourceRow, SourceTable } from './source-table.ts';

const EPOCH_MS = Date.parse('2026-01-05T12:00:00Z');
const PARTITIONS = 2;
const NEVER_ENDS = 5_000;

/** Where Headrace may run: the third shares the folder of the second (a shared volume), under a host name of its own. */
export const HOSTS = [
  { name: 'one', folder: 'one', skewMs: 0 },
  { name: 'two', folder: 'two', skewMs: 400_000 },
  { name: 'three', folder: 'two', skewMs: -400_000 },
] as const;

/** Something that happens when a process has made so many further calls. */
export interface Incident {
  readonly after: number;
  /** Counts only calls of this name. */
  readonly on?: string | undefined;
  readonly what: Fate | { readonly passMs: number } | { readonly edit: (table: SourceTable) => void };
}

export interface RunRequest {
  readonly host: number;
  readonly variant: LoadedVariant;
  readonly full: boolean;
  readonly takeOver: boolean;
  readonly incidents: readonly Incident[];
}

/** One world: a broker, a source table, hosts with their folders, and a clock that stands still unless it is moved. The same seed and actions give the same history. */
export class Simulation {
  readonly table = new SourceTable();
  readonly broker: Broker;
  readonly topics: MappingTopics;
  readonly log: string[] = [];
  readonly processes: Incarnation[] = [];
  /** Called whenever the table or a committed transaction changed. */
  onChange: () => void = () => undefined;
  readonly #root: string;
  readonly #rules: RulesOff;
  readonly #random: Random;
  readonly #views = new Map<Incarnation, LocalView>();
  #store = new TableStore();
  #savedStore = new TableStore();
  readonly #alive = new Set<number>();
  #late: (() => unknown)[] = [];
  #nowMs = EPOCH_MS;
  #runs = 0;

  constructor(scratch: string, variant: LoadedVariant, seed: number, rules: RulesOff) {
    this.#root = mkdtempSync(path.join(scratch, 'world-'));
    this.#rules = rules;
    this.#random = new Random(seed);
    this.broker = new Broker(() => this.#nowMs);
    this.topics = topicsOf(variant.project.name, variant.mapping);
    this.broker.create(this.topics.facts, PARTITIONS);
    for (const topic of [this.topics.snapshot, this.topics.quarantine, this.topics.runs]) this.broker.create(topic, 1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] });
    vi.spyOn(process, 'kill').mockImplementation((pid) => {
      if (this.#alive.has(pid)) return true;
      throw Object.assign(new Error('no such process'), { code: 'ESRCH' });
    });
  }

  /** Starts a run and lets it go on until it ends, dies or freezes. */
  async run(request: RunRequest): Promise<{ process: Incarnation; result: RunResult | undefined }> {
    const number = ++this.#runs;
    const host = HOSTS[request.host] ?? HOSTS[0];
    const process = new Incarnation(`run-${number}`, host.name, 1_000_000 + number);
    this.processes.push(process);
    this.#alive.add(process.pid);
    let result: RunResult | undefined;
    void capture(this.#job(process, request)).then(
      (r) => {
        result = r;
        process.state = 'ended';
      },
      (error: unknown) => {
        process.error = error;
        process.state = 'ended';
      },
    );
    this.#note(process, `starts on ${host.name}${request.full ? ' --full' : ''}${request.takeOver ? ' --take-over' : ''}`);
    await this.drive(process, request.incidents);
    return { process, result };
  }

  /** Lets a process go on until it ends, dies or freezes. */
  async drive(process: Incarnation, incidents: readonly Incident[]): Promise<void> {
    const queue = [...incidents];
    let until = queue[0]?.after ?? 0;
    if (process.state === 'frozen') process.state = 'running';
    let idle = 0;
    for (let calls = 0; ; calls++) {
      await this.#settled(process);
      if (process.state !== 'running') break;
      if (calls > NEVER_ENDS) throw new Error(`${process.name} never ends: ${process.pending[0]?.label}`);
      if (process.pending.length === 0) {
        // It waits for a timer of its own; or for something that takes real time on a busy machine, such as the first look at a module.
        if (++idle > 20) await delay(1);
        this.broker.writeAllMarkers();
        this.pass(100);
        continue;
      }
      idle = 0;
      if (this.#late.length > 0 && this.#random.below(3) === 0) this.#deliver(this.#random.below(this.#late.length));
      const call = process.pending[this.#random.below(process.pending.length)];
      if (call === undefined) throw new Error('no call');
      const next = queue[0];
      if (next !== undefined && (next.on === undefined || next.on === call.label) && until-- <= 0) {
        queue.shift();
        until = queue[0]?.after ?? 0;
        if (typeof next.what === 'string') {
          this.#note(process, `${call.label}: ${next.what}`);
          const late = settle(process, call, next.what);
          if (late !== undefined) this.#late.push(late);
          this.onChange();
          continue;
        }
        if ('passMs' in next.what) this.pass(next.what.passMs);
        else this.edit(next.what.edit);
        continue;
      }
      this.#note(process, call.label);
      settle(process, call, 'answered');
      this.onChange();
    }
    await this.#bury(process);
    this.#note(process, `${process.state}${process.error === undefined ? '' : `: ${String(process.error)}`}`);
    if (process.error !== undefined && !(process.error instanceof HeadraceError)) throw process.error;
  }

  edit(change: (table: SourceTable) => void): void {
    change(this.table);
    this.log.push(
      `        table: ${[...this.table.rows.values()].map((r) => `${r.id}=${r.account}/${r.plan}/${r.number}/${r.kind}@${r.updated}`).join(' ')}`,
    );
    this.onChange();
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    if (ms > 100) this.log.push(`        ${ms} ms pass`);
    this.broker.expire();
    // A process that is stopped sees its timers late; here they only ever put calls into its queue.
    vi.advanceTimersByTime(Math.min(ms, 60_000));
  }

  compact(): void {
    this.broker.writeAllMarkers();
    this.broker.compact(this.topics.snapshot, SNAPSHOT_DELETE_RETENTION_MS);
    this.log.push('        the snapshot topic is compacted');
  }

  /** The broker comes back after a crash: what was open is aborted, unheard in the partitions of the mask (facts 0 and 1, snapshot, runs, quarantine). */
  restartBroker(unheard: number): void {
    const { facts, snapshot, runs, quarantine } = this.topics;
    const partitions = [`${facts}/0`, `${facts}/1`, `${snapshot}/0`, `${runs}/0`, `${quarantine}/0`];
    const hears = ({ topic, index }: Partition) => (unheard & (1 << partitions.indexOf(`${topic}/${index}`))) === 0;
    // Of commits only those to the snapshot: what is not proven of the others is in docs/promises.md.
    this.broker.endUnheard(hears, (partition) => partition.topic !== snapshot || hears(partition));
    this.log.push(`        the broker restarts, with markers lost in ${partitions.filter((_, i) => unheard & (1 << i)).join(', ')}`);
    this.onChange();
  }

  deliverAll(): void {
    while (this.#late.length > 0) this.#deliver(0);
  }

  /** Whether a copy can be touched from outside: nobody is at work in its folder. */
  isIdle(host: number): boolean {
    const folder = this.folder(host);
    return ![...this.#views.keys()].some((p) => this.#folderOf(p) === folder);
  }

  saveCopy(host: number): void {
    this.#savedStore = this.#store.copy();
    if (!existsSync(this.folder(host))) return;
    rmSync(`${this.folder(host)}.saved`, { recursive: true, force: true });
    cpSync(this.folder(host), `${this.folder(host)}.saved`, { recursive: true, preserveTimestamps: true });
    this.log.push(`        the copy of ${HOSTS[host]?.name} is saved`);
  }

  restoreCopy(host: number): void {
    if (this.#rules.inWarehouse) this.#store = this.#savedStore.copy();
    if (!existsSync(`${this.folder(host)}.saved`)) return;
    rmSync(this.folder(host), { recursive: true, force: true });
    cpSync(`${this.folder(host)}.saved`, this.folder(host), { recursive: true, preserveTimestamps: true });
    // Nanoseconds get lost in copying; the seal is about damage, which is not this simulation's subject.
    seal(path.join(this.folder(host), 'view.mdb'));
    this.log.push(`        the copy of ${HOSTS[host]?.name} is restored`);
  }

  deleteCopy(host: number): void {
    this.#store = new TableStore();
    rmSync(this.folder(host), { recursive: true, force: true });
    this.log.push(`        the copy of ${HOSTS[host]?.name} is deleted`);
  }

  folder(host: number): string {
    return path.join(this.#root, (HOSTS[host] ?? HOSTS[0]).folder);
  }

  async close(): Promise<void> {
    for (const process of this.processes) {
      process.state = 'dead';
      await this.#bury(process);
    }
    vi.clearAllTimers();
    vi.useRealTimers();
    vi.restoreAllMocks();
    rmSync(this.#root, { recursive: true, force: true });
  }

  #deliver(index: number): void {
    const [late] = this.#late.splice(index, 1);
    this.log.push('        a late request arrives');
    late?.();
    this.onChange();
  }

  #folderOf(process: Incarnation): string {
    return this.folder(HOSTS.findIndex((h) => h.name === process.host));
  }

  #note(process: Incarnation, what: string): void {
    this.log.push(`${process.name.padEnd(8)}${what}`);
  }

  /** Until the process has nothing to do but wait. WebAssembly and the opening of files take turns of the event loop of which nobody tells. */
  async #settled(process: Incarnation): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      const before = process.pending.length;
      await new Promise((resolve) => setImmediate(resolve));
      const isQuiet = process.busy === 0 && compiling.count === 0 && process.pending.length === before;
      quiet = isQuiet ? quiet + 1 : 0;
      if (process.state === 'ended') return;
    }
  }

  /** Closes what a dead process held open. Its lock file stays. */
  async #bury(process: Incarnation): Promise<void> {
    if (process.state !== 'dead' && process.state !== 'ended') return;
    this.#alive.delete(process.pid);
    const view = this.#views.get(process);
    this.#views.delete(process);
    if (process.state === 'dead') await view?.drop();
  }

  #job(process: Incarnation, { host, variant, full, takeOver }: RunRequest): Job {
    const folder = this.folder(host);
    const skewMs = (HOSTS[host] ?? HOSTS[0]).skewMs;
    const options: RunOptions = {
      ...DEFAULT_OPTIONS,
      full,
      takeOver,
      allow: new Set(GUARD_NAMES),
      chunk: { changes: 3, bytes: 1_000_000 },
    };
    return {
      ...variant,
      also: [],
      topics: this.topics,
      warehouse: this.#warehouse(process),
      publishers: new SimulatedPublishers(this.broker, process, this.#rules.reuseProducers === true),
      reader: simulatedReader(this.broker, process),
      admin: simulatedAdmin(this.broker, process, this.#rules.commitUndecided === true ? this.topics.facts : undefined),
      partitionOf,
      openView: () =>
        process.alone(async () => {
          const view = await LocalView.open(folder);
          this.#views.set(process, view);
          return withoutRules(view, folder, this.#rules, () => process.alone(() => view.close()));
        }),
      copyView: async () => undefined,
      ...(this.#rules.inWarehouse ? this.#remoteView(process) : {}),
      folder,
      spans: NO_SPANS,
      runId: process.name,
      host: process.host,
      pid: process.pid,
      clock: () => this.#nowMs + skewMs,
      signal: new AbortController().signal,
      options,
      progress: { update: () => undefined, warn: (message) => this.#note(process, `warns: ${message}`) },
      reach: (step) => process.call(step, () => undefined, step === 'inside_apply' ? fullDisk : undefined),
    };
  }

  #remoteView(process: Incarnation): Pick<Job, 'openRemoteView' | 'viewPlace'> {
    const call: Call = (label, act) => process.call(label, act, brokenConnection);
    return {
      openRemoteView: async (dry) => {
        const tables = new SimulatedTables(() => this.#store, call, this.topics.snapshot);
        return withoutRulesInWarehouse(await WarehouseView.open(tables, this.topics.snapshot, dry), this.#rules);
      },
      viewPlace: { schema: 'headrace', project: 'p', mapping: 'm', topic: this.topics.snapshot },
    };
  }

  #warehouse(process: Incarnation): Job['warehouse'] {
    const broken = brokenConnection;
    return {
      type: 'simulated',
      views: {
        tables: () => {
          throw new Error('not part of a run');
        },
        openScan: (request) =>
          openSimulatedScan(
            this.#store,
            (of) => this.table.scan(of),
            request,
            (label, act) => process.call(label, act, broken),
          ),
        ddl: () => '',
      },
      ping: () => Promise.reject(new Error('not part of a run')),
      describe: () => process.call('describe columns', () => COLUMNS, broken),
      count: () => Promise.reject(new Error('not part of a run')),
      close: () => Promise.resolve(),
      openScan: async (request) => {
        let rows = await process.call('open scan', () => this.table.scan(request), broken);
        const { partialScans } = this.#rules;
        const next = () => process.call('next rows', () => rows.splice(0, 4), broken);
        return {
          columns: request.columns.map((name) => COLUMNS.find((c) => c.name === name) ?? { name, kind: 'other', sourceType: 'other' }),
          now: null,
          estimatedRows: undefined,
          close: () => Promise.resolve(),
          async *batches() {
            for (;;) {
              let batch: SourceRow[];
              try {
                batch = await next();
              } catch (error) {
                if (partialScans !== true) throw error;
                rows = [];
                batch = [];
              }
              if (batch.length === 0) return;
              yield batchOf(batch, request);
            }
          },
        };
      },
    };
  }
}

/** The disk may be full for a moment, just when a chunk that is committed should be applied. */
function fullDisk(): HeadraceError {
  return new HeadraceError('LOCAL_COPY_FAILED', 'the disk is full (simulated)');
}

/** In memory where the system has such a folder: LMDB waits for the disk with every transaction. */
export function scratchFolder(): string {
  return mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'headrace-simulation-'));
}

const compiling = { count: 0 };

/** Lets the simulation know when WebAssembly is at work: the hash functions are made anew in every run. */
export function watchWebAssembly(): void {
  const webAssembly = (globalThis as unknown as { WebAssembly: Record<string, (...args: unknown[]) => Promise<unknown>> }).WebAssembly;
  for (const name of ['compile', 'instantiate']) {
    const original = webAssembly[name];
    if (original === undefined) throw new Error(`no WebAssembly.${name}`);
    const watched = async (...args: unknown[]) => {
      compiling.count++;
      try {
        return await original(...args);
      } finally {
        compiling.count--;
      }
    };
    webAssembly[name] = watched;
  }
}
