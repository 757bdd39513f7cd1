import type { FieldType } from '../../core/field-type.ts';
import { BREAKS_NEW, BREAKS_OLD, COMPATIBLE, effectOf } from './change.ts';
import type { FormatRules } from './format-rules.ts';

/**
 * JSON with a JSON Schema (2020-12). A reader is a validator of its version's schema: it reads a fact if the fact is valid. The schema says nothing of
 * properties that it does not name (Core 10.3.2.3: an absent `additionalProperties` allows any), requires the fields that are not optional (Validation 6.5.3
 * `required`), and allows null for optional ones (Validation 6.1.1 `type`). An optional field that is missing is null.
 *
 * Confluent's checker differs where it guards an open content model against values that nobody wrote (PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL), and where it takes
 * `default`, an annotation (Validation 9.2), for a value (REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL).
 */
export const JSON_RULES: FormatRules = {
  /** Validation 6.5.3: an old fact lacks a property that the new schema requires. Unknown properties pass. */
  added: (field) => (field.optional ? COMPATIBLE : BREAKS_NEW),
  /** The mirror image: a new fact lacks what the old schema requires. */
  removed: (field) => (field.optional ? COMPATIBLE : BREAKS_OLD),
  /** JSON Schema knows no aliases: the old name is removed, the new one added. */
  renamed: (before, after) => effectOf(before.optional, after.optional),
  /** Validation 6.1.1: `null` is not of the old type. */
  madeOptional: () => BREAKS_OLD,
  madeRequired: () => BREAKS_NEW,
  /** A schema accepts the other version's values if its set of values holds theirs. */
  retyped: (before, after) => effectOf(holds(before, after), holds(after, before)),
  /** Validation 6.1.2 `enum`: a value that is not listed is invalid. */
  symbolAdded: () => BREAKS_OLD,
  symbolRemoved: () => BREAKS_NEW,
  /** Validation 6.1.2: a list of values without an order. */
  symbolsReordered: () => COMPATIBLE,
  isNumbered: false,
};

/** Kinds that are written as JSON strings of a certain form: int64 and decimals as in protobuf's JSON mapping, since numbers beyond 2^53 are not exact. */
const TEXTS: ReadonlySet<FieldType['kind']> = new Set<FieldType['kind']>([
  'int64',
  'decimal',
  'date',
  'time',
  'timestamp',
  'bytes',
  'uuid',
  'enum',
]);

/** Whether every JSON value of the inner type is one of the outer type. */
function holds(outer: FieldType, inner: FieldType): boolean {
  if (outer.kind === 'json') return true;
  if (outer.kind === 'string') return inner.kind === 'string' || TEXTS.has(inner.kind);
  // Core 4.2.1: an integer is a number.
  if (outer.kind === 'float64') return inner.kind === 'int32';
  if (outer.kind === 'decimal' && inner.kind === 'decimal') return outer.scale === inner.scale && outer.precision >= inner.precision;
  // Both are strings of digits; 2^63 has nineteen.
  if (outer.kind === 'decimal' && inner.kind === 'int64') return outer.scale === 0 && outer.precision >= 19;
  if (outer.kind === 'int64' && inner.kind === 'decimal') return inner.scale === 0 && inner.precision <= 18;
  return false;
}
