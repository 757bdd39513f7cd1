import type { MappingClass } from '../../config/project.ts';
import type { FactPage } from './fact-page.ts';

/** The order of the index: what must not wait stands first, as in a run. */
export const CLASS_ORDER: readonly MappingClass[] = ['governance', 'command', 'profile', 'behavior'];

export function byClass(pages: readonly FactPage[]): ReadonlyMap<MappingClass, readonly FactPage[]> {
  return grouped(pages, (page) => page.class);
}

/** In the order of the owners' names. */
export function byOwner(pages: readonly FactPage[]): ReadonlyMap<string, readonly FactPage[]> {
  return new Map([...grouped(pages, (page) => page.owner)].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function grouped<K>(pages: readonly FactPage[], keyOf: (page: FactPage) => K): Map<K, FactPage[]> {
  const groups = new Map<K, FactPage[]>();
  for (const page of pages.toSorted((a, b) => (a.fact < b.fact ? -1 : 1))) {
    const group = groups.get(keyOf(page));
    if (group === undefined) groups.set(keyOf(page), [page]);
    else group.push(page);
  }
  return groups;
}
