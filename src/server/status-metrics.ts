import { Registry } from 'prom-client';
import type { MappingStatus } from '../ops/status.ts';
import { type HealthRules, stateOf } from './health.ts';
import { MappingGauges } from './mapping-gauges.ts';

/** What the ledger tells of mappings that no daemon runs, in Prometheus' text format: the daemon's gauges, by their names. */
export function statusMetrics(statuses: readonly MappingStatus[], rules: HealthRules, version: string): Promise<string> {
  const registry = new Registry();
  const gauges = new MappingGauges(registry, version);
  for (const { mapping, lastSuccess, watermark, facts, quarantined, blocked, failures, overdueMs, lease, paused } of statuses) {
    if (lastSuccess !== null) gauges.succeeded(mapping, lastSuccess);
    gauges.readUpTo(mapping, watermark);
    if (facts !== null && quarantined !== null) gauges.stands(mapping, facts, quarantined);
    const state = stateOf({ isBlocked: blocked !== null, failures, overdueMs, hasSucceeded: lastSuccess !== null }, rules);
    gauges.isNow(mapping, { state, overdueMs, isRunning: lease !== null, isPaused: paused !== null });
  }
  return registry.metrics();
}
