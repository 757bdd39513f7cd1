/** The types of a fact's fields: what a consumer may rely on, independent of warehouse and encoding. */
export type FieldType =
  | { readonly kind: 'string' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int32' }
  | { readonly kind: 'int64' }
  /** At most `precision` digits, exactly `scale` of them behind the point. */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** NaN and the infinities are rejected: JSON cannot carry them. */
  | { readonly kind: 'float64' }
  | { readonly kind: 'date' }
  /** Microseconds since midnight, without a zone. */
  | { readonly kind: 'time' }
  /** Microseconds, UTC. */
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'json' }
  /** `numbers`: what the symbols are in Protobuf, in their order; 1, 2, 3 … unless given. */
  | { readonly kind: 'enum'; readonly symbols: readonly string[]; readonly numbers?: readonly number[] | undefined }
  | { readonly kind: 'array'; readonly items: FieldType }
  /** An object whose members come from one JSON column or expression. Members are in the order of the mapping. */
  | { readonly kind: 'object'; readonly members: readonly ObjectMember[] };

export interface ObjectMember {
  readonly name: string;
  readonly type: FieldType;
  readonly optional: boolean;
  /** The field number in Protobuf: it never changes, and is never used again for another field. */
  readonly number?: number | undefined;
  readonly description?: string | undefined;
  /** Stands where the source is NULL. A reader of Avro takes it for a field that the record does not have. */
  readonly default?: string | number | boolean | undefined;
  /** Names that the field had before: a reader of Avro finds it under them. */
  readonly aliases?: readonly string[] | undefined;
}

/** The Protobuf numbers of an enum's symbols; 0 is kept for "unspecified". */
export function symbolNumbers(type: Extract<FieldType, { kind: 'enum' }>): readonly number[] {
  return type.numbers ?? type.symbols.map((_, index) => index + 1);
}

/** `decimal(10,2)`, `enum(P1, P3)`, `array of int64`: for messages. */
export function formatFieldType(type: FieldType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'enum':
      return `enum(${type.symbols.join(', ')})`;
    case 'array':
      return `array of ${formatFieldType(type.items)}`;
    case 'object':
      return `object(${type.members.map((m) => m.name).join(', ')})`;
    default:
      return type.kind;
  }
}
