import { z } from 'zod';

/** Why a written value is refused: a predicate (`is not a duration`), and what to write instead. Never holds the value itself. */
export interface Refusal {
  readonly refused: string;
  readonly suggestion?: string | undefined;
  /** More, that may repeat parts of the value: shown only where the value was written literally. */
  readonly detail?: string | undefined;
  /** False where the value may be a secret. */
  readonly show?: boolean | undefined;
}

export type Parsed<T> = { readonly value: T } | Refusal;

/** The `params` of an issue that a leaf raises: see read-section.ts, which turns it into a problem. */
export interface LeafIssue {
  readonly leaf: Refusal;
}

/** Any text that holds a variable: what editors must accept in place of a number or a word. */
export const VARIABLE_PATTERN = '\\$\\{';

/**
 * A zod type for one written value, parsed by one function; `json` describes the written form for editors (JSON Schema).
 * Texts that came from variables are texts: number and boolean leaves read them.
 */
export function leaf<T>(parse: (written: unknown) => Parsed<T>, json: Readonly<Record<string, unknown>>) {
  return z
    .unknown()
    .transform((written, context): T => {
      const parsed = written === undefined ? { refused: 'is missing', show: false } : parse(written);
      if ('value' in parsed) return parsed.value;
      context.addIssue({ code: 'custom', message: parsed.refused, params: { leaf: parsed } });
      return z.NEVER;
    })
    .meta({ ...json });
}

/** A text that may be any, but not empty. */
export function text() {
  return leaf((written) => asText(written), { type: 'string', minLength: 1 });
}

/** A text that may be a secret: never shown, whatever is wrong with it. */
export function secretText() {
  return leaf(
    (written) => {
      const parsed = asText(written);
      return 'value' in parsed ? parsed : { ...parsed, show: false };
    },
    { type: 'string', pattern: VARIABLE_PATTERN },
  );
}

export function asText(written: unknown): Parsed<string> {
  if (typeof written === 'string') return written.trim() === '' ? { refused: 'must not be empty', show: false } : { value: written };
  if (written === null) return { refused: 'has no value', suggestion: 'Give it one, or remove the key.', show: false };
  if (typeof written === 'number' || typeof written === 'boolean') return { refused: 'must be text', suggestion: 'Put it in quotes.' };
  return { refused: 'must be text', show: false };
}

/** A text that a pattern describes. */
export function pattern(form: RegExp, expected: string, longest = 249) {
  return leaf(
    (written) => {
      const parsed = asText(written);
      if (!('value' in parsed)) return parsed;
      if (parsed.value.length > longest) return { refused: `has more than ${longest} characters` };
      return form.test(parsed.value) ? parsed : { refused: `does not fit: ${expected}` };
    },
    { type: 'string', pattern: `${form.source}|${VARIABLE_PATTERN}`, maxLength: longest },
  );
}

/** A whole number within bounds, also as a text of digits. */
export function integer(min: number, max: number) {
  return leaf<number>(
    (written) => {
      const number = typeof written === 'string' && /^-?\d{1,15}$/.test(written.trim()) ? Number(written) : written;
      if (typeof number !== 'number' || !Number.isSafeInteger(number)) return { refused: 'is not a whole number' };
      if (number < min || number > max) return { refused: `is not between ${min} and ${max}` };
      return { value: number };
    },
    {
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: VARIABLE_PATTERN },
      ],
    },
  );
}

/** true or false, also as a text. */
export function boolean() {
  return leaf<boolean>(
    (written) => {
      if (written === true || written === 'true') return { value: true };
      if (written === false || written === 'false') return { value: false };
      return { refused: 'must be true or false' };
    },
    { anyOf: [{ type: 'boolean' }, { type: 'string', pattern: VARIABLE_PATTERN }] },
  );
}
