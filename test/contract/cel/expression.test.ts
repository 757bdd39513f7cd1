import { describe, expect, it } from 'vitest';
import { columnsOfExpression, compileExpression, createScope } from '../../../src/contract/cel/expression.ts';
import { ExpressionProblem } from '../../../src/contract/cel/expression-problem.ts';
import { kindOfValue, textOfValue } from '../../../src/contract/cel/result.ts';
import type { ColumnKind } from '../../../src/core/row.ts';
import { column } from '../mappings.ts';
import { evaluated } from '../one-field.ts';

const COLUMNS: readonly (readonly [string, ColumnKind])[] = [
  ['s', 'string'],
  ['b', 'boolean'],
  ['i', 'int32'],
  ['n', 'int64'],
  ['d', 'decimal'],
  ['d2', 'decimal'],
  ['f', 'float64'],
  ['day', 'date'],
  ['t', 'timestamptz'],
  ['local', 'timestamp'],
  ['u', 'uuid'],
  ['j', 'json'],
  ['a', 'array'],
  ['hex', 'bytes'],
  ['constructor', 'string'],
  ['odd name"; --', 'string'],
];
const NAMES = COLUMNS.map(([name]) => name);
const scope = createScope(
  COLUMNS.map(([name, kind]) => column(name, kind)),
  new Map(NAMES.map((name, index) => [name, index])),
);
const ROW: Readonly<Record<string, string | null>> = {
  s: 'gold',
  b: 'true',
  i: '7',
  n: '9007199254740993',
  d: '1.10',
  d2: '0.000000000000000001',
  f: '0.1',
  day: '2026-01-31',
  t: '2026-01-31 12:00:00.123456+00',
  local: '2026-03-08 02:30:00',
  u: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
  j: '{"k":9007199254740993,"x":1.5,"list":[1,2,3],"o":{"__proto__":"p"},"nil":null}',
  a: '["x","y"]',
  hex: '00ff',
  constructor: 'c',
  'odd name"; --': 'o',
};

/** The canonical text of the result; `null`; or `!` where the expression has no value. */
function value(cel: string, changes: Readonly<Record<string, string | null>> = {}): string {
  const expression = compileExpression(cel, scope);
  if (expression instanceof ExpressionProblem) throw new Error(`${expression.message} ${expression.suggestion ?? ''}`);
  const row = { ...ROW, ...changes };
  try {
    const result = expression.evaluate(NAMES.map((name) => (Object.hasOwn(row, name) ? (row[name] ?? null) : null)));
    return result === null ? 'null' : kindOfValue(result) === undefined ? '?' : textOfValue(result);
  } catch {
    return '!';
  }
}

function problem(cel: string): string {
  const expression = compileExpression(cel, scope);
  return expression instanceof ExpressionProblem
    ? `${expression.message} ${expression.suggestion ?? ''}`
    : `compiles to ${expression.type}`;
}

