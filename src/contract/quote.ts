import { REJECT, type Rejection } from './rejection.ts';

// Everything that JSON writes as it stands: no quote, backslash, control character or surrogate.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const PLAIN = /^[^"\\\u0000-\u001f\ud800-\udfff]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The JSON string of a text. NUL and halves of surrogate pairs are rejected: they do not survive UTF-8 and many consumers. */
export function quote(text: string): string | Rejection {
  if (PLAIN.test(text)) return `"${text}"`;
  if (text.includes('\0')) return REJECT.nul_character;
  if (LONE_SURROGATE.test(text)) return REJECT.lone_surrogate;
  return JSON.stringify(text);
}

/** The text of a JSON string, as `quote` makes them; any other JSON text is its own plain text (`42`, `true`). */
export function unquote(json: string): string {
  if (json.charCodeAt(0) !== 34) return json;
  return json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1);
}
