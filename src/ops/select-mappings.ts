import type { Mapping, Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { suggestName } from '../core/nearest.ts';

/** Which mappings a command is about, in the words of dbt's node selection (https://docs.getdbt.com/reference/node-selection/syntax). */
export interface Selection {
  /** Names as arguments: as terms of `select`. */
  readonly names: readonly string[];
  readonly select?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
}

/** What a term may begin with, and which words of a mapping it speaks of. Without any it is a name. */
const METHODS: Readonly<Record<string, (mapping: Mapping, project: Project) => readonly string[]>> = {
  mapping: ({ name }) => [name],
  class: (mapping) => [mapping.class],
  tag: ({ tags = [] }) => tags,
  model: ({ model }) => [model],
  warehouse: ({ model }, project) => [project.models.get(model)?.warehouse ?? ''],
};

/** Known even where no mapping has them. */
const CLASSES = ['behavior', 'profile', 'command', 'governance'];

/**
 * The mappings of a selection, in the order of the project: those of any term (`a tag:crm`: union) that fit all parts of it (`class:profile,tag:crm`: intersection),
 * less those of any term of `exclude`; all of them where nothing is selected. `*` stands for any text. Throws CONFIG_INVALID for a word that nothing has, with the nearest.
 */
export function selectedMappings(project: Project, { names, select = [], exclude = [] }: Selection): readonly Mapping[] {
  const all = [...project.mappings.values()];
  // A variable that is not set must not come to mean everything.
  if (select.length > 0 && select.every((text) => text.trim() === ''))
    throw refused('The selection is empty.', 'Leave --select out for all mappings.');
  const wanted = [...names, ...select].flatMap(termsOf);
  const chosen = wanted.length === 0 ? new Set(all) : union(project, wanted);
  const left = union(project, exclude.flatMap(termsOf));
  return all.filter((mapping) => chosen.has(mapping) && !left.has(mapping));
}

function termsOf(text: string): string[] {
  return text.split(/\s+/).filter((term) => term !== '');
}

function union(project: Project, terms: readonly string[]): ReadonlySet<Mapping> {
  return new Set(terms.flatMap((term) => [...intersection(project, term)]));
}

function intersection(project: Project, term: string): readonly Mapping[] {
  const parts = term.split(',');
  if (parts.some((part) => part === ''))
    throw refused(`\`${term}\` has an empty part.`, 'A comma stands between two parts: class:profile,tag:crm.');
  const sets = parts.map((part) => new Set(fitting(project, part)));
  return [...project.mappings.values()].filter((mapping) => sets.every((set) => set.has(mapping)));
}

function fitting(project: Project, part: string): readonly Mapping[] {
  const [, method = 'mapping', word = ''] = /^(?:([^:]*):)?(.*)$/s.exec(part) ?? [];
  const wordsOf = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (wordsOf === undefined)
    throw refused(`\`${part}\`: there is no way to select by \`${method}\`.`, suggestName(method, Object.keys(METHODS)));
  const form = new RegExp(`^${word.split('*').map(literally).join('.*')}$`, 's');
  const mappings = [...project.mappings.values()];
  const found = mappings.filter((mapping) => wordsOf(mapping, project).some((each) => form.test(each)));
  const isKnown = method === 'class' && CLASSES.some((name) => form.test(name));
  if (found.length > 0 || isKnown) return found;
  const known = method === 'class' ? CLASSES : new Set(mappings.flatMap((mapping) => wordsOf(mapping, project)));
  const what = method === 'mapping' ? `There is no mapping named \`${word}\`.` : `No mapping has the ${method} \`${word}\`.`;
  throw refused(what, suggestName(word, known) ?? (method === 'mapping' ? 'The project has no mappings.' : `No mapping has a ${method}.`));
}

function literally(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}

function refused(message: string, suggestion: string | undefined): HeadraceError {
  return new HeadraceError('CONFIG_INVALID', message, { suggestion });
}
