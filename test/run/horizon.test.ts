import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Model } from '../../src/config/project.ts';
import type { ColumnKind } from '../../src/core/row.ts';
import { checkHorizon, cursorAt, cursorPosition, nextHorizon } from '../../src/run/horizon.ts';

const HOUR = 3_600_000;
const DAY_MICROS = 86_400_000_000;

const model = (lookback: { ms: number } | { count: number }, appendOnly = true, column = 'at'): Model => ({
  name: 'events',
  location: { file: 'models/events.yml', line: 1 },
  warehouse: 'main',
  relation: { table: 'events' },
  key: ['id'],
  cursor: { column, lookback, nulls: 'always' },
  deletes: { missingRows: false },
  appendOnly,
  locate: () => ({ file: 'models/events.yml', line: 5 }),
});

const micros = fc.bigInt({ min: -62_000_000_000_000_000n, max: 253_402_300_799_999_999n });

function timestampOf(value: bigint): string {
  const fraction = ((value % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = (value - fraction) / 1_000_000n;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return fraction === 0n ? `${text}+00` : `${text}.${fraction.toString().padStart(6, '0').replace(/0+$/, '')}+00`;
}

const sign = (a: bigint | number, b: bigint | number) => (a < b ? -1 : a > b ? 1 : 0);

describe('the position of a cursor', () => {
  test('of a time keeps the order, to the microsecond within the years that people live in', () => {
    fc.assert(
      fc.property(micros, micros, (a, b) => {
        const [x, y] = [cursorPosition('timestamptz', timestampOf(a)), cursorPosition('timestamptz', timestampOf(b))] as [number, number];
        // Never the other way round; equal only where a double cannot tell them apart.
        expect(sign(x, y) === sign(a, b) || x === y).toBe(true);
        if (a > -9_000_000_000_000_000n && a < 9_000_000_000_000_000n) expect(x).toBe(Number(a));
      }),
    );
  });

  test('of a whole number or a decimal keeps the order', () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(int64, int64, (a, b) => {
        const [x, y] = [cursorPosition('int64', String(a)), cursorPosition('decimal', `${b}.50`)] as [number, number];
        // In halves: what `${b}.50` says lies further from zero than b.
        const halves = b < 0n ? 2n * b - 1n : 2n * b + 1n;
        expect(sign(x, y) === sign(2n * a, halves) || x === y).toBe(true);
      }),
    );
  });

  test.each<[ColumnKind, string | null, number | null]>([
    ['timestamp', '1970-01-01 00:00:00', 0],
    ['date', '1970-01-02', DAY_MICROS],
    ['timestamptz', null, null],
    ['timestamptz', 'infinity', Number.POSITIVE_INFINITY],
    ['timestamptz', '-infinity', Number.NEGATIVE_INFINITY],
    ['timestamptz', '0044-03-15 00:00:00+00 BC', Number.NEGATIVE_INFINITY],
    ['timestamptz', '12026-01-01 00:00:00+00', Number.POSITIVE_INFINITY],
    ['decimal', 'NaN', Number.POSITIVE_INFINITY],
    ['decimal', '-1.5', -1.5],
  ])('%s %s is %s', (kind, text, position) => {
    expect(cursorPosition(kind, text)).toBe(position);
  });

  test('can be written as a cursor again', () => {
    fc.assert(
      fc.property(fc.integer({ min: -60_000_000_000_000, max: 9_000_000_000_000_000 }), (position) => {
        for (const kind of ['timestamp', 'timestamptz', 'int64'] as const)
          expect(cursorPosition(kind, cursorAt(kind, position))).toBe(position);
        expect(cursorPosition('date', cursorAt('date', position))).toBe(Math.floor(position / DAY_MICROS) * DAY_MICROS);
      }),
    );
    expect(cursorAt('timestamptz', Number.NEGATIVE_INFINITY)).toBeNull();
    expect(cursorAt('timestamptz', -1e17)).toBeNull();
  });
});

describe('the horizon', () => {
  const at = (hours: number) => ({ column: 'at', unit: 'microseconds' as const, position: hours * HOUR * 1000 });

  test('lies lookback and a day behind the watermark, or twice a longer lookback', () => {
    const noon = '1970-01-11 00:00:00+00';
    expect(nextHorizon(null, model({ ms: HOUR }), 'timestamptz', noon)).toEqual(at(240 - 25));
    expect(nextHorizon(null, model({ ms: 48 * HOUR }), 'timestamptz', noon)).toEqual(at(240 - 96));
    expect(nextHorizon(null, model({ count: 100 }), 'int64', '1000')).toEqual({ column: 'at', unit: 'number', position: 800 });
  });

  test('does not move by little, never falls, and never comes to a model that keeps its entries', () => {
    const noon = '1970-01-11 00:00:00+00';
    expect(nextHorizon(at(240 - 25.5), model({ ms: HOUR }), 'timestamptz', noon)).toBeNull();
    expect(nextHorizon(at(240 - 27), model({ ms: HOUR }), 'timestamptz', noon)).toEqual(at(240 - 25));
    // A larger lookback asks for a lower one.
    expect(nextHorizon(at(240 - 27), model({ ms: 90 * HOUR }), 'timestamptz', noon)).toBeNull();
    expect(nextHorizon(null, model({ ms: HOUR }, false), 'timestamptz', noon)).toBeNull();
    expect(nextHorizon(null, model({ ms: HOUR }), 'timestamptz', null)).toBeNull();
  });

  test('of one column is not read in the order of another', () => {
    expect(() => checkHorizon(model({ ms: HOUR }), 'timestamptz', at(1))).not.toThrow();
    for (const [other, kind] of [
      [model({ ms: HOUR }, true, 'seen_at'), 'timestamptz'],
      [model({ count: 1 }), 'int64'],
    ] as const) {
      expect(() => checkHorizon(other, kind, at(1))).toThrow(expect.objectContaining({ code: 'CONTRACT_MISMATCH' }));
    }
  });
});
