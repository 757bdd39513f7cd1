/**
 * Why a value cannot become a field. Every reason is a stable word: quarantine lists, alerts and docs/mapping.md use it.
 * The sentences complete "The value of column "x" …" and never contain a value of the row; `{type}` stands for the field's type.
 */
export const REASONS = {
  null_in_required: 'is NULL, and the field is neither optional nor has a default',
  null_in_key: 'is NULL, and the field is part of the key or the identity',
  empty_key: 'is empty, and the field is part of the key or the identity',
  not_a_boolean: 'is not true or false',
  not_an_int32: 'is not a whole number from -2147483648 to 2147483647',
  not_an_int64: 'is not a whole number from -9223372036854775808 to 9223372036854775807',
  not_a_decimal: 'is not a plain decimal number, as {type} needs',
  scale_exceeded: 'has more digits behind the point than {type} can hold; nothing is rounded',
  precision_exceeded: 'has more digits in front of the point than {type} can hold',
  not_a_number: 'is NaN, which {type} cannot carry',
  infinite: 'is infinite, which {type} cannot carry',
  not_a_float64: 'is not the exact text of a 64-bit floating point number',
  not_a_date: 'is not a date of the form YYYY-MM-DD',
  not_a_time: 'is not a time of day from 00:00:00 to 23:59:59.999999',
  not_a_timestamp: 'is not a point in time of the form 2026-01-31T23:59:59.123456Z, with a zone',
  before_christ: 'lies before the year 1',
  year_above_9999: 'lies after the year 9999',
  below_microseconds: 'has digits below the microsecond; nothing is rounded',
  not_bytes: 'is not an even number of hexadecimal digits',
  not_a_uuid: 'is not a UUID',
  not_json: 'is not valid JSON',
  duplicate_json_key: 'is JSON in which one object has a key twice, with different values',
  json_too_deep: 'is JSON that is nested too deeply',
  not_an_array: 'is not an array',
  not_an_object: 'is not an object',
  not_a_string: 'is not a text',
  not_in_enum: 'is not one of the symbols of {type}',
  not_in_values: 'is not one of the texts that `values` lists',
  nul_character: 'holds a NUL character',
  lone_surrogate: 'holds half of a surrogate pair, which is no Unicode text',
  replacement_character: 'holds U+FFFD, the mark of broken text, in a field that tells facts apart',
  wrong_type: 'has a type that cannot become {type}',
  expression_failed: 'could not be computed: NULL or a wrong type in a comparison, a missing member, or a result of the wrong type',
} as const;

export type Reason = keyof typeof REASONS;

/** What a conversion returns in place of a text. Made once per reason, so that telling it from a text is all that a row pays. */
export class Rejection {
  readonly reason: Reason;

  constructor(reason: Reason) {
    this.reason = reason;
  }
}

export const REJECT: Readonly<Record<Reason, Rejection>> = Object.freeze(
  Object.fromEntries((Object.keys(REASONS) as Reason[]).map((reason) => [reason, Object.freeze(new Rejection(reason))])) as Record<
    Reason,
    Rejection
  >,
);

/** Turns one non-null canonical text of a column kind (core/row.ts) into the canonical JSON text of a field (core/fact.ts). */
export type Convert = (text: string) => string | Rejection;
