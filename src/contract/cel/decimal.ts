export const MAX_DIGITS = 1000;

/** An exact decimal: unscaled · 10^-scale. What NUMERIC columns and fractions inside JSON are in expressions; never a float. */
export class CelDecimal {
  readonly unscaled: bigint;
  readonly scale: number;

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled;
    this.scale = scale;
  }

  /** Plain digits; throws for anything else (NaN, an exponent), and for numbers so long that computing with them would take time. */
  static parse(text: string): CelDecimal {
    if (text.length > MAX_DIGITS || !/^-?\d+(?:\.\d+)?$/.test(text)) throw new RangeError('not a decimal');
    const point = text.indexOf('.');
    return point < 0
      ? new CelDecimal(BigInt(text), 0)
      : new CelDecimal(BigInt(text.slice(0, point) + text.slice(point + 1)), text.length - point - 1);
  }

  toString(): string {
    if (this.scale === 0) return String(this.unscaled);
    const negative = this.unscaled < 0n;
    const digits = String(negative ? -this.unscaled : this.unscaled).padStart(this.scale + 1, '0');
    return `${negative ? '-' : ''}${digits.slice(0, -this.scale)}.${digits.slice(-this.scale)}`;
  }
}

/** Beyond this many digits behind the point, products stop: expressions stay bounded. */
const MAX_SCALE = 200;

export function compareDecimals(a: CelDecimal, b: CelDecimal): -1 | 0 | 1 {
  const left = a.scale < b.scale ? a.unscaled * tenTo(b.scale - a.scale) : a.unscaled;
  const right = b.scale < a.scale ? b.unscaled * tenTo(a.scale - b.scale) : b.unscaled;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

export function addDecimals(a: CelDecimal, b: CelDecimal): CelDecimal {
  const scale = Math.max(a.scale, b.scale);
  return new CelDecimal(a.unscaled * tenTo(scale - a.scale) + b.unscaled * tenTo(scale - b.scale), scale);
}

export function negateDecimal(a: CelDecimal): CelDecimal {
  return new CelDecimal(-a.unscaled, a.scale);
}

export function multiplyDecimals(a: CelDecimal, b: CelDecimal): CelDecimal {
  if (a.scale + b.scale > MAX_SCALE) throw new RangeError('too many digits');
  return new CelDecimal(a.unscaled * b.unscaled, a.scale + b.scale);
}

/** Quotient to `scale` digits behind the point, half to even. */
export function divideDecimals(a: CelDecimal, b: CelDecimal, scale: number): CelDecimal {
  if (b.unscaled === 0n) throw new RangeError('division by zero');
  assertScale(scale);
  return new CelDecimal(divideHalfEven(a.unscaled * tenTo(b.scale + scale), b.unscaled * tenTo(a.scale)), scale);
}

/** To `scale` digits behind the point, half to even. */
export function roundDecimal(a: CelDecimal, scale: number): CelDecimal {
  assertScale(scale);
  if (scale >= a.scale) return new CelDecimal(a.unscaled * tenTo(scale - a.scale), scale);
  return new CelDecimal(divideHalfEven(a.unscaled, tenTo(a.scale - scale)), scale);
}

/** The whole number that a decimal is; throws if it is none. */
export function wholeNumber(a: CelDecimal): bigint {
  const unit = tenTo(a.scale);
  if (a.unscaled % unit !== 0n) throw new RangeError('not a whole number');
  return a.unscaled / unit;
}

function assertScale(scale: number): void {
  if (!(scale >= 0 && scale <= MAX_SCALE)) throw new RangeError('scale out of range');
}

function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const negative = dividend < 0n !== divisor < 0n;
  const n = dividend < 0n ? -dividend : dividend;
  const d = divisor < 0n ? -divisor : divisor;
  const floor = n / d;
  const twice = (n % d) * 2n;
  const up = twice > d || (twice === d && floor % 2n === 1n);
  const magnitude = up ? floor + 1n : floor;
  return negative ? -magnitude : magnitude;
}

const POWERS: bigint[] = [];

function tenTo(exponent: number): bigint {
  const known = POWERS[exponent];
  if (known !== undefined) return known;
  const power = 10n ** BigInt(exponent);
  if (exponent <= MAX_SCALE) POWERS[exponent] = power;
  return power;
}
