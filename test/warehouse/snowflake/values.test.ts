import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column } from '../../../src/core/row.ts';
import { fieldDecoder } from '../../../src/warehouse/snowflake/values.ts';

const of = (kind: Column['kind']) => fieldDecoder({ name: 'c', kind, sourceType: '' });

describe('the text of a float', () => {
  /** What the expression of columns.ts gives, if Snowflake writes floats with so many digits. */
  const written = (value: number, digits: number): string => {
    const text = value.toPrecision(digits);
    return Number(text) === value || !Number.isFinite(value) ? text : `${text}|${(value - Number(text)).toPrecision(digits)}`;
  };

  it('stands for the same double, with however few digits it is written', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.integer({ min: 9, max: 17 }), (value, digits) => {
        // Beyond the highest double, a rounded text is infinite.
        fc.pre(Number.isFinite(Number(value.toPrecision(digits))) && !Object.is(value, -0));
        expect(of('float64')(written(value, digits))).toBe(String(value));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['NaN', 'NaN'],
    ['nan', 'NaN'],
    ['inf', 'Infinity'],
    ['-inf', '-Infinity'],
    ['-0', '-0'],
    ['1e-07', '1e-7'],
    // Rounded beyond the highest double: no canonical text, so that a mapping rejects it.
    ['1.797693135e+308', '1.797693135e+308'],
  ])('%s is %s', (text, canonical) => {
    expect(of('float64')(text)).toBe(canonical);
  });
});

describe('the text of a time', () => {
  it.each<[Column['kind'], string, string]>([
    ['timestamp', '2024-03-10 02:30:00.100000000', '2024-03-10 02:30:00.1'],
    ['timestamp', '2024-03-10 20:00:00.000000000', '2024-03-10 20:00:00'],
    ['timestamp', '2024-03-10 20:00:00.123456789', '2024-03-10 20:00:00.123456789'],
    ['timestamp', '2024-03-10 20:00:00', '2024-03-10 20:00:00'],
    ['timestamptz', '2024-03-10 20:00:00.000001000', '2024-03-10 20:00:00.000001+00'],
    ['time', '10:20:30.000000000', '10:20:30'],
  ])('%s %s is %s', (kind, text, canonical) => {
    expect(of(kind)(text)).toBe(canonical);
  });
});
