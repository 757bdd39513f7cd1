import { type Convert, REJECT, type Rejection } from './rejection.ts';

const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const PLAIN_DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Whole number text, in range → JSON number. */
export const toInt32: Convert = (text) => {
  const whole = wholePart(text);
  if (whole === undefined || whole.length > 11) return nonNumber(text) ?? REJECT.not_an_int32;
  const value = Number(whole);
  return value >= -2147483648 && value <= 2147483647 ? whole : REJECT.not_an_int32;
};

/** Whole number text, in range → JSON string of its digits. */
export const toInt64: Convert = (text) => {
  const whole = wholePart(text);
  if (whole === undefined || whole.length > 20) return nonNumber(text) ?? REJECT.not_an_int64;
  if (whole.length >= 19) {
    const value = BigInt(whole);
    if (value < INT64_MIN || value > INT64_MAX) return REJECT.not_an_int64;
  }
  return `"${whole}"`;
};

/** `1.10` and `1.100` → the text `1`, `1.10`… of exactly `scale` digits behind the point, or a rejection: digits are never dropped unless zero. */
export function toDecimal(precision: number, scale: number): Convert {
  const zeros = '0'.repeat(scale);
  return (text) => {
    if (!PLAIN_DECIMAL.test(text)) return nonNumber(text) ?? REJECT.not_a_decimal;
    const negative = text.charCodeAt(0) === 45;
    const point = text.indexOf('.');
    const whole = text.slice(negative ? 1 : 0, point < 0 ? undefined : point);
    let fraction = point < 0 ? '' : text.slice(point + 1);
    if (fraction.length > scale) {
      if (!onlyZeros(fraction, scale)) return REJECT.scale_exceeded;
      fraction = fraction.slice(0, scale);
    }
    if (whole.length > precision - scale && whole !== '0') return REJECT.precision_exceeded;
    const digits = scale === 0 ? whole : `${whole}.${fraction}${zeros.slice(fraction.length)}`;
    // Minus zero is zero: numeric types have one zero.
    return negative && !(whole === '0' && onlyZeros(fraction, 0)) ? `"-${digits}"` : `"${digits}"`;
  };
}

/** Shortest text of a double → JSON number. -0 becomes 0: equal in SQL and IEEE 754, and few JSON readers tell them apart. */
export const toFloat64: Convert = (text) => {
  const value = Number(text);
  if (Number.isFinite(value) && text !== '') return String(value);
  return nonNumber(text) ?? REJECT.not_a_float64;
};

/** Text whose number a double holds exactly as the shortest text says: nothing is rounded on the way in. */
export const textToFloat64: Convert = (text) => {
  const value = Number(text);
  return Number.isFinite(value) && samePlain(String(value), text) ? String(value) : (nonNumber(text) ?? REJECT.not_a_float64);
};

/** NaN and the infinities by name; undefined for anything else. */
function nonNumber(text: string): Rejection | undefined {
  if (text === 'NaN') return REJECT.not_a_number;
  return text === 'Infinity' || text === '-Infinity' ? REJECT.infinite : undefined;
}

/** The digits of a whole number, also of `7.00`; undefined for anything else. */
function wholePart(text: string): string | undefined {
  if (INTEGER.test(text)) return text === '-0' ? '0' : text;
  if (!PLAIN_DECIMAL.test(text)) return undefined;
  const point = text.indexOf('.');
  if (!onlyZeros(text, point + 1)) return undefined;
  const whole = text.slice(0, point);
  return whole === '-0' ? '0' : whole;
}

function onlyZeros(text: string, from: number): boolean {
  for (let i = from; i < text.length; i++) if (text.charCodeAt(i) !== 48) return false;
  return true;
}

const JSON_NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** Larger exponents would let a few bytes of JSON become megabytes of digits. */
const MAX_EXPONENT = 400;

/** A JSON number without its exponent, every digit kept: `1.5e3` → `1500`; undefined if it is no JSON number or its exponent is beyond ±400. */
export function plainNumber(text: string): string | undefined {
  const match = JSON_NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '0', fraction = '', exponentText] = match;
  if (exponentText === undefined) return text;
  const exponent = Number(exponentText);
  if (!(Math.abs(exponent) <= MAX_EXPONENT)) return undefined;
  const digits = whole + fraction;
  const point = whole.length + exponent;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = point <= 0 ? 1 : point;
  const front = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const back = padded.slice(at);
  return back === '' ? sign + front : `${sign}${front}.${back}`;
}

function samePlain(a: string, b: string): boolean {
  const left = plainNumber(a);
  const right = plainNumber(b);
  return left !== undefined && right !== undefined && stripZeros(left) === stripZeros(right);
}

/** Without zeros at the end of the fraction. A loop, because a regular expression would try every run of zeros in a long number. */
function stripZeros(plain: string): string {
  let end = plain.length;
  if (plain.includes('.')) {
    while (plain.charCodeAt(end - 1) === 48) end--;
    if (plain.charCodeAt(end - 1) === 46) end--;
  }
  const short = plain.slice(0, end);
  return short === '-0' ? '0' : short;
}
