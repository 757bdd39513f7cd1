import { type FieldType, formatFieldType } from '../core/field-type.ts';
import { converter } from './convert.ts';
import { REASONS, Rejection } from './rejection.ts';

/** A literal of a mapping (`const`, `default`, the right sides of `values`) as the canonical JSON text of a type, or what is wrong with it. */
export function literalText(value: string | number | boolean, type: FieldType): string | LiteralProblem {
  if (type.kind === 'json') return JSON.stringify(value);
  if (typeof value === 'number' && !Number.isSafeInteger(value) && Number.isInteger(value)) {
    return new LiteralProblem('YAML reads this number as a float and loses digits; write it in quotes.');
  }
  if (!fits(value, type)) return new LiteralProblem(`A ${typeof value} is not a ${formatFieldType(type)}.`);
  const text = converter('string', type)?.(String(value)) ?? new Rejection('wrong_type');
  if (typeof text === 'string') return text;
  return new LiteralProblem(`The value ${REASONS[text.reason].replace('{type}', formatFieldType(type))}.`);
}

export class LiteralProblem {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

const NUMERIC: ReadonlySet<FieldType['kind']> = new Set<FieldType['kind']>(['int32', 'int64', 'decimal', 'float64']);

/** Quoted numbers are welcome where YAML would lose digits; the other way round (a text written without quotes) is a slip. */
function fits(value: string | number | boolean, type: FieldType): boolean {
  if (typeof value === 'boolean') return type.kind === 'boolean';
  if (typeof value === 'number') return NUMERIC.has(type.kind);
  return type.kind !== 'boolean';
}
