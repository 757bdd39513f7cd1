import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { writeWhole } from './write-whole.ts';

/** A person's word that `headrace serve` shall not start a mapping. */
export interface Pause {
  readonly mapping: string;
  /** The user of the operating system, or the name of the API's token. */
  readonly by: string;
  readonly reason: string | null;
  /** Milliseconds since 1970; null where the file does not tell it. */
  readonly at: number | null;
}

/** One file per paused mapping in the state folder. No mapping's name begins with `_`. */
function folderOfPauses(project: Project): string {
  return path.join(project.snapshot.path, project.name, '_paused');
}

/** The mappings that are paused. A file that cannot be understood pauses, too. Throws LOCAL_COPY_FAILED. */
export function pausesOf(project: Project): ReadonlyMap<string, Pause> {
  const folder = folderOfPauses(project);
  const pauses = new Map<string, Pause>();
  try {
    for (const file of readdirSync(folder)) {
      const mapping = /^([a-z0-9-]+)\.json$/.exec(file)?.[1];
      if (mapping !== undefined) pauses.set(mapping, readPause(path.join(folder, file), mapping));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(folder, error);
  }
  return pauses;
}

/** Idempotent: a mapping that is paused already keeps its first word. Throws LOCAL_COPY_FAILED. */
export function pauseMapping(project: Project, pause: Pause): Pause {
  const known = pausesOf(project).get(pause.mapping);
  if (known !== undefined) return known;
  const folder = folderOfPauses(project);
  try {
    writeWhole(path.join(folder, `${pause.mapping}.json`), JSON.stringify({ format: 1, ...pause }));
  } catch (error) {
    throw unusable(folder, error);
  }
  return pause;
}

/** Idempotent. Returns what ended; undefined where the mapping was not paused. Throws LOCAL_COPY_FAILED. */
export function resumeMapping(project: Project, mapping: string): Pause | undefined {
  const known = pausesOf(project).get(mapping);
  const folder = folderOfPauses(project);
  try {
    rmSync(path.join(folder, `${mapping}.json`), { force: true });
  } catch (error) {
    throw unusable(folder, error);
  }
  return known;
}

function readPause(file: string, mapping: string): Pause {
  const unknown: Pause = { mapping, by: 'unknown', reason: null, at: null };
  try {
    const { by, reason, at } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Pause>;
    return { mapping, by: by ?? unknown.by, reason: reason ?? null, at: at ?? null };
  } catch (error) {
    if (error instanceof SyntaxError) return unknown;
    throw error;
  }
}

function unusable(folder: string, cause: unknown): HeadraceError {
  return new HeadraceError('LOCAL_COPY_FAILED', `The folder ${folder} cannot be used: ${(cause as Error).message}`, {
    suggestion: 'Check `snapshot.path` in headrace.yml and the permissions. It says which mappings are paused.',
    cause,
  });
}
