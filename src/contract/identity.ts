import { unquote } from './quote.ts';
import { REJECT, type Rejection } from './rejection.ts';

/**
 * The text of a key or an identity from the canonical JSON texts of its fields: one field → its plain text, several → a JSON array of
 * strings. Two different tuples never give one text: each field's text is injective, and so is JSON.
 */
export function identityText(texts: readonly string[]): string {
  const [only] = texts;
  if (texts.length === 1 && only !== undefined) return unquote(only);
  return `[${texts.map((text) => (text.charCodeAt(0) === 34 ? text : `"${text}"`)).join(',')}]`;
}

/** What a field that tells facts apart must not be. U+FFFD stands for bytes that were no text: two such keys might be one. */
export function keyFault(text: string): Rejection | undefined {
  if (text === 'null') return REJECT.null_in_key;
  if (text === '""') return REJECT.empty_key;
  return text.includes('\ufffd') ? REJECT.replacement_character : undefined;
}
