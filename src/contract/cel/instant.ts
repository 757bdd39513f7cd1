import type { Convert } from '../rejection.ts';
import { textToTimestamp, timestampToTimestamp, timestamptzToTimestamp } from '../times.ts';

/**
 * A point in time in expressions, exact to the microsecond: RFC 3339 in UTC with six digits, years 0001 to 9999.
 * Texts of that one form order as the times do, so comparing needs no arithmetic and no Date.
 */
export class CelInstant {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The literal of an expression: RFC 3339 with a zone. */
  static parse(text: string): CelInstant {
    return fromConverted(textToTimestamp, text);
  }

  /** A timestamp column without zone, as UTC. */
  static fromTimestamp(text: string): CelInstant {
    return fromConverted(timestampToTimestamp, text);
  }

  static fromTimestamptz(text: string): CelInstant {
    return fromConverted(timestamptzToTimestamp, text);
  }

  /** Adds microseconds. */
  plus(micros: bigint): CelInstant {
    const wholeSeconds = BigInt(Date.parse(`${this.text.slice(0, 19)}Z`) / 1000);
    const total = wholeSeconds * 1_000_000n + BigInt(this.text.slice(20, 26)) + micros;
    const fraction = ((total % 1_000_000n) + 1_000_000n) % 1_000_000n;
    const iso = new Date(Number((total - fraction) / 1000n)).toISOString();
    return CelInstant.parse(`${iso.slice(0, 19)}.${String(fraction).padStart(6, '0')}Z`);
  }

  /** Part of the text as a number, in UTC. */
  part(from: number, to: number): bigint {
    return BigInt(this.text.slice(from, to));
  }

  /** Sunday is 0. */
  dayOfWeek(): bigint {
    return BigInt(new Date(`${this.text.slice(0, 19)}Z`).getUTCDay());
  }
}

function fromConverted(convert: Convert, text: string): CelInstant {
  const json = convert(text);
  if (typeof json !== 'string') throw new RangeError(json.reason);
  return new CelInstant(json.slice(1, -1));
}