describe('values of expressions', () => {
  it.each([
    ["row.b && (row.s == 'trial' || (row.d != null && row.d > 0))", 'true'],
    ["row.s == 'gold' ? 'P1' : 'P3'", 'P1'],
    ['row.n + 1', '9007199254740994'],
    ['row.n == 9007199254740993', 'true'],
    ['row.n > 9007199254740992', 'true'],
    ['row.d == 1.1', 'true'],
    ['row.d > 1.09 && row.d < 1.11', 'true'],
    ['row.d == decimal("1.100")', 'true'],
    ['row.d + row.d2', '1.100000000000000001'],
    ['row.d + row.d2 > row.d', 'true'],
    ['row.d * 3', '3.30'],
    ['3 * row.d - 0.30', '3.00'],
    ['-row.d', '-1.10'],
    ['row.d == -1.1 || -1.1 < row.d', 'true'],
    ['row.n == row.d', 'false'],
    ['round(row.d2, 6)', '0.000000'],
    ['round(decimal("2.5"), 0) == 2 && round(decimal("3.5"), 0) == 4 && round(decimal("-2.5"), 0) == -2', 'true'],
    ['divide(row.d, 3, 4)', '0.3667'],
    ['string(row.d)', '1.10'],
    ['int(decimal("5.00"))', '5'],
    ['row.f < 0.2', 'true'],
    ['row.day == "2026-01-31"', 'true'],
    ['row.day < "2026-02-01"', 'true'],
    ['row.t > timestamp("2026-01-31T12:00:00.123455Z")', 'true'],
    ['row.t == timestamp("2026-01-31T17:30:00.123456+05:30")', 'true'],
    ['row.t < timestamp("2026-01-31T12:00:00.123457Z") && row.t >= row.t', 'true'],
    ['row.local', '2026-03-08 02:30:00.000000+00'],
    ['row.t + duration("1h")', '2026-01-31 13:00:00.123456+00'],
    ['row.t - duration("43200.123457s")', '2026-01-30 23:59:59.999999+00'],
    ['timestamp(row.day + "T00:00:00Z")', '2026-01-31 00:00:00.000000+00'],
    ['date(row.t)', '2026-01-31'],
    ['row.t.getFullYear() == 2026 && row.t.getMonth() == 0 && row.t.getDate() == 31 && row.t.getDayOfWeek() == 6', 'true'],
    ['row.j.k', '9007199254740993'],
    ['row.j.k + 1 == 9007199254740994', 'true'],
    ['row.j.x == 1.5', 'true'],
    ['row.d in [decimal("1.1"), decimal("2")]', 'true'],
    ['row.f == 0.1 && row.f in [0.1]', 'true'],
    ['row.d != -1.10 && row.d * 0.5 == 0.55', 'true'],
    ['row.j.list.exists(x, x > 2)', 'true'],
    ['row.j.list.map(x, x * 2)', '[2,4,6]'],
    ['row.j.list.filter(x, x != 2)', '[1,3]'],
    ['size(row.j.list)', '3'],
    ['row.j.o["__proto__"]', 'p'],
    ['has(row.j.nothing)', 'false'],
    ['has(row.j.k)', 'true'],
    ['row.j.nil == null', 'true'],
    ['"x" in row.a', 'true'],
    ['row.a.join("-")', 'x-y'],
    ['"a,b,c".split(",")', '["a","b","c"]'],
    ['row.s in ["gold", "silver"]', 'true'],
    ['row.hex == "00ff"', 'true'],
    ['row.constructor', 'c'],
    ['row["odd name\\"; --"]', 'o'],
    ["row.u.startsWith('6ba7')", 'true'],
    ["'ÀB'.lowerAscii()", 'Àb'],
    ['[[], {}, [1, null, "é", 1.5]]', '[[],{},[1,null,"é",1.5]]'],
    ['row.j.list.map(x, x + 1)', '[2,3,4]'],
    ['{"b": row.d, "a": [row.t]}', '{"b":1.10,"a":["2026-01-31T12:00:00.123456Z"]}'],
  ])('%s → %s', (cel, expected) => {
    expect(value(cel)).toBe(expected);
  });

  it.each([
    ['row.d != null && row.d > 0', 'false'],
    ['null == row.d', 'true'],
    ['null != row.d', 'false'],
    ['row.d > 0', '!'],
    ['row.d + 1', '!'],
    ['row.d', 'null'],
    ['row.s == "gold"', 'false'],
    ['row.s.size()', '!'],
    ['!row.b', '!'],
    ['row.b ? 1 : 2', '!'],
    ['row.t > timestamp("2026-01-31T12:00:00Z")', '!'],
    ['row.j.k', '!'],
  ])('with NULLs: %s → %s', (cel, expected) => {
    expect(value(cel, { d: null, s: null, b: null, t: null, j: null })).toBe(expected);
  });

  it.each([
    ['row.n + row.n', { n: '9223372036854775807' }],
    ['int(row.s)', { s: '' }],
    ['int(row.s)', { s: '0x10' }],
    ['int(row.d)', { d: '1.5' }],
    ['double(row.n)', {}],
    ['decimal(row.s)', { s: '1e5' }],
    ['timestamp(row.s)', { s: '2026-01-31' }],
    ['row.d > 0', { d: 'NaN' }],
    ['row.t == row.t', { t: 'infinity' }],
    ['row.j.k', { j: '{"k":1,"k":2}' }],
    ['row.j.missing', {}],
    ['row.j.k.deeper', {}],
    ['row.j.o.constructor', {}],
    ['row.j.list[7]', {}],
    ['divide(row.d, 0, 2)', {}],
    ['row.s.substring(99)', {}],
  ])('has no value: %s with %j', (cel, changes) => {
    expect(value(cel, changes)).toBe('!');
  });
});

