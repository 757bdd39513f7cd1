/**
 * What mapping a row gives. A fact is its fields in canonical JSON text, one string per field in the order of the mapping: the encodings, the
 * fingerprint and the names of changed fields all start from these texts, so that they cannot disagree.
 *
 * Canonical JSON text of a field: string, uuid, enum, date, time as JSON strings · boolean · int32 as a number · int64 and decimal as JSON strings (protobuf's JSON
 * rule; a decimal with its exact scale) · float64 as a number · timestamp as RFC 3339 in UTC with six digits · bytes in base64 · json, arrays and objects
 * without white space, object keys of `json` sorted, numbers of `json` with the digits they came with · an absent optional field as null.
 */
export interface Fact {
  readonly outcome: 'fact';
  /** What the snapshot compares and versions count: the text of one identity field, or a JSON array text of several. */
  readonly identity: string;
  /** The Kafka key, in the same form. */
  readonly key: string;
  /** RFC 3339, UTC, six digits. */
  readonly occurredAt: string;
  /** The person or account that the fact is about, for consent and erasure. */
  readonly subject: string | null;
  readonly fields: readonly string[];
  /** The same fact under the further contracts that are compared: first those that are published, in their order. Absent where there is one contract. */
  readonly also?: readonly AlsoFact[] | undefined;
}

/** A fact under another version of its contract. */
export interface AlsoFact {
  /** Which contract. */
  readonly of: string;
  readonly fields: readonly string[];
  readonly occurredAt: string;
  /** Encoded; null where it is only compared. */
  readonly value: string | Uint8Array | null;
}

/** The row is outside the mapping's `where`, or its soft-delete column says that it is gone. */
export interface Absent {
  readonly outcome: 'left_scope' | 'soft_deleted';
  /** Null where the row does not even yield an identity: then it can have produced no fact. */
  readonly identity: string | null;
}

/** The row does not fit the contract. It is quarantined, and the other rows go on. */
export interface Rejected {
  readonly outcome: 'rejected';
  /** Null where the row does not yield an identity. */
  readonly identity: string | null;
  /** The field of the mapping, or `where`, `key`, `occurred_at`. */
  readonly field: string;
  /** The warehouse's columns involved. */
  readonly columns: readonly string[];
  /** A stable word: `not_an_int32`, `not_in_enum`, `null_in_required`, `expression_failed` … */
  readonly reason: string;
  /** A sentence for a person, without any value of the row. */
  readonly message: string;
}

export type Mapped = Fact | Absent | Rejected;

/** A compiled mapping: pure, synchronous, the same result for the same row in any process and time zone. */
export interface FactMapper {
  /** The columns that `mapRow` expects, in this order. */
  readonly columns: readonly string[];
  /** The fact's field names, in the order of `Fact.fields`. */
  readonly fieldNames: readonly string[];
  mapRow(values: readonly (string | null)[]): Mapped;
}
