import { type FieldType, symbolNumbers } from '../../core/field-type.ts';
import { type Instant, instantOf, timestampOf } from '../instants.ts';
import { BOOLEAN, INT64, NUMBER, QUOTED, type ScalarForm } from '../member-values.ts';

/** The values that Protobuf's writer takes and its reader gives; a timestamp is an `Instant`, an enum a number. */
export function protobufScalar(type: FieldType): ScalarForm {
  switch (type.kind) {
    case 'boolean':
      return BOOLEAN;
    case 'int32':
    case 'float64':
      return NUMBER;
    case 'int64':
      return INT64;
    case 'timestamp':
      return { fromPlain: instantOf, toText: (value) => `"${timestampOf(value as Instant)}"` };
    case 'bytes':
      return {
        fromPlain: (plain) => Buffer.from(plain, 'base64'),
        toText: (value) => `"${Buffer.from(value as Uint8Array).toString('base64')}"`,
      };
    case 'enum':
      return enumForm(type);
    default:
      return QUOTED;
  }
}

function enumForm(type: Extract<FieldType, { kind: 'enum' }>): ScalarForm {
  const numbers = symbolNumbers(type);
  const numberOf = new Map(type.symbols.map((symbol, i) => [symbol, numbers[i] as number]));
  const textOf = new Map(type.symbols.map((symbol, i) => [numbers[i] as number, JSON.stringify(symbol)]));
  return {
    fromPlain: (plain) => known(numberOf.get(plain)),
    toText: (value) => known(textOf.get(value as number)),
  };
}

function known<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('a value is none of the symbols of its enum');
  return found;
}
