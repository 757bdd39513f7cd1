import { labelsOf } from './json-codec.ts';

/**
 * The text that a fact's fingerprint is taken of: a JSON object with sorted keys, so that moving a field in the mapping's file changes no fingerprint.
 * Returns a function, because the order is worked out once per mapping.
 */
export function canonicalFactOf(fieldNames: readonly string[]): (fields: readonly string[]) => string {
  const order = fieldNames.map((_, index) => index).sort((a, b) => compare(fieldNames[a] ?? '', fieldNames[b] ?? ''));
  const labels = labelsOf(order.map((index) => fieldNames[index] ?? ''));
  return (fields) => {
    let text = '';
    for (let i = 0; i < order.length; i++) text += (labels[i] as string) + (fields[order[i] as number] as string);
    return text === '' ? '{}' : `${text}}`;
  };
}

/** The same for a single fact. */
export function canonicalFact(fieldNames: readonly string[], fields: readonly string[]): string {
  return canonicalFactOf(fieldNames)(fields);
}

/** UTF-16 code units, like the keys inside `json` fields; names are distinct. */
function compare(a: string, b: string): number {
  return a < b ? -1 : 1;
}
