import { Environment } from '@marcbachmann/cel-js';
import {
  addDecimals,
  CelDecimal,
  compareDecimals,
  divideDecimals,
  multiplyDecimals,
  negateDecimal,
  roundDecimal,
  wholeNumber,
} from './decimal.ts';
import { CelInstant } from './instant.ts';

/**
 * The language of mappings: CEL with exact decimals and microsecond timestamps, without clock, floats made from decimals, regular expressions of unbounded cost,
 * or bindings that could double a value again and again. docs/mapping.md describes it to users.
 *
 * The library's own functions of these names lose digits or take any text; the parsed call is renamed to ours (expression.ts).
 */
export const RENAMED_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['timestamp', 'hr_timestamp'],
  ['int', 'hr_int'],
  ['double', 'hr_double'],
]);
export const RENAMED_METHODS: ReadonlyMap<string, string> = new Map([
  ['lowerAscii', 'hr_lowerAscii'],
  ['upperAscii', 'hr_upperAscii'],
  ['split', 'hr_split'],
  ['join', 'hr_join'],
]);

/** Everything that an expression may call. */
export const FUNCTIONS: ReadonlySet<string> = new Set([
  'timestamp',
  'int',
  'double',
  'string',
  'bool',
  'size',
  'has',
  'dyn',
  'decimal',
  'duration',
  'date',
  'round',
  'divide',
]);
export const METHODS: ReadonlySet<string> = new Set([
  'startsWith',
  'endsWith',
  'contains',
  'lowerAscii',
  'upperAscii',
  'trim',
  'indexOf',
  'lastIndexOf',
  'substring',
  'size',
  'split',
  'join',
  'all',
  'exists',
  'exists_one',
  'map',
  'filter',
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfWeek',
  'getHours',
  'getMinutes',
  'getSeconds',
]);

const MAX_PARTS = 1000;
const MAX_TEXT = 1_000_000;
const INT64_LIMIT = 2n ** 63n;
const LIMITS = { maxAstNodes: 1000, maxDepth: 50, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 8 };

export const CEL_BASE: Environment = createBase();

interface Duration {
  readonly seconds: bigint;
  readonly nanos: number;
}

