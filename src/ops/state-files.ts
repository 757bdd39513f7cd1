import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Project } from '../config/project.ts';
import { unusableFolder, writeWhole } from './write-whole.ts';

/** One JSON file per mapping in a folder of the state folder: what people have said to this machine. No mapping's name begins with `_`. All throw LOCAL_COPY_FAILED. */
export class StateFiles<T extends object> {
  readonly #folder: string;
  /** What the folder is for, in a sentence. */
  readonly #purpose: string;

  constructor({ snapshot, name }: Project, folder: `_${string}`, purpose: string) {
    this.#folder = path.join(snapshot.path, name, folder);
    this.#purpose = purpose;
  }

  fileOf(mapping: string): string {
    return path.join(this.#folder, `${mapping}.json`);
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
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusableFolder(this.#folder, this.#purpose, error);
    }
    return found;
  }

  /** Whole or not at all. */
  write(mapping: string, value: T): void {
    try {
      writeWhole(this.fileOf(mapping), JSON.stringify({ format: 1, ...value }));
    } catch (error) {
      throw unusableFolder(this.#folder, this.#purpose, error);
    }
  }

  remove(mapping: string): void {
    try {
      rmSync(this.fileOf(mapping), { force: true });
    } catch (error) {
      throw unusableFolder(this.#folder, this.#purpose, error);
    }
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
