import { expect, test } from 'vitest';
import type { MappingStatus } from '../../src/ops/status.ts';
import { statusMetrics } from '../../src/server/status-metrics.ts';

const RULES = { failures: 2, staleAfterMs: 60_000 };
const success = { run: 'r', kind: 'incremental', startedAt: 1_000, endedAt: 3_000 };

/** Of a mapping that has succeeded once, and of what differs. */
const samplesOf = async (status: Partial<MappingStatus>) => {
  const known = {
    mapping: 'm',
    class: 'profile',
    lastRun: null,
    lastPublication: null,
    lease: null,
    watermark: null,
    lagMs: null,
    rowsBehind: null,
    facts: null,
    quarantined: null,
    recordsBehind: 0,
    lastFullComparison: null,
    lastSuccess: success,
    lastFailure: null,
    failures: 0,
    overdueMs: 0,
    blocked: null,
    paused: null,
    nextRun: null,
    nextFullComparison: null,
    backfill: null,
  } satisfies MappingStatus;
  const text = await statusMetrics([{ ...known, ...status }], RULES, '1.2.3');
  return new Map(text.split('\n').flatMap((line) => (/^headrace/.test(line) ? [line.split(' ') as [string, string]] : [])));
};

test.each([
  ['healthy', {}],
  ['unknown', { lastSuccess: null }],
  ['stale', { overdueMs: 60_001 }],
  ['failing', { failures: 2, overdueMs: 60_001 }],
  ['blocked', { failures: 2, blocked: { code: 'GUARD_DELETED', message: 'm' } }],
] satisfies [string, Partial<MappingStatus>][])('%s', async (state, status) => {
  const samples = await samplesOf(status);
  const states = [...samples].filter(([name]) => name.startsWith('headrace_mapping_state'));
  expect(states.filter(([, value]) => value === '1')).toEqual([[`headrace_mapping_state{mapping="m",state="${state}"}`, '1']]);
});

test('seconds, not milliseconds; what is not known is not told', async () => {
  const samples = await samplesOf({ watermark: '2026-01-01 00:00:00.5+00', facts: 7, quarantined: 1 });
  expect(samples.get('headrace_last_success_timestamp_seconds{mapping="m"}')).toBe('3');
  expect(samples.get('headrace_fresh_timestamp_seconds{mapping="m"}')).toBe('1');
  expect(samples.get('headrace_watermark_timestamp_seconds{mapping="m"}')).toBe('1767225600.5');
  expect(samples.get('headrace_facts{mapping="m"}')).toBe('7');
  expect(samples.get('headrace_quarantined_rows{mapping="m"}')).toBe('1');
  expect(samples.get('headrace_build_info{version="1.2.3"}')).toBe('1');
  const unknown = await samplesOf({ lastSuccess: null });
  for (const name of ['last_success_timestamp_seconds', 'watermark_timestamp_seconds', 'facts', 'quarantined_rows'])
    expect(unknown.has(`headrace_${name}{mapping="m"}`)).toBe(false);
});
