import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatInstant } from '../../src/cli/numbers.ts';
import { Output } from '../../src/cli/output.ts';
import { progressText } from '../../src/cli/progress.ts';
import { formatTable } from '../../src/cli/table.ts';
import { testSteps } from '../../src/cli/test-steps.ts';
import { startOfRun } from '../../src/ops/create-job.ts';
import { timeOfWatermark } from '../../src/ops/status.ts';
import type { Progress } from '../../src/run/job.ts';

describe('numbers have units', () => {
  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [2_140, '2.1 s'],
    [59_990, '1 min 00 s'],
    [245_000, '4 min 05 s'],
    [12_000_000, '3 h 20 min'],
    [183_600_000, '2 d 3 h'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  test('counts and instants', () => {
    expect(formatCount(1_234_567)).toBe('1,234,567');
    expect([formatInstant(null), formatInstant(Date.UTC(2026, 10, 23, 11, 58, 46, 123))]).toEqual(['never', '2026-11-23 11:58:46Z']);
  });
});

test('a table is aligned by what is seen, not by the codes of colours', () => {
  const rows = [
    { name: '\u001b[1mlong-name\u001b[22m', n: 5 },
    { name: 'x', n: 12_000 },
  ];
  const text = formatTable(
    [
      { title: 'name', value: (row) => row.name },
      { title: 'n', value: (row) => formatCount(row.n), align: 'right' },
    ],
    rows,
  );
  expect(text.split('\n')).toEqual(['name            n', '\u001b[1mlong-name\u001b[22m       5', 'x          12,000']);
});

describe('progress', () => {
  const at = (progress: Partial<Progress>): Progress => ({
    phase: 'reading',
    rowsRead: 0,
    rowsEstimated: undefined,
    factsChanged: 0,
    factsPublished: 0,
    factsToPublish: undefined,
    ...progress,
  });

  test.each([
    [at({ phase: 'connecting' }), 'connecting …'],
    [
      at({ rowsRead: 120_000, rowsEstimated: 200_000, factsChanged: 12 }),
      'reading 120,000 of about 200,000 rows · 12 changed · 60,000 rows/s · 1.0 s left',
    ],
    [at({ rowsRead: 300, rowsEstimated: 200 }), 'reading 300 of about 200 rows · 0 changed · 150 rows/s'],
    [at({ phase: 'publishing', factsPublished: 100, factsToPublish: 1_100 }), 'publishing 100 of 1,100 facts · 50 facts/s · 20.0 s left'],
    [at({ phase: 'publishing' }), 'publishing 0 facts'],
  ])('%j', (state, text) => expect(progressText(state, 2_000)).toBe(text));

  function outputTo(isTTY: boolean): { output: Output; written: () => string } {
    let text = '';
    const stderr = {
      isTTY,
      write: (part: string) => {
        text += part;
      },
    };
    return { output: new Output({ stdout: stderr, stderr, env: {} }, false), written: () => text };
  }

  test('a terminal keeps the live line below what is said', () => {
    const { output, written } = outputTo(true);
    output.live('busy');
    output.note('said');
    output.live('');
    expect(written()).toBe('busy\r\u001b[2Ksaid\nbusy\r\u001b[2K');
  });

  test('elsewhere nothing is drawn', () => {
    const { output, written } = outputTo(false);
    output.live('busy');
    output.note('said');
    expect(written()).toBe('said\n');
  });
});

describe('test steps', () => {
  const settings = (step: string) => ({ HEADRACE_TEST_STEPS: '1', HEADRACE_TEST_STEP: step });

  test('sleep at the second time, and only then', async () => {
    const said: string[] = [];
    const reach = testSteps(settings('before_fence:2=sleep:30'), (text) => said.push(text));
    await reach('before_fence');
    await reach('after_fence');
    expect(said).toEqual([]);
    const startedAt = performance.now();
    await reach('before_fence');
    expect(performance.now() - startedAt).toBeGreaterThan(25);
    await reach('before_fence');
    expect(said).toEqual(['test step before_fence:2=sleep']);
  });

  test('nothing without the switch', () => {
    expect(() => testSteps({ HEADRACE_TEST_STEP: 'nonsense' }, () => undefined)).not.toThrow();
  });

  test.each(['nonsense', 'before_fense=kill', 'before_fence=burn', 'before_fence:x=kill'])('%s is refused', (step) => {
    expect(() => testSteps(settings(step), () => undefined)).toThrow(/HEADRACE_TEST_STEP/);
  });
});

describe('times in texts', () => {
  test.each([
    ['2026-11-23 12:36:31.778498+00', Date.UTC(2026, 10, 23, 12, 36, 31, 778)],
    ['2026-11-23 12:36:31', Date.UTC(2026, 10, 23, 12, 36, 31)],
    ['2026-11-23', Date.UTC(2026, 10, 23)],
    ['20261123', null],
    ['-5', null],
  ])('the watermark %s', (watermark, ms) => expect(timeOfWatermark(watermark)).toBe(ms));

  test('the id of a run tells when it began', () => {
    expect(startOfRun('20261123T115846123Z-9f2c01')).toBe(Date.UTC(2026, 10, 23, 11, 58, 46, 123));
    expect(startOfRun('a run of another kind')).toBeNull();
  });
});

describe('bytes in texts', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [12_345_678, '12.3 MB'],
    [999_600, '1.0 MB'],
    [123_456_789_012, '123 GB'],
    [1.2e12, '1.2 TB'],
    [5e18, '5000 PB'],
  ])('%d', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});
