import { describe, expect, it } from 'vitest';
import { converter } from '../../src/contract/convert.ts';
import type { FieldType } from '../../src/core/field-type.ts';
import type { ColumnKind } from '../../src/core/row.ts';
import { problemsOf, through } from './one-field.ts';

const decimal = (precision: number, scale: number): FieldType => ({ kind: 'decimal', precision, scale });
const string: FieldType = { kind: 'string' };
const timestamp: FieldType = { kind: 'timestamp' };
const int64: FieldType = { kind: 'int64' };
const json: FieldType = { kind: 'json' };
const array = (items: FieldType): FieldType => ({ kind: 'array', items });

const KINDS: readonly ColumnKind[] = [
  'string',
  'boolean',
  'int32',
  'int64',
  'decimal',
  'float64',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'bytes',
  'uuid',
  'json',
  'array',
  'other',
];
const TYPES: readonly FieldType[] = [
  string,
  { kind: 'boolean' },
  { kind: 'int32' },
  int64,
  decimal(10, 2),
  { kind: 'float64' },
  { kind: 'date' },
  { kind: 'time' },
  timestamp,
  { kind: 'bytes' },
  { kind: 'uuid' },
  { kind: 'enum', symbols: ['A'] },
  json,
  array(string),
  { kind: 'object', members: [] },
];

/** The table of docs/mapping.md: the column kinds that each type takes. */
const TAKES: Readonly<Record<FieldType['kind'], string>> = {
  string: 'string boolean int32 int64 decimal float64 date time uuid other',
  boolean: 'string boolean',
  int32: 'string int32 int64 decimal',
  int64: 'string int32 int64 decimal',
  decimal: 'string int32 int64 decimal',
  float64: 'string int32 float64',
  date: 'string date',
  time: 'string time',
  timestamp: 'string timestamp timestamptz',
  bytes: 'string bytes',
  uuid: 'string uuid',
  enum: 'string boolean int32 int64 other',
  json: 'string json array',
  array: 'string json array',
  object: 'string json',
};

describe('column kind × field type', () => {
  const pairs = KINDS.flatMap((kind) => TYPES.map((type) => ({ kind, type, name: type.kind })));

  it.each(pairs)('$kind → $name', ({ kind, type }) => {
    const allowed = TAKES[type.kind].split(' ').includes(kind);
    expect(converter(kind, type) !== undefined).toBe(allowed);
    const problems = problemsOf([{ name: 'f', source: { from: 'v' }, type, optional: false }], kind);
    if (allowed) expect(problems).toBe('');
    else expect(problems).toMatch(/mappings\/thing\.yml:7:\d+ {2}fields\.f\.type: Column `v` .* without loss\. \S+/);
  });
});

