import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ERROR_CODES } from '../core/errors.ts';
import type { SpanName } from '../core/spans.ts';
import { timeOfWatermark } from '../ops/status.ts';
import { GUARD_NAMES } from '../run/guards.ts';
import { ENDINGS } from '../run/schedule/turn.ts';
import type { Daemon } from './daemon.ts';
import { HEALTH_STATES, healthOf } from './health.ts';
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
  readonly #perMapping: Gauge<'mapping'>[] = [];
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
  readonly #lastSuccess = this.#mappingGauge('headrace_last_success_timestamp_seconds', 'When the last run ended that was done.');
  readonly #fresh = this.#mappingGauge(
    'headrace_fresh_timestamp_seconds',
    'What the source held at this time is published: the start of the last run that was done.',
  );
  readonly #watermark = this.#mappingGauge(
    'headrace_watermark_timestamp_seconds',
    'The cursor value up to which everything was read, where it is a time.',
  );
  readonly #live = this.#mappingGauge('headrace_facts', 'Facts that are published now.');
  readonly #inQuarantine = this.#mappingGauge('headrace_quarantined_rows', 'Rows that are in quarantine now.');
  readonly #overdue = this.#mappingGauge(
    'headrace_overdue_seconds',
    'Since the mapping became due without a run that was done; 0 while none is due or it is paused.',
  );
  readonly #running = this.#mappingGauge('headrace_running', '1 while the mapping runs.');
  readonly #paused = this.#mappingGauge('headrace_paused', '1 while the mapping is paused.');
  readonly #state = this.#gauge('headrace_mapping_state', '1 for the state that the mapping is in.', ['mapping', 'state']);
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
    this.#gauge('headrace_build_info', 'The version, as a label.', ['version']).set({ version }, 1);
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
    this.#lastSuccess.set({ mapping }, endedAt / 1000);
    this.#fresh.set({ mapping }, startedAt / 1000);
    const watermarkMs = watermark.to === null ? null : timeOfWatermark(watermark.to);
    if (watermarkMs !== null) this.#watermark.set({ mapping }, watermarkMs / 1000);
    this.#live.set({ mapping }, standing.facts);
    this.#inQuarantine.set({ mapping }, standing.quarantined);
    this.#rows.inc({ mapping }, counts.rows);
    this.#rejected.inc({ mapping }, counts.rejected);
    for (const operation of ['created', 'updated', 'deleted'] as const) this.#facts.inc({ mapping, operation }, counts[operation]);
    this.#published.inc({ mapping }, published);
    this.#quarantined.inc({ mapping }, counts.quarantined);
    this.#chunks.inc({ mapping }, chunks);
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
    this.#state.reset();
    await this.#forgetAllBut(daemon.project.mappings);
    for (const mapping of daemon.project.mappings.keys()) {
      this.#beginAtZero(mapping);
      const health = healthOf(daemon, mapping, now);
      this.#running.set({ mapping }, daemon.turnOf(mapping)?.running === undefined ? 0 : 1);
      this.#paused.set({ mapping }, daemon.pauseOf(mapping) === undefined ? 0 : 1);
      this.#overdue.set({ mapping }, health.overdueMs / 1000);
      for (const state of HEALTH_STATES) this.#state.set({ mapping, state }, state === health.state ? 1 : 0);
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

  async #forgetAllBut(mappings: ReadonlyMap<string, unknown>): Promise<void> {
    for (const gauge of this.#perMapping) {
      for (const { labels } of (await gauge.get()).values) {
        const { mapping = '' } = labels;
        if (!mappings.has(String(mapping))) gauge.remove({ mapping });
      }
    }
  }

  #mappingGauge(name: string, help: string): Gauge<'mapping'> {
    const gauge = this.#gauge(name, help, ['mapping']);
    this.#perMapping.push(gauge);
    return gauge;
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
