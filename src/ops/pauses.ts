import type { Project } from '../config/project.ts';
import { StateFiles } from './state-files.ts';

/** A person's word that `headrace serve` shall not start a mapping. */
export interface Pause {
  readonly mapping: string;
  /** The user of the operating system, or the name of the API's token. */
  readonly by: string;
  readonly reason: string | null;
  /** Milliseconds since 1970; null where the file does not tell it. */
  readonly at: number | null;
}

function filesOf(project: Project): StateFiles<Pause> {
  return new StateFiles(project, '_paused', 'It says which mappings are paused.');
}

/** The mappings that are paused. A file that cannot be understood pauses, too. Throws LOCAL_COPY_FAILED. */
export function pausesOf(project: Project): ReadonlyMap<string, Pause> {
  const pauses = new Map<string, Pause>();
  for (const [mapping, { by = 'unknown', reason = null, at = null } = {}] of filesOf(project).read())
    pauses.set(mapping, { mapping, by, reason, at });
  return pauses;
}

/** Idempotent: a mapping that is paused already keeps its first word. Throws LOCAL_COPY_FAILED. */
export function pauseMapping(project: Project, pause: Pause): Pause {
  const known = pausesOf(project).get(pause.mapping);
  if (known !== undefined) return known;
  filesOf(project).write(pause.mapping, pause);
  return pause;
}

/** Idempotent. Returns what ended; undefined where the mapping was not paused. Throws LOCAL_COPY_FAILED. */
export function resumeMapping(project: Project, mapping: string): Pause | undefined {
  const known = pausesOf(project).get(mapping);
  filesOf(project).remove(mapping);
  return known;
}