const cases: readonly [ColumnKind, FieldType, string | null, string][] = [
  ['string', string, 'a"b\\c\n', '"a\\"b\\\\c\\n"'],
  ['string', string, '', '""'],
  ['string', string, '  x ', '"  x "'],
  ['string', string, 'null', '"null"'],
  ['string', string, '😀', '"😀"'],
  ['string', string, '\u00e9', '"\u00e9"'],
  ['string', string, 'e\u0301', '"e\u0301"'],
  ['string', string, '\u2028\u007f', '"\u2028\u007f"'],
  ['string', string, 'caf\ufffd', '"caf\ufffd"'],
  ['string', string, 'a\0b', '!nul_character'],
  ['string', string, '\ud800', '!lone_surrogate'],
  ['string', string, '\udc00\ud800', '!lone_surrogate'],
  ['string', string, null, '!null_in_required'],
  ['other', string, '1 year 2 mons', '"1 year 2 mons"'],
  ['decimal', string, '1.10', '"1.10"'],
  ['boolean', { kind: 'boolean' }, 'true', 'true'],
  ['boolean', { kind: 'boolean' }, 'false', 'false'],
  ['string', { kind: 'boolean' }, 'TRUE', '!not_a_boolean'],
  ['int32', { kind: 'int32' }, '-2147483648', '-2147483648'],
  ['int64', { kind: 'int32' }, '2147483647', '2147483647'],
  ['int64', { kind: 'int32' }, '2147483648', '!not_an_int32'],
  ['int64', { kind: 'int32' }, '-2147483649', '!not_an_int32'],
  ['decimal', { kind: 'int32' }, '7.00', '7'],
  ['decimal', { kind: 'int32' }, '7.01', '!not_an_int32'],
  ['string', { kind: 'int32' }, '007', '!not_an_int32'],
  ['string', { kind: 'int32' }, '-0', '0'],
  ['string', { kind: 'int32' }, '', '!not_an_int32'],
  ['string', { kind: 'int32' }, ' 1', '!not_an_int32'],
  ['string', { kind: 'int32' }, '1e3', '!not_an_int32'],
  ['string', { kind: 'int32' }, '0x10', '!not_an_int32'],
  ['int64', int64, '9007199254740993', '"9007199254740993"'],
  ['int64', int64, '9223372036854775807', '"9223372036854775807"'],
  ['int64', int64, '-9223372036854775808', '"-9223372036854775808"'],
  ['decimal', int64, '9223372036854775808', '!not_an_int64'],
  ['decimal', int64, '99999999999999999999999', '!not_an_int64'],
  ['decimal', int64, '5.000', '"5"'],
  ['decimal', int64, '5.5', '!not_an_int64'],
  ['decimal', int64, 'NaN', '!not_a_number'],
  ['int32', decimal(10, 2), '5', '"5.00"'],
  ['decimal', decimal(10, 2), '1.1', '"1.10"'],
  ['decimal', decimal(10, 2), '1.10', '"1.10"'],
  ['decimal', decimal(10, 2), '1.100', '"1.10"'],
  ['decimal', decimal(10, 2), '1.105', '!scale_exceeded'],
  ['decimal', decimal(10, 2), '99999999.99', '"99999999.99"'],
  ['decimal', decimal(10, 2), '100000000.00', '!precision_exceeded'],
  ['decimal', decimal(10, 2), '-0.00', '"0.00"'],
  ['decimal', decimal(10, 2), '-0.01', '"-0.01"'],
  ['decimal', decimal(2, 2), '0.99', '"0.99"'],
  ['decimal', decimal(2, 2), '1.00', '!precision_exceeded'],
  ['decimal', decimal(3, 0), '12', '"12"'],
  ['decimal', decimal(38, 18), '12345678901234567890.123456789012345678', '"12345678901234567890.123456789012345678"'],
  ['decimal', decimal(10, 2), 'NaN', '!not_a_number'],
  ['decimal', decimal(10, 2), '-Infinity', '!infinite'],
  ['string', decimal(10, 2), '1,5', '!not_a_decimal'],
  ['string', decimal(10, 2), '+1.5', '!not_a_decimal'],
  ['string', decimal(10, 2), '1.', '!not_a_decimal'],
  ['float64', { kind: 'float64' }, '0.1', '0.1'],
  ['float64', { kind: 'float64' }, '1e+21', '1e+21'],
  ['float64', { kind: 'float64' }, '5e-324', '5e-324'],
  ['float64', { kind: 'float64' }, '1.7976931348623157e308', '1.7976931348623157e+308'],
  ['float64', { kind: 'float64' }, '-0', '0'],
  ['float64', { kind: 'float64' }, 'NaN', '!not_a_number'],
  ['float64', { kind: 'float64' }, 'Infinity', '!infinite'],
  ['float64', { kind: 'float64' }, '-Infinity', '!infinite'],
  ['string', { kind: 'float64' }, '1.50', '1.5'],
  ['string', { kind: 'float64' }, '0.10000000000000000001', '!not_a_float64'],
  ['string', { kind: 'float64' }, '', '!not_a_float64'],
  ['string', { kind: 'float64' }, '0x1F', '!not_a_float64'],
  ['date', { kind: 'date' }, '2024-02-29', '"2024-02-29"'],
  ['date', { kind: 'date' }, '0001-01-01', '"0001-01-01"'],
  ['date', { kind: 'date' }, '9999-12-31', '"9999-12-31"'],
  ['date', { kind: 'date' }, '10000-01-01', '!year_above_9999'],
  ['date', { kind: 'date' }, '0044-03-15 BC', '!before_christ'],
  ['date', { kind: 'date' }, '-0043-03-15', '!before_christ'],
  ['date', { kind: 'date' }, '0000-01-01', '!before_christ'],
  ['date', { kind: 'date' }, 'infinity', '!infinite'],
  ['date', { kind: 'date' }, '-infinity', '!infinite'],
  ['string', { kind: 'date' }, '2023-02-29', '!not_a_date'],
  ['string', { kind: 'date' }, '2024-13-01', '!not_a_date'],
  ['string', { kind: 'date' }, '1/2/2024', '!not_a_date'],
  ['time', { kind: 'time' }, '23:59:59', '"23:59:59.000000"'],
  ['time', { kind: 'time' }, '00:00:00.5', '"00:00:00.500000"'],
  ['time', { kind: 'time' }, '24:00:00', '!not_a_time'],
  ['string', { kind: 'time' }, '12:00', '!not_a_time'],
  ['timestamptz', timestamp, '2026-03-08 07:30:00+00', '"2026-03-08T07:30:00.000000Z"'],
  ['timestamptz', timestamp, '2026-03-08 07:30:00.000001+00', '"2026-03-08T07:30:00.000001Z"'],
  ['timestamptz', timestamp, '2026-03-08 07:30:00.1234567+00', '!below_microseconds'],
  ['timestamptz', timestamp, '2026-03-08 07:30:00.123456000+00', '"2026-03-08T07:30:00.123456Z"'],
  ['timestamptz', timestamp, '0044-03-15 00:00:00+00 BC', '!before_christ'],
  ['timestamptz', timestamp, '10000-01-01 00:00:00+00', '!year_above_9999'],
  ['timestamptz', timestamp, 'infinity', '!infinite'],
  ['timestamptz', timestamp, '2026-03-08 07:30:00-05', '!not_a_timestamp'],
  ['timestamp', timestamp, '2026-03-08 02:30:00', '"2026-03-08T02:30:00.000000Z"'],
  ['timestamp', timestamp, '2026-11-01 01:30:00.5', '"2026-11-01T01:30:00.500000Z"'],
  ['timestamp', timestamp, '-infinity', '!infinite'],
  ['string', timestamp, '2026-01-31T12:00:00.123456Z', '"2026-01-31T12:00:00.123456Z"'],
  ['string', timestamp, '2026-01-01T00:30:00.000001+05:30', '"2025-12-31T19:00:00.000001Z"'],
  ['string', timestamp, '2025-12-31T19:00:00-0500', '"2026-01-01T00:00:00.000000Z"'],
  ['string', timestamp, '2026-01-31T12:00:00', '!not_a_timestamp'],
  ['string', timestamp, '2026-02-30T12:00:00Z', '!not_a_timestamp'],
  ['string', timestamp, '2026-01-31T24:00:00Z', '!not_a_timestamp'],
  ['string', timestamp, '0001-01-01T00:00:00+01:00', '!before_christ'],
  ['string', timestamp, '9999-12-31T23:30:00-01:00', '!year_above_9999'],
  ['bytes', { kind: 'bytes' }, '', '""'],
  ['bytes', { kind: 'bytes' }, '00ff', '"AP8="'],
  ['string', { kind: 'bytes' }, 'abc', '!not_bytes'],
  ['uuid', { kind: 'uuid' }, '6ba7b810-9dad-11d1-80b4-00c04fd430c8', '"6ba7b810-9dad-11d1-80b4-00c04fd430c8"'],
  ['string', { kind: 'uuid' }, '6BA7B810-9DAD-11D1-80B4-00C04FD430C8', '"6ba7b810-9dad-11d1-80b4-00c04fd430c8"'],
  ['string', { kind: 'uuid' }, '6ba7b8109dad11d180b400c04fd430c8', '!not_a_uuid'],
  ['string', { kind: 'enum', symbols: ['A', '__proto__'] }, '__proto__', '"__proto__"'],
  ['string', { kind: 'enum', symbols: ['A'] }, 'a', '!not_in_enum'],
  ['string', { kind: 'enum', symbols: ['A'] }, 'constructor', '!not_in_enum'],
  ['json', json, ' { "b" : 1.10, "a" : [ 9007199254740993, null ] } ', '{"a":[9007199254740993,null],"b":1.10}'],
  ['json', json, '1e400', '1e400'],
  ['json', json, '{"__proto__":{"x":1},"constructor":2}', '{"__proto__":{"x":1},"constructor":2}'],
  ['json', json, '{"a":1,"a":2}', '!duplicate_json_key'],
  ['json', json, '{"a":1,"a":1.0}', '!duplicate_json_key'],
  ['json', json, '{a:1}', '!not_json'],
  ['json', json, '', '!not_json'],
  ['json', json, 'NaN', '!not_json'],
  ['json', json, '[1,]', '!not_json'],
  ['json', json, `${'['.repeat(150)}1${']'.repeat(150)}`, `${'['.repeat(150)}1${']'.repeat(150)}`],
  ['json', json, `${'['.repeat(300)}1${']'.repeat(300)}`, '!json_too_deep'],
  ['json', json, `${'['.repeat(100_000)}1${']'.repeat(100_000)}`, '!json_too_deep'],
  ['array', json, '[1, "a", null]', '[1,"a",null]'],
  ['array', array(int64), '[9007199254740993,"5"]', '["9007199254740993","5"]'],
  ['array', array(decimal(10, 2)), '[1.1,2]', '["1.10","2.00"]'],
  ['array', array(decimal(10, 2)), '[1.105]', '!scale_exceeded'],
  ['array', array(string), '["a",null]', '!null_in_required'],
  ['array', array(string), '[1]', '!not_a_string'],
  ['array', array(string), '[]', '[]'],
  ['array', array(array({ kind: 'int32' })), '[[1],[2,3]]', '[[1],[2,3]]'],
  ['json', array({ kind: 'boolean' }), '[true,"true"]', '!not_a_boolean'],
  ['json', array({ kind: 'int32' }), '[1.5e3]', '[1500]'],
  ['json', array({ kind: 'int32' }), '[1e999]', '!not_an_int32'],
  ['json', array({ kind: 'float64' }), '[0.1,1E2]', '[0.1,100]'],
  ['json', array({ kind: 'float64' }), '[0.10000000000000000001]', '!not_a_float64'],
  ['json', array(string), '{"a":1}', '!not_an_array'],
];

