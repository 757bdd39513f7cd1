import type { FieldType } from '../../core/field-type.ts';
import { COMPATIBLE, type Effect, effectOf } from './change.ts';
import type { FormatRules } from './format-rules.ts';

/**
 * Protobuf 3, "Updating A Message Type" (https://protobuf.dev/programming-guides/proto3/#updating), for the binary format. Fields are known by their numbers,
 * which stay with a field (its name, or an alias) for ever. What the wire carries over, although it may be read as something else, is a caution and no break.
 */
export const PROTOBUF_RULES: FormatRules = {
  /** "If you add new fields, any messages serialized by code using your 'old' message format can still be parsed by your new generated code." */
  added: (field) => (field.optional ? COMPATIBLE : { breaks: [], caution: ZERO('New readers', 'facts of the earlier version') }),
  /** "Fields can be removed, as long as the field number is not used again in your updated message type." */
  removed: (field) => (field.optional ? COMPATIBLE : { breaks: [], caution: ZERO('Old readers', 'new facts') }),
  /** The wire has numbers and no names; the JSON mapping has names. */
  renamed: () => ({ breaks: [], caution: "Protobuf's JSON form has names: readers of that form do not find the field." }),
  /** "Field Presence": both are one field on the wire; without presence null is read as the zero value. */
  madeOptional: () => ({ breaks: [], caution: 'Old readers read null as the zero value.' }),
  madeRequired: () => ({ breaks: [], caution: 'New readers read null in facts of the earlier version as the zero value.' }),
  retyped,
  /** "Enum Value": proto3 enums are open; an unknown value is kept as a number. */
  symbolAdded: () => ({ breaks: [], caution: 'Old readers get a number without a name.' }),
  symbolRemoved: () => ({ breaks: [], caution: 'New readers get a number without a name in facts of the earlier version.' }),
  /** The order says nothing; what it does to numbers that are not written is compared as numbers. */
  symbolsReordered: () => COMPATIBLE,
  isNumbered: true,
};

function ZERO(readers: string, facts: string): string {
  return `${readers} cannot tell a missing value from the zero value ("", 0, false) in ${facts}.`;
}

/** "int32, uint32, int64, uint64, and bool are all compatible"; "enum is compatible with int32, uint32, int64, and uint64 in terms of wire format". */
const VARINTS: ReadonlySet<FieldType['kind']> = new Set<FieldType['kind']>(['int32', 'int64', 'boolean', 'enum']);
/** "string and bytes are compatible as long as the bytes are valid UTF-8." A uuid is a string. */
const TEXTS: ReadonlySet<FieldType['kind']> = new Set<FieldType['kind']>(['string', 'bytes', 'uuid']);

function retyped(before: FieldType, after: FieldType): Effect {
  const both = (kinds: ReadonlySet<FieldType['kind']>) => kinds.has(before.kind) && kinds.has(after.kind);
  if (both(VARINTS)) {
    // "bool" and "enum" are named in two rules, and in none together.
    if ([before.kind, after.kind].sort().join() === 'boolean,enum') return effectOf(false, false);
    return {
      breaks: [],
      caution: 'A number that does not fit is cut, as by a cast. In JSON form the two are written differently.',
    };
  }
  if (both(TEXTS)) return { breaks: [], caution: 'Only while every value is valid text of both types.' };
  // One type on the wire; the scale is not carried.
  if (before.kind === 'decimal' && after.kind === 'decimal' && before.scale === after.scale) return COMPATIBLE;
  return effectOf(false, false);
}
