import type { FieldType } from '../../core/field-type.ts';
import { dateOfDays, daysOfDate, instantOf, microsOfTime, timeOfMicros, timestampOf } from '../instants.ts';
import { BOOLEAN, INT64, NUMBER, QUOTED, type ScalarForm } from '../member-values.ts';

const MILLION = 1_000_000n;

/** The values of Avro's logical types in their binary form (Avro specification 1.12, "Logical Types"); a long is a BigInt. */
export function avroScalar(type: FieldType): ScalarForm {
  switch (type.kind) {
    case 'boolean':
      return BOOLEAN;
    case 'int32':
    case 'float64':
      return NUMBER;
    case 'int64':
      return INT64;
    case 'decimal':
      return {
        fromPlain: (plain) => bytesOfInteger(BigInt(plain.replace('.', ''))),
        toText: (value) => `"${decimalText(integerOfBytes(value as Uint8Array), type.scale)}"`,
      };
    case 'date':
      return { fromPlain: daysOfDate, toText: (value) => `"${dateOfDays(value as number)}"` };
    case 'time':
      return { fromPlain: (plain) => BigInt(microsOfTime(plain)), toText: (value) => `"${timeOfMicros(Number(value))}"` };
    case 'timestamp':
      return { fromPlain: microsOfTimestamp, toText: (value) => `"${timestampOfMicros(value as bigint)}"` };
    case 'bytes':
      return {
        fromPlain: (plain) => Buffer.from(plain, 'base64'),
        toText: (value) => `"${Buffer.from(value as Uint8Array).toString('base64')}"`,
      };
    default:
      return QUOTED;
  }
}

function microsOfTimestamp(timestamp: string): bigint {
  const { seconds, micros } = instantOf(timestamp);
  return BigInt(seconds) * MILLION + BigInt(micros);
}

function timestampOfMicros(total: bigint): string {
  const micros = ((total % MILLION) + MILLION) % MILLION;
  return timestampOf({ seconds: Number((total - micros) / MILLION), micros: Number(micros) });
}

/** Two's complement, big-endian, as few bytes as hold it: Avro's decimal, and java.math.BigInteger. */
export function bytesOfInteger(value: bigint): Buffer {
  if (value >= -128n && value < 128n) return Buffer.of(Number(value) & 0xff);
  let length = 2;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  );
}

export function integerOfBytes(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

/** `-5` with scale 2 → `-0.05`. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}
