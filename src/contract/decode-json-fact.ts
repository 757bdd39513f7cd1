/**
 * The canonical texts of a fact's fields, in the order of `fieldNames`, from the JSON that was published. Byte for byte as they were encoded, so that the fingerprint of a
 * published fact can be taken again. Undefined where the value is not a fact of just these fields: the mapping was another one then.
 */
export function decodeJsonFact(value: string, fieldNames: readonly string[]): readonly string[] | undefined {
  const members = membersOf(value);
  if (members?.size !== fieldNames.length) return undefined;
  const texts = fieldNames.map((name) => members.get(name));
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** Members of an object without white space around them, each with its text as it stands. */
function membersOf(text: string): Map<string, string> | undefined {
  if (!isObject(text)) return undefined;
  const members = new Map<string, string>();
  for (let at = 1; at < text.length - 1; ) {
    const nameEnd = endOfString(text, at);
    const valueEnd = endOfValue(text, nameEnd + 1);
    members.set(JSON.parse(text.slice(at, nameEnd)) as string, text.slice(nameEnd + 1, valueEnd));
    at = valueEnd + 1;
  }
  return members;
}

function isObject(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) && text.startsWith('{"');
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Behind the closing quote of the string that begins at `at`. */
function endOfString(text: string, at: number): number {
  let i = at + 1;
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** At the comma or the bracket that ends the value that begins at `at`. */
function endOfValue(text: string, at: number): number {
  let depth = 0;
  for (let i = at; ; ) {
    const character = text[i];
    if (character === '"') {
      i = endOfString(text, i);
      continue;
    }
    if (character === '{' || character === '[') depth++;
    else if (depth === 0 && (character === ',' || character === '}')) return i;
    else if (character === '}' || character === ']') depth--;
    i++;
  }
}
