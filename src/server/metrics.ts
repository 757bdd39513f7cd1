import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ERROR_CODES } from '../core/errors.ts';
import type { SpanName } from '../core/spans.ts';
import type { ToldBackfill } from '../run/backfill/order.ts';
import { GUARD_NAMES } from '../run/guards.ts';
import { ENDINGS } from '../run/schedule/turn.ts';
import type { Daemon } from './daemon.ts';
import { healthOf } from './health.ts';
import { MappingGauges } from './mapping-gauges.ts';
import type { AlertOutcome, DaemonObserver, GroupLag } from './observer.ts';
import type { RunRecord } from './run-record.ts';

/** Seconds: from an empty run to a long comparison. */
const DURATIONS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];
/** Seconds: from a small transaction to a query that takes its time. */
const STEP_DURATIONS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * What the daemon does, by Prometheus' conventions (https://prometheus.io/docs/practices/naming/). Labels are mappings, endings, operations, steps and codes, and the groups
 * of headrace.yml's `consumers`: as many as the configuration has, whatever stands in rows. Promise 10: no keys, no values.
 */
export class Metrics implements Partial<DaemonObserver> {
  readonly #registry = new Registry();
  readonly #standings: MappingGauges;
  readonly #begun = new Set<string>();
  readonly #runs = this.#counter('headrace_runs_total', 'Runs by how they ended.', ['mapping', 'ending']);
  readonly #errors = this.#counter('headrace_run_errors_total', 'Runs that failed, by the code of the error.', ['mapping', 'code']);
  readonly #schemaErrors = this.#counter(
    'headrace_schema_errors_total',
    'Runs that a contract, a schema or a registry stopped, by the code of the error.',
    ['mapping', 'code'],
  );
  readonly #guards = this.#counter('headrace_guards_exceeded_total', 'Guards that were exceeded: they stopped the run, or were allowed.', [
    'mapping',
    'guard',
    'outcome',
  ]);
  readonly #rows = this.#counter('headrace_rows_read_total', 'Rows that runs read.', ['mapping']);
  readonly #rejected = this.#counter('headrace_rows_rejected_total', 'Rows read that do not fit the contract, reported now or before.', [
    'mapping',
  ]);
  readonly #facts = this.#counter('headrace_facts_total', 'Facts that changed, by operation.', ['mapping', 'operation']);
  readonly #published = this.#counter('headrace_records_published_total', 'Records committed to fact topics.', ['mapping']);
  readonly #quarantined = this.#counter('headrace_rows_quarantined_total', 'Rows newly put into quarantine.', ['mapping']);
  readonly #chunks = this.#counter('headrace_chunks_total', 'Committed transactions.', ['mapping']);
  readonly #reloads = this.#counter('headrace_config_reloads_total', 'Times that the configuration was read anew.', ['outcome']);
  readonly #alerts = this.#counter('headrace_alerts_total', 'Alerts by what the webhook answered: each attempt counts.', ['outcome']);
  readonly #backfilled = this.#counter('headrace_backfill_rows_total', 'Rows that slices of backfills read.', ['mapping']);
  readonly #backfillPublished = this.#counter(
    'headrace_backfill_records_published_total',
    'Records that slices of backfills committed to fact topics.',
    ['mapping'],
  );
  readonly #backfillLeft = this.#gauge(
    'headrace_backfill_remaining_rows',
    'Rows that the backfill under way has still to read; absent without one.',
    ['mapping'],
  );
  readonly #lag = this.#gauge(
    'headrace_consumer_group_lag_records',
    'Offsets that a group of `consumers` has not committed in a fact topic: records, and a marker for each transaction.',
    ['group', 'mapping', 'topic'],
  );
  readonly #durations = this.#histogram('headrace_run_duration_seconds', 'How long runs took.', ['mapping'], DURATIONS);
  readonly #delays = this.#histogram(
    'headrace_start_delay_seconds',
    'From when a mapping became due to the start of its run.',
    ['mapping'],
    DURATIONS,
  );
  readonly #steps = this.#histogram(
    'headrace_step_duration_seconds',
    'How long the parts of runs took, whether they came to their end or not.',
    ['mapping', 'step'],
    STEP_DURATIONS,
  );

  constructor(version: string) {
    collectDefaultMetrics({ register: this.#registry });
    this.#standings = new MappingGauges(this.#registry, version);
    for (const outcome of ['taken', 'refused']) this.#reloads.inc({ outcome }, 0);
    for (const outcome of ['delivered', 'refused', 'unreachable']) this.#alerts.inc({ outcome }, 0);
  }

  /** For tests: what is defined. */
  get registry(): Registry {
    return this.#registry;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  ended({ mapping, ending, dueAt, startedAt, endedAt, result, error, guards }: RunRecord): void {
    this.#runs.inc({ mapping, ending });
    this.#delays.observe({ mapping }, Math.max(0, startedAt - dueAt) / 1000);
    this.#durations.observe({ mapping }, (endedAt - startedAt) / 1000);
    if (error !== null && ending !== 'owned' && ending !== 'interrupted') this.#failed(mapping, error.code);
    for (const { guard, exceeded, allowed } of guards)
      if (exceeded) this.#guards.inc({ mapping, guard, outcome: allowed ? 'allowed' : 'stopped' });
    if (result === null) return;
    const { counts, published, chunks, standing, watermark } = result;
    this.#standings.succeeded(mapping, { startedAt, endedAt });
    this.#standings.readUpTo(mapping, watermark.to);
    this.#standings.stands(mapping, standing.facts, standing.quarantined);
    this.#rows.inc({ mapping }, counts.rows);
    this.#rejected.inc({ mapping }, counts.rejected);
    for (const operation of ['created', 'updated', 'deleted'] as const) this.#facts.inc({ mapping, operation }, counts[operation]);
    this.#published.inc({ mapping }, published);
    this.#quarantined.inc({ mapping }, counts.quarantined);
    this.#chunks.inc({ mapping }, chunks);
  }

  sliced(mapping: string, _: ToldBackfill, { rows, published }: { readonly rows: number; readonly published: number }): void {
    this.#backfilled.inc({ mapping }, rows);
    this.#backfillPublished.inc({ mapping }, published);
  }

  took(mapping: string, step: SpanName, ms: number): void {
    if (step !== 'run') this.#steps.observe({ mapping, step }, ms / 1000);
  }

  lagged(lags: readonly GroupLag[]): void {
    this.#lag.reset();
    for (const { behind, ...labels } of lags) this.#lag.set(labels, behind);
  }

  alerted(_: string, outcome: AlertOutcome): void {
    this.#alerts.inc({ outcome });
  }

  reloaded(outcome: 'taken' | 'refused'): void {
    this.#reloads.inc({ outcome });
  }

  /** The text of /metrics. What is running, paused, overdue and healthy is judged now: mappings that are gone leave every gauge. */
  async text(daemon: Daemon): Promise<string> {
    const now = Date.now();
    await this.#standings.forgetAllBut(daemon.project.mappings);
    this.#backfillLeft.reset();
    for (const mapping of daemon.project.mappings.keys()) {
      this.#beginAtZero(mapping);
      const { state, overdueMs } = healthOf(daemon, mapping, now);
      const isRunning = daemon.turnOf(mapping)?.running !== undefined;
      const { progress } = daemon.backfills.of(mapping) ?? {};
      if (progress != null && progress.end === undefined)
        this.#backfillLeft.set({ mapping }, Math.max(0, progress.total - progress.counts.rows));
      this.#standings.isNow(mapping, { state, overdueMs, isRunning, isPaused: daemon.pauseOf(mapping) !== undefined });
    }
    return this.#registry.metrics();
  }

  /** What rises for the first time must have been 0 before: `increase` does not see a series that begins at 1. */
  #beginAtZero(mapping: string): void {
    if (this.#begun.has(mapping)) return;
    this.#begun.add(mapping);
    for (const ending of ENDINGS) this.#runs.inc({ mapping, ending }, 0);
    for (const guard of GUARD_NAMES) for (const outcome of ['stopped', 'allowed']) this.#guards.inc({ mapping, guard, outcome }, 0);
    for (const code of Object.keys(ERROR_CODES).filter(isOfSchema)) this.#schemaErrors.inc({ mapping, code }, 0);
    this.#quarantined.inc({ mapping }, 0);
    this.#steps.zero({ mapping, step: 'reopen' });
  }

  #failed(mapping: string, code: string): void {
    this.#errors.inc({ mapping, code });
    if (isOfSchema(code)) this.#schemaErrors.inc({ mapping, code });
  }

  #counter<const L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge<const L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram<const L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }
}

function isOfSchema(code: string): boolean {
  return /^(CONTRACT|SCHEMA|REGISTRY)_/.test(code);
}
