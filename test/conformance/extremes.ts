import type { ColumnKind } from '../../src/core/row.ts';

/** A value at the edge of a kind, where readers of warehouses are known to round, shift or drop something. */
export interface Extreme {
  readonly kind: ColumnKind;
  readonly value: string;
  /** Canonical text (src/core/row.ts). */
  readonly text: string;
}

/** The rows of the value fidelity matrix in docs/warehouses.md. */
export const EXTREMES = {
  textEmpty: { kind: 'string', value: 'the empty text, which is not NULL', text: '' },
  textBeyondBmp: { kind: 'string', value: 'beyond the basic plane, decomposed, with a control character', text: '😀e\u0301\u0001' },
  booleanTrue: { kind: 'boolean', value: 'true', text: 'true' },
  int32Lowest: { kind: 'int32', value: '−2³¹', text: '-2147483648' },
  int64Highest: { kind: 'int64', value: '2⁶³ − 1', text: '9223372036854775807' },
  int64Lowest: { kind: 'int64', value: '−2⁶³', text: '-9223372036854775808' },
  int64BeyondDouble: { kind: 'int64', value: '2⁵³ + 1, which no double holds', text: '9007199254740993' },
  decimal38Whole: { kind: 'decimal', value: '38 digits, beyond int64', text: '99999999999999999999999999999999999999' },
  decimal38Scale: { kind: 'decimal', value: '38 digits, 18 behind the point', text: '99999999999999999999.999999999999999999' },
  decimalSmallest: { kind: 'decimal', value: '−10⁻¹⁸', text: '-0.000000000000000001' },
  decimalTrailingZero: { kind: 'decimal', value: '1.10 of scale 2', text: '1.10' },
  decimalBeyond38: {
    kind: 'decimal',
    value: '76 digits, 38 behind the point',
    text: '12345678901234567890123456789012345678.12345678901234567890123456789012345678',
  },
  decimalNan: { kind: 'decimal', value: 'NaN', text: 'NaN' },
  floatShortest: { kind: 'float64', value: '0.1', text: '0.1' },
  float17Digits: { kind: 'float64', value: '0.1 + 0.2, of 17 digits', text: '0.30000000000000004' },
  floatNegativeZero: { kind: 'float64', value: '−0', text: '-0' },
  floatNan: { kind: 'float64', value: 'NaN', text: 'NaN' },
  floatInfinity: { kind: 'float64', value: '−∞', text: '-Infinity' },
  floatSmallest: { kind: 'float64', value: 'the smallest', text: '5e-324' },
  floatHighest: { kind: 'float64', value: 'the highest', text: '1.7976931348623157e+308' },
  dateLeapDay: { kind: 'date', value: 'a leap day', text: '2024-02-29' },
  dateFirst: { kind: 'date', value: 'the first of year 1', text: '0001-01-01' },
  dateLast: { kind: 'date', value: 'the last of year 9999', text: '9999-12-31' },
  dateBeforeChrist: { kind: 'date', value: 'before Christ', text: '0044-03-15 BC' },
  dateInfinity: { kind: 'date', value: 'infinity', text: 'infinity' },
  timeMicroseconds: { kind: 'time', value: 'the last microsecond', text: '23:59:59.999999' },
  timestampMicroseconds: { kind: 'timestamp', value: 'an hour that New York lacks', text: '2024-03-10 02:30:00.123456' },
  timestampTrailingZeros: { kind: 'timestamp', value: 'a tenth of a second', text: '2024-03-10 02:30:00.1' },
  timestampFirst: { kind: 'timestamp', value: 'the first of year 1', text: '0001-01-01 00:00:00' },
  timestampLast: { kind: 'timestamp', value: 'the last of year 9999', text: '9999-12-31 23:59:59.999999' },
  timestampNanoseconds: { kind: 'timestamp', value: 'nanoseconds', text: '2024-03-10 02:30:00.123456789' },
  timestamptzUtc: { kind: 'timestamptz', value: 'a microsecond before 1970', text: '1969-12-31 23:59:59.999999+00' },
  timestamptzOffset: { kind: 'timestamptz', value: '02:30:00.000001 at −05:00', text: '2024-03-10 07:30:00.000001+00' },
  bytesAny: { kind: 'bytes', value: 'zero, 255, a backslash', text: '00ff5c6162' },
  bytesEmpty: { kind: 'bytes', value: 'no bytes, which are not NULL', text: '' },
  uuid: { kind: 'uuid', value: 'written in capitals', text: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' },
  jsonDigits: { kind: 'json', value: 'numbers beyond a double', text: '{"d":0.1234567890123456789,"n":9007199254740993}' },
  jsonNull: { kind: 'json', value: "JSON's null, which is not NULL", text: 'null' },
  arrayNull: { kind: 'array', value: 'int64 and NULL', text: '[9007199254740993,null]' },
} as const satisfies Readonly<Record<string, Extreme>>;

export type ExtremeId = keyof typeof EXTREMES;

/** How one warehouse writes an extreme value. `kind` and `text` where they are not the row's own. */
export type FidelityCase =
  | { readonly sql: string; readonly kind?: ColumnKind; readonly text?: string }
  /** The warehouse has no such value: why. */
  | { readonly none: string };

export type FidelityCases = Readonly<Record<ExtremeId, FidelityCase>>;