describe('what is refused before any row is read', () => {
  it.each([
    ['row.s ==', 'CEL: '],
    ['row.sx == "a"', 'The model has no column `sx`. Did you mean'],
    ['row.CONSTRUCTOR', 'Did you mean `constructor`?'],
    ['row.s + 1', 'no such overload: string + int (at character 1)'],
    ['row.s == 1', 'string is never equal to int'],
    ['row.t == "2026-01-31"', 'timestamp is never equal to string'],
    ['row.s in [1, 2]', 'string is never equal to int'],
    ['row.t > 5', 'no such overload: timestamp > int'],
    ['row.d > row.f', 'meets a floating point value'],
    ['row.d > 1.2345678901234567', 'meets a floating point value'],
    ['row.d > 1.00000000000000001', 'meets a floating point value'],
    ['-1.00000000000000001 < row.d', 'meets a floating point value'],
    ['row.j.x == 1.00000000000000001', 'meets a floating point value'],
    ['row.j.x == row.f', 'meets a floating point value'],
    ['row.j.x in [1.5]', 'meets a floating point value'],
    ['row.d in [1.5]', 'meets a floating point value'],
    ['row.b ? 1 : "a"', 'Ternary branches must have the same type'],
    ['row', '`row` stands alone'],
    ['row[row.s]', '`row` stands alone'],
    ['row.a.map(row, row)', '`row` stands alone'],
    ['other.x', 'Unknown variable: other'],
    ['now()', 'no function `now`'],
    ['row.s.matches("(a+)+$")', 'no method `matches`'],
    ['cel.bind(x, row.s, x + x)', 'no method `bind`'],
    ['uint(5)', 'no function `uint`'],
    ['timestamp(5)', "found no matching overload for 'timestamp(int)'"],
    ['row.a.all(x, row.a.all(y, row.a.all(z, z == y)))', 'nested 2 deep'],
    ['row.a.map(x, row.a.map(y, y))', 'map may not stand inside another macro'],
    ['row.a.map(x, row.a + row.a)', 'Inside a macro, `+` needs to know the type'],
    ['{"constructor": 1}', 'A map literal has a key'],
    ['{"a": 1, "a": 2}', 'A map literal has a key'],
    ['{row.s: 1}', 'A map literal has a key'],
    [`[${'1,'.repeat(300)}1]`, 'CEL: '],
    [`${'('.repeat(300)}1${')'.repeat(300)}`, 'CEL: '],
  ])('%s', (cel, message) => {
    expect(problem(cel)).toContain(message);
  });
});

describe('bounds', () => {
  it('stops at long lists and long texts, so that no row takes long', () => {
    const long = JSON.stringify({ list: Array.from({ length: 1001 }, (_, i) => i) });
    expect(value('row.j.list.all(x, x >= 0)', { j: long })).toBe('!');
    expect(value('size(row.s.split(","))', { s: ','.repeat(5000) })).toBe('!');
    const wide = JSON.stringify({ list: Array.from({ length: 1000 }, () => 'x'.repeat(2000)) });
    expect(value('row.j.list.join("").size()', { j: wide })).toBe('!');
    expect(value('row.j.list.map(x, row.s)', { j: wide, s: 'x'.repeat(1_000_000) })).toBe('!');
    expect(value('row.d * 2', { d: '9'.repeat(5000) })).toBe('!');
    expect(value('row.j.k', { j: `{"k":${'9'.repeat(5000)}}` })).toBe('!');
  });

  it('finishes the worst nested macro in seconds', () => {
    const list = JSON.stringify({ list: Array.from({ length: 1000 }, (_, i) => i) });
    const started = performance.now();
    expect(value('row.j.list.all(x, row.j.list.all(y, x * y >= 0))', { j: list })).toBe('true');
    expect(performance.now() - started).toBeLessThan(40_000);
  });
});

describe('columnsOfExpression', () => {
  it('finds row.x and row["x"], each once, also inside macros', () => {
    expect(columnsOfExpression('row.a + row["b c"] + row.a.list.map(x, x + row.d)[0] + (has(row.e.f) ? 1 : 2)')).toEqual([
      'a',
      'b c',
      'd',
      'e',
    ]);
    expect(columnsOfExpression('not ( cel')).toEqual([]);
  });
});

describe('results as fields', () => {
  it.each([
    ['row.v', 'decimal', { kind: 'decimal', precision: 10, scale: 2 }, '1.1', '"1.10"'],
    ['row.v * 1.05', 'decimal', { kind: 'decimal', precision: 10, scale: 2 }, '1.1', '!scale_exceeded'],
    ['round(row.v * 1.05, 2)', 'decimal', { kind: 'decimal', precision: 10, scale: 2 }, '1.1', '"1.16"'],
    ['row.v', 'timestamptz', { kind: 'timestamp' }, '2026-01-31 12:00:00.123456+00', '"2026-01-31T12:00:00.123456Z"'],
    ['row.v + 1', 'int64', { kind: 'int32' }, '2147483647', '!not_an_int32'],
    ['row.v', 'float64', { kind: 'float64' }, 'NaN', '!not_a_number'],
    ['row.v.k', 'json', { kind: 'int64' }, '{"k":5}', '"5"'],
    ['row.v.k', 'json', { kind: 'boolean' }, '{"k":5}', '!wrong_type'],
    ['row.v.k', 'json', { kind: 'string' }, '{"k":null}', '!null_in_required'],
    ['row.v.k', 'json', { kind: 'json' }, '{"k":{"b":1.10,"a":"x"}}', '{"a":"x","b":1.10}'],
    ['row.v', 'string', { kind: 'json' }, '[1]', '"[1]"'],
    ['row.v.map(x, x + 1)', 'array', { kind: 'array', items: { kind: 'int32' } }, '[1,2]', '[2,3]'],
    ['row.v.substring(0, 1)', 'string', { kind: 'string' }, '😀', '!lone_surrogate'],
    ['row.v > 0', 'decimal', { kind: 'boolean' }, null, '!expression_failed'],
  ] as const)('%s over %s', (cel, kind, type, text, expected) => {
    expect(evaluated(cel, kind, type)(text)).toBe(expected);
  });
});
