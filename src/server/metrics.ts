import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Daemon } from './daemon.ts';
import type { DaemonObserver } from './observer.ts';
import type { RunRecord } from './run-record.ts';

/** Seconds: from an empty run to a long comparison. */
const DURATIONS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

/**
 * What the daemon does, by Prometheus' conventions (https://prometheus.io/docs/practices/naming/). Labels are mappings, endings, operations and error codes: as many as the
 * configuration has, whatever stands in rows. Promise 10: no keys, no values.
 */
export class Metrics implements Partial<DaemonObserver> {
  readonly #registry = new Registry();
  readonly #runs = this.#counter('headrace_runs_total', 'Runs by how they ended.', ['mapping', 'ending']);
  readonly #errors = this.#counter('headrace_run_errors_total', 'Runs that failed, by the code of the error.', ['mapping', 'code']);
  readonly #rows = this.#counter('headrace_rows_read_total', 'Rows that runs read.', ['mapping']);
  readonly #facts = this.#counter('headrace_facts_total', 'Facts that changed, by operation.', ['mapping', 'operation']);
  readonly #published = this.#counter('headrace_records_published_total', 'Records committed to fact topics.', ['mapping']);
  readonly #quarantined = this.#counter('headrace_rows_quarantined_total', 'Rows newly put into quarantine.', ['mapping']);
  readonly #chunks = this.#counter('headrace_chunks_total', 'Committed transactions.', ['mapping']);
  readonly #reloads = this.#counter('headrace_config_reloads_total', 'Times that the configuration was read anew.', ['outcome']);
  readonly #lastSuccess = this.#gauge('headrace_last_success_timestamp_seconds', 'When the last run ended that was done.', ['mapping']);
  readonly #running = this.#gauge('headrace_running', '1 while the mapping runs.', ['mapping']);
  readonly #paused = this.#gauge('headrace_paused', '1 while the mapping is paused.', ['mapping']);
  readonly #durations = new Histogram({
    name: 'headrace_run_duration_seconds',
    help: 'How long runs took.',
    labelNames: ['mapping'],
    buckets: DURATIONS,
    registers: [this.#registry],
  });
  readonly #delays = new Histogram({
    name: 'headrace_start_delay_seconds',
    help: 'From when a mapping became due to the start of its run.',
    labelNames: ['mapping'],
    buckets: DURATIONS,
    registers: [this.#registry],
  });

  constructor(version: string) {
    collectDefaultMetrics({ register: this.#registry });
    this.#gauge('headrace_build_info', 'The version, as a label.', ['version']).set({ version }, 1);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  ended({ mapping, ending, dueAt, startedAt, endedAt, result, error }: RunRecord): void {
    this.#runs.inc({ mapping, ending });
    this.#delays.observe({ mapping }, Math.max(0, startedAt - dueAt) / 1000);
    this.#durations.observe({ mapping }, (endedAt - startedAt) / 1000);
    if (error !== null && ending !== 'owned' && ending !== 'interrupted') this.#errors.inc({ mapping, code: error.code });
    if (result === null) return;
    const { counts, published, chunks } = result;
    this.#lastSuccess.set({ mapping }, endedAt / 1000);
    this.#rows.inc({ mapping }, counts.rows);
    for (const operation of ['created', 'updated', 'deleted'] as const) this.#facts.inc({ mapping, operation }, counts[operation]);
    this.#published.inc({ mapping }, published);
    this.#quarantined.inc({ mapping }, counts.quarantined);
    this.#chunks.inc({ mapping }, chunks);
  }

  reloaded(outcome: 'taken' | 'refused'): void {
    this.#reloads.inc({ outcome });
  }

  /** The text of /metrics. What is running and paused is read now: mappings that are gone leave it. */
  async text(daemon: Daemon): Promise<string> {
    this.#running.reset();
    this.#paused.reset();
    for (const mapping of daemon.project.mappings.keys()) {
      this.#running.set({ mapping }, daemon.turnOf(mapping)?.running === undefined ? 0 : 1);
      this.#paused.set({ mapping }, daemon.pauseOf(mapping) === undefined ? 0 : 1);
    }
    return this.#registry.metrics();
  }

  #counter<const L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge<const L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }
}
