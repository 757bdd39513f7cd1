import path from 'node:path';
import type { LoadedProject } from '../config/load-project.ts';
import type { Mapping, Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { suggestName } from '../core/nearest.ts';
import { formatProblem, problemsError } from '../core/problem.ts';
import type { CommandContext } from './context.ts';

/** The project of `--project`, or of the nearest folder upwards. */
export async function loadFiles({ cwd, env, globals, output }: CommandContext): Promise<LoadedProject & { readonly root: string }> {
  const { findProjectRoot, loadProject } = await import('../config/load-project.ts');
  const { project: folder } = globals;
  const root = findProjectRoot(path.resolve(cwd, folder ?? '.'));
  if (folder !== undefined && root !== path.resolve(cwd, folder)) {
    // Only where nobody named a folder may it be one further up: another project would be taken for the named one.
    throw new HeadraceError('CONFIG_INVALID', `There is no headrace.yml in ${path.resolve(cwd, folder)}.`, {
      suggestion: `The nearest one is in ${root}: use --project ${root}.`,
    });
  }
  const loaded = await loadProject(root, env);
  output.redaction.hide(loaded.secrets);
  return { root, ...loaded };
}

/** Throws CONFIG_INVALID with every problem of the files; warnings are said on the way. */
export async function requireProject(context: CommandContext): Promise<Project> {
  const { project, problems } = await loadFiles(context);
  if (project === undefined) throw problemsError(problems);
  for (const problem of problems) context.output.warn(formatProblem(problem));
  return project;
}

/** The named mappings, each once; all of them where none is named. Throws CONFIG_INVALID with the nearest names. */
export function selectMappings(project: Project, names: readonly string[]): readonly Mapping[] {
  if (names.length === 0) return [...project.mappings.values()];
  const unknown = names.filter((name) => !project.mappings.has(name));
  if (unknown.length > 0) {
    throw new HeadraceError('CONFIG_INVALID', `There is no mapping named ${unknown.map((name) => `\`${name}\``).join(', ')}.`, {
      suggestion: [...new Set(unknown.map((name) => suggestName(name, project.mappings.keys()) ?? 'The project has no mappings.'))].join(
        ' ',
      ),
    });
  }
  return [...new Set(names)].map((name) => project.mappings.get(name) as Mapping);
}
