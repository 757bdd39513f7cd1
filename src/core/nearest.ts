import { closest, distance } from 'fastest-levenshtein';

/**
 * The candidate that a misspelled name most likely means; undefined where none is near enough (two letters, or a third of a long name).
 * Case, `-` and `_` count for nothing: `customerID` is `customer_id`.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const known = [...candidates].filter((candidate) => candidate !== name);
  const wanted = plain(name);
  if (wanted === '' || known.length === 0) return undefined;
  const same = known.find((candidate) => plain(candidate) === wanted);
  if (same !== undefined) return same;
  const near = closest(wanted, known.map(plain));
  if (distance(wanted, near) > (wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3)))) return undefined;
  return known.find((candidate) => plain(candidate) === near);
}

/** A sentence for an error about an unknown name: the nearest one, or, where none is near, the known ones. Undefined without candidates. */
export function suggestName(name: string, candidates: Iterable<string>): string | undefined {
  const known = [...candidates];
  const near = nearestName(name, known);
  if (near !== undefined) return `Did you mean \`${near}\`?`;
  if (known.length === 0) return undefined;
  const shown = known.slice(0, 12).map((candidate) => `\`${candidate}\``);
  return `Known: ${shown.join(', ')}${known.length > shown.length ? ` and ${known.length - shown.length} more` : ''}.`;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}
