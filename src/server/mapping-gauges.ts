import { Gauge, type Registry } from 'prom-client';
import { timeOfWatermark } from '../ops/status.ts';
import { HEALTH_STATES, type HealthState } from './health.ts';

/** A run that was done. Times are milliseconds since 1970. */
export interface Success {
  readonly startedAt: number | null;
  readonly endedAt: number;
}

/** Where a mapping stands: what the daemon and `headrace status --metrics` tell by the same names. */
export class MappingGauges {
  readonly #registry: Registry;
  readonly #all: Gauge<'mapping'>[] = [];
  readonly #lastSuccess: Gauge<'mapping'>;
  readonly #fresh: Gauge<'mapping'>;
  readonly #watermark: Gauge<'mapping'>;
  readonly #facts: Gauge<'mapping'>;
  readonly #quarantined: Gauge<'mapping'>;
  readonly #overdue: Gauge<'mapping'>;
  readonly #running: Gauge<'mapping'>;
  readonly #paused: Gauge<'mapping'>;
  readonly #state: Gauge<'mapping' | 'state'>;

  constructor(registry: Registry, version: string) {
    this.#registry = registry;
    this.#lastSuccess = this.#gauge('headrace_last_success_timestamp_seconds', 'When the last run ended that was done.');
    this.#fresh = this.#gauge(
      'headrace_fresh_timestamp_seconds',
      'What the source held at this time is published: the start of the last run that was done.',
    );
    this.#watermark = this.#gauge(
      'headrace_watermark_timestamp_seconds',
      'The cursor value up to which everything was read, where it is a time.',
    );
    this.#facts = this.#gauge('headrace_facts', 'Facts that are published now.');
    this.#quarantined = this.#gauge('headrace_quarantined_rows', 'Rows that are in quarantine now.');
    this.#overdue = this.#gauge(
      'headrace_overdue_seconds',
      'Since the mapping became due without a run that was done; 0 while none is due or it is paused.',
    );
    this.#running = this.#gauge('headrace_running', '1 while the mapping runs.');
    this.#paused = this.#gauge('headrace_paused', '1 while the mapping is paused.');
    this.#state = new Gauge({
      name: 'headrace_mapping_state',
      help: '1 for the state that the mapping is in.',
      labelNames: ['mapping', 'state'],
      registers: [registry],
    });
    new Gauge({
      name: 'headrace_build_info',
      help: 'The version, as a label.',
      labelNames: ['version'],
      registers: [registry],
    }).set({ version }, 1);
  }

  succeeded(mapping: string, { startedAt, endedAt }: Success): void {
    this.#lastSuccess.set({ mapping }, endedAt / 1000);
    if (startedAt !== null) this.#fresh.set({ mapping }, startedAt / 1000);
  }

  stands(mapping: string, facts: number, quarantined: number): void {
    this.#facts.set({ mapping }, facts);
    this.#quarantined.set({ mapping }, quarantined);
  }

  readUpTo(mapping: string, watermark: string | null): void {
    const ms = watermark === null ? null : timeOfWatermark(watermark);
    if (ms !== null) this.#watermark.set({ mapping }, ms / 1000);
  }

  isNow(
    mapping: string,
    now: { readonly state: HealthState; readonly overdueMs: number; readonly isRunning: boolean; readonly isPaused: boolean },
  ): void {
    this.#running.set({ mapping }, now.isRunning ? 1 : 0);
    this.#paused.set({ mapping }, now.isPaused ? 1 : 0);
    this.#overdue.set({ mapping }, now.overdueMs / 1000);
    for (const state of HEALTH_STATES) this.#state.set({ mapping, state }, state === now.state ? 1 : 0);
  }

  /** Mappings that are gone leave every gauge. */
  async forgetAllBut(mappings: ReadonlyMap<string, unknown>): Promise<void> {
    this.#state.reset();
    for (const gauge of this.#all) {
      for (const { labels } of (await gauge.get()).values) {
        const { mapping = '' } = labels;
        if (!mappings.has(String(mapping))) gauge.remove({ mapping });
      }
    }
  }

  #gauge(name: string, help: string): Gauge<'mapping'> {
    const gauge = new Gauge({ name, help, labelNames: ['mapping'], registers: [this.#registry] });
    this.#all.push(gauge);
    return gauge;
  }
}
