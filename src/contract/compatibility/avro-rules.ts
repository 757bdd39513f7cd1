import type { FieldType } from '../../core/field-type.ts';
import type { ContractField } from '../contract.ts';
import { BREAKS_NEW, BREAKS_OLD, COMPATIBLE, effectOf } from './change.ts';
import type { FormatRules } from './format-rules.ts';

/**
 * Avro 1.11.1, "Schema Resolution": a reader with its own schema reads what was written with the writer's. Optional fields are unions with null whose default is
 * null; a field's `default` is the default of the schema. Section names are those of https://avro.apache.org/docs/1.11.1/specification/.
 */
export const AVRO_RULES: FormatRules = {
  /** "if the reader's record schema has a field with no default value, and writer's schema does not have a field with the same name, an error is signalled." */
  added: (field) => (hasDefault(field) ? COMPATIBLE : BREAKS_NEW),
  /** The same rule from the other side; "if the writer's record contains a field with a name not present in the reader's record, the writer's value is ignored." */
  removed: (field) => (hasDefault(field) ? COMPATIBLE : BREAKS_OLD),
  /** "Aliases": new readers find the old name; old readers know nothing of the new one. */
  renamed: (before) => effectOf(hasDefault(before), true),
  /** "if writer's is a union, but reader's is not": the branch null does not match. */
  madeOptional: () => BREAKS_OLD,
  madeRequired: () => BREAKS_NEW,
  retyped: (before, after) => {
    const caution = roundsIntegers(before, after) ? 'Whole numbers beyond 2^53 are rounded when they are read as double.' : undefined;
    return effectOf(reads(before, after), reads(after, before), caution);
  },
  /** "if the writer's symbol is not present in the reader's enum and the reader has [no] default value, […] an error is signalled." */
  symbolAdded: () => BREAKS_OLD,
  symbolRemoved: () => BREAKS_NEW,
  /** Symbols are resolved by name. */
  symbolsReordered: () => COMPATIBLE,
  isNumbered: false,
};

function hasDefault(field: ContractField): boolean {
  return field.optional || field.default !== undefined;
}

/** The types that "Logical Types" annotates; their values mean something else when they are read as the bare type. */
const LOGICAL: ReadonlySet<FieldType['kind']> = new Set<FieldType['kind']>(['decimal', 'date', 'time', 'timestamp']);

/** "the writer's schema may be promoted to the reader's": kind of the writer → kinds that may read it. */
const PROMOTIONS: Readonly<Partial<Record<FieldType['kind'], readonly FieldType['kind'][]>>> = {
  int32: ['int64', 'float64'],
  int64: ['float64'],
  string: ['bytes'],
  bytes: ['string'],
  // "The uuid logical type annotates a string": it is read as one. The reverse does not hold: the string "has to conform with RFC-4122".
  uuid: ['string', 'bytes'],
};

function reads(reader: FieldType, writer: FieldType): boolean {
  // "two schemas that are decimal logical types match if their scales and precisions match."
  if (reader.kind === 'decimal' && writer.kind === 'decimal') return reader.scale === writer.scale && reader.precision === writer.precision;
  if (LOGICAL.has(reader.kind) || LOGICAL.has(writer.kind)) return false;
  return PROMOTIONS[writer.kind]?.includes(reader.kind) === true;
}

function roundsIntegers(a: FieldType, b: FieldType): boolean {
  const kinds = [a.kind, b.kind];
  return kinds.includes('int64') && kinds.includes('float64');
}