function createBase(): Environment {
  const env = new Environment({ limits: LIMITS, homogeneousAggregateLiterals: false });
  const sync = { async: false };
  env.registerType('decimal', { ctor: CelDecimal, fields: {} });
  env.registerType('instant', { ctor: CelInstant, fields: {} });

  // Decimal with decimal, int, and the literals of double (expression.ts lets no other double near a decimal).
  const pairs = [
    ['decimal', 'decimal'],
    ['decimal', 'int'],
    ['int', 'decimal'],
    ['decimal', 'double'],
    ['double', 'decimal'],
  ] as const;
  for (const [left, right] of pairs) {
    const compare = (a: Numeric, b: Numeric): number => compareDecimals(asDecimal(a), asDecimal(b));
    env.registerOperator(`${left} < ${right}: bool`, (a: Numeric, b: Numeric) => compare(a, b) < 0);
    env.registerOperator(`${left} <= ${right}: bool`, (a: Numeric, b: Numeric) => compare(a, b) <= 0);
    env.registerOperator(`${left} > ${right}: bool`, (a: Numeric, b: Numeric) => compare(a, b) > 0);
    env.registerOperator(`${left} >= ${right}: bool`, (a: Numeric, b: Numeric) => compare(a, b) >= 0);
    env.registerOperator(`${left} + ${right}: decimal`, (a: Numeric, b: Numeric) => addDecimals(asDecimal(a), asDecimal(b)));
    env.registerOperator(`${left} - ${right}: decimal`, (a: Numeric, b: Numeric) => addDecimals(asDecimal(a), negateDecimal(asDecimal(b))));
    env.registerOperator(`${left} * ${right}: decimal`, (a: Numeric, b: Numeric) => multiplyDecimals(asDecimal(a), asDecimal(b)));
  }
  // An equality serves both directions.
  for (const right of ['decimal', 'int', 'double']) {
    env.registerOperator(`decimal == ${right}: bool`, (a: Numeric, b: Numeric) => compareDecimals(asDecimal(a), asDecimal(b)) === 0);
  }
  env.registerOperator('-decimal: decimal', negateDecimal);

  env.registerOperator('instant == instant: bool', (a: CelInstant, b: CelInstant) => a.text === b.text);
  env.registerOperator('instant < instant: bool', (a: CelInstant, b: CelInstant) => a.text < b.text);
  env.registerOperator('instant <= instant: bool', (a: CelInstant, b: CelInstant) => a.text <= b.text);
  env.registerOperator('instant > instant: bool', (a: CelInstant, b: CelInstant) => a.text > b.text);
  env.registerOperator('instant >= instant: bool', (a: CelInstant, b: CelInstant) => a.text >= b.text);
  env.registerOperator('instant + google.protobuf.Duration: instant', (a: CelInstant, b: Duration) => a.plus(microsOf(b)));
  env.registerOperator('instant - google.protobuf.Duration: instant', (a: CelInstant, b: Duration) => a.plus(-microsOf(b)));

  env.registerFunction('decimal(string): decimal', (text: string) => CelDecimal.parse(text), sync);
  env.registerFunction('decimal(int): decimal', (value: bigint) => new CelDecimal(value, 0), sync);
  env.registerFunction('decimal(decimal): decimal', (value: CelDecimal) => value, sync);
  env.registerFunction('round(decimal, int): decimal', (value: CelDecimal, scale: bigint) => roundDecimal(value, Number(scale)), sync);
  for (const [left, right] of [...pairs.slice(0, 3), ['int', 'int']] as const) {
    env.registerFunction(
      `divide(${left}, ${right}, int): decimal`,
      (a: Numeric, b: Numeric, scale: bigint) => divideDecimals(asDecimal(a), asDecimal(b), Number(scale)),
      sync,
    );
  }
  env.registerFunction('string(decimal): string', String, sync);
  env.registerFunction('string(instant): string', (value: CelInstant) => value.text, sync);
  env.registerFunction('date(instant): string', (value: CelInstant) => value.text.slice(0, 10), sync);

  env.registerFunction('hr_timestamp(string): instant', (text: string) => CelInstant.parse(text), sync);
  env.registerFunction('hr_timestamp(instant): instant', (value: CelInstant) => value, sync);
  env.registerFunction('hr_int(int): int', (value: bigint) => value, sync);
  env.registerFunction('hr_int(string): int', (text: string) => int64(/^-?\d+$/.test(text) ? BigInt(text) : undefined), sync);
  env.registerFunction('hr_int(decimal): int', (value: CelDecimal) => int64(wholeNumber(value)), sync);
  env.registerFunction('hr_int(double): int', (value: number) => int64(Number.isInteger(value) ? BigInt(value) : undefined), sync);
  env.registerFunction('hr_double(double): double', (value: number) => value, sync);
  env.registerFunction('hr_double(int): double', exactDouble, sync);

  const getters = { getFullYear: [0, 4, 0n], getMonth: [5, 7, 1n], getDate: [8, 10, 0n], getHours: [11, 13, 0n] } as const;
  const more = { getMinutes: [14, 16, 0n], getSeconds: [17, 19, 0n] } as const;
  for (const [name, [from, to, less]] of [...Object.entries(getters), ...Object.entries(more)]) {
    env.registerFunction(`instant.${name}(): int`, (value: CelInstant) => value.part(from, to) - less, sync);
  }
  env.registerFunction('instant.getDayOfWeek(): int', (value: CelInstant) => value.dayOfWeek(), sync);

  env.registerFunction('string.hr_lowerAscii(): string', (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase()), sync);
  env.registerFunction('string.hr_upperAscii(): string', (text: string) => text.replace(/[a-z]/g, (c) => c.toUpperCase()), sync);
  env.registerFunction('string.hr_split(string): list<string>', splitBounded, sync);
  env.registerFunction('list<string>.hr_join(string): string', joinBounded, sync);
  return env;
}

type Numeric = CelDecimal | bigint | number;

/** A double is a literal here: the shortest text that reads back as it is what the person wrote. */
function asDecimal(value: Numeric): CelDecimal {
  if (typeof value === 'bigint') return new CelDecimal(value, 0);
  return typeof value === 'number' ? CelDecimal.parse(String(value)) : value;
}

function int64(value: bigint | undefined): bigint {
  if (value === undefined || value < -INT64_LIMIT || value >= INT64_LIMIT) throw new RangeError('not an int64');
  return value;
}

function exactDouble(value: bigint): number {
  if (BigInt(Number(value)) !== value) throw new RangeError('not exact as a double');
  return Number(value);
}

function microsOf(duration: Duration): bigint {
  if (duration.nanos % 1000 !== 0) throw new RangeError('below the microsecond');
  return duration.seconds * 1_000_000n + BigInt(duration.nanos / 1000);
}

function splitBounded(text: string, separator: string): string[] {
  const parts = text.split(separator, MAX_PARTS + 1);
  if (parts.length > MAX_PARTS) throw new RangeError('too many parts');
  return parts;
}

function joinBounded(parts: readonly string[], separator: string): string {
  let length = 0;
  for (const part of parts) {
    if (typeof part !== 'string') throw new RangeError('not a text');
    length += part.length + separator.length;
    if (length > MAX_TEXT) throw new RangeError('text too long');
  }
  return parts.join(separator);
}
