import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';

/** One JSON file per mapping in a folder of the state folder: what people have said to this machine. No mapping's name begins with `_`. All throw LOCAL_COPY_FAILED. */
export class StateFiles<T extends object> {
  readonly #folder: string;
  /** What the folder is for, in a sentence. */
  readonly #purpose: string;

  constructor({ snapshot, name }: Project, folder: `_${string}`, purpose: string) {
    this.#folder = path.join(snapshot.path, name, folder);
    this.#purpose = purpose;
  }

  /** By mapping; undefined for a file that cannot be understood. */
  read(): ReadonlyMap<string, Partial<T> | undefined> {
    const found = new Map<string, Partial<T> | undefined>();
    try {
      for (const file of readdirSync(this.#folder)) {
        const mapping = /^([a-z0-9-]+)\.json$/.exec(file)?.[1];
        if (mapping !== undefined) found.set(mapping, parsed<T>(readFileSync(path.join(this.#folder, file), 'utf8')));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#unusable(error);
    }
    return found;
  }

  /** Whole or not at all. */
  write(mapping: string, value: T): void {
    const file = path.join(this.#folder, `${mapping}.json`);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const draft = `${file}.${process.pid}`;
      writeFileSync(draft, JSON.stringify({ format: 1, ...value }), { mode: 0o600, flush: true });
      renameSync(draft, file);
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  remove(mapping: string): void {
    try {
      rmSync(path.join(this.#folder, `${mapping}.json`), { force: true });
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  #unusable(cause: unknown): HeadraceError {
    return new HeadraceError('LOCAL_COPY_FAILED', `The folder ${this.#folder} cannot be used: ${(cause as Error).message}`, {
      suggestion: `Check \`snapshot.path\` in headrace.yml and the permissions. ${this.#purpose}`,
      cause,
    });
  }
}

function parsed<T>(text: string): Partial<T> | undefined {
  try {
    const value = JSON.parse(text) as Partial<T> | null;
    return value ?? undefined;
  } catch {
    return undefined;
  }
}
