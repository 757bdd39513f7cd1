import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Watermark } from '../../src/run/watermark.ts';

const moved = (
  kind: 'timestamptz' | 'timestamp' | 'date' | 'int64' | 'decimal',
  now: string | null,
  previous: string | null,
  cursors: (string | null)[],
) => {
  const watermark = new Watermark(kind, now);
  for (const cursor of cursors) watermark.note(cursor);
  return watermark.after(previous);
};

describe('the watermark', () => {
  const now = '2026-11-23 12:00:00.5+00';
  test.each([
    ['an empty run leaves it alone', [], '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'],
    ['NULL cursors do not hold it', [null, '2026-02-01 00:00:00+00', null], null, '2026-02-01 00:00:00+00'],
    ['microseconds count', ['2026-02-01 00:00:00.000002+00', '2026-02-01 00:00:00.000001+00'], null, '2026-02-01 00:00:00.000002+00'],
    [
      'a missing fraction is the smaller one',
      ['2026-02-01 00:00:00+00', '2026-02-01 00:00:00.1+00', '2026-02-01 00:00:00.09+00'],
      null,
      '2026-02-01 00:00:00.1+00',
    ],
    ['the future does not move it', ['2026-11-23 12:00:00.500001+00', '2026-11-23 12:00:00.5+00'], null, '2026-11-23 12:00:00.5+00'],
    [
      'infinity, BC and five-digit years do not',
      ['infinity', '-infinity', '12026-01-01 00:00:00+00', '0044-03-15 00:00:00+00 BC'],
      '2026-01-01 00:00:00+00',
      '2026-01-01 00:00:00+00',
    ],
    ['it never falls in an incremental run', ['2025-01-01 00:00:00+00'], '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'],
  ])('%s', (_, cursors, previous, expected) => {
    expect(moved('timestamptz', now, previous, cursors)).toBe(expected);
  });

  test('numbers are compared as numbers, beyond 2^53 too', () => {
    expect(moved('int64', null, '9', ['10', '9007199254740993', '9007199254740992', '-5'])).toBe('9007199254740993');
    expect(moved('decimal', null, '-2.5', ['-2.50', '-2.49', '-10'])).toBe('-2.49');
  });

  test('of integers it is their maximum', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1 }), (numbers) => {
        const highest = numbers.toSorted((a, b) => (a < b ? -1 : 1)).at(-1);
        expect(moved('int64', null, null, numbers.map(String))).toBe(String(highest));
      }),
    );
  });
});