describe('values', () => {
  it.each(cases)('%s → %o: %j gives %s', (kind, type, text, expected) => {
    expect(through(kind, type)(text)).toBe(expected);
  });

  it('takes linear time for long numbers', () => {
    const long = `[0.${'0'.repeat(200_000)}1]`;
    const started = performance.now();
    expect(through('json', array({ kind: 'float64' }))(long)).toBe('!not_a_float64');
    expect(performance.now() - started).toBeLessThan(8000);
  });

  it('reads an object’s members in the order of the mapping and leaves the others out', () => {
    const type: FieldType = {
      kind: 'object',
      members: [
        { name: 'z', type: int64, optional: false },
        { name: '__proto__', type: string, optional: true },
        { name: 'a', type: json, optional: false },
      ],
    };
    const read = through('json', type);
    expect(read('{"a":{"y":1,"x":2},"extra":1,"z":5}')).toBe('{"z":"5","__proto__":null,"a":{"x":2,"y":1}}');
    expect(read('{"a":null,"z":5,"__proto__":"p"}')).toBe('{"z":"5","__proto__":"p","a":null}');
    expect(read('{"a":1}')).toBe('!null_in_required');
    expect(read('{"z":5}')).toBe('!null_in_required');
    expect(read('[]')).toBe('!not_an_object');
    expect(read('null')).toBe('!not_an_object');
  });

  it('uses a default, null, a replacement or a rejection for NULL and unknown texts', () => {
    expect(through('decimal', decimal(10, 2), { optional: true })(null)).toBe('null');
    expect(through('decimal', decimal(10, 2), { default: 1.1 })(null)).toBe('"1.10"');
    expect(through('int64', int64, { default: '9007199254740993' })(null)).toBe('"9007199254740993"');
    const values = new Map<string, string>([['gold', 'GOLD']]);
    const tier = through('string', { kind: 'enum', symbols: ['GOLD'] }, { values });
    expect(tier('gold')).toBe('"GOLD"');
    expect(tier('GOLD')).toBe('!not_in_values');
    expect(tier('__proto__')).toBe('!not_in_values');
    expect(through('boolean', { kind: 'int32' }, { values: new Map([['true', 1]]) })('true')).toBe('1');
  });

  it.each(['America/New_York', 'Asia/Kolkata', 'Pacific/Apia'])('gives the same in the process time zone %s', (zone) => {
    const before = process.env.TZ;
    try {
      process.env.TZ = zone;
      expect(new Date(2026, 0, 1).getTimezoneOffset()).not.toBe(0);
      for (const [kind, type, text, expected] of cases) {
        if (['date', 'time', 'timestamp'].includes(type.kind)) expect(through(kind, type)(text)).toBe(expected);
      }
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });
});
