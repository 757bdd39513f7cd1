import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HeadraceError } from '../core/errors.ts';

/** Writes a file of the state folder so that nobody ever reads half of it. Throws what the file system says. */
export function writeWhole(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, file);
}

/** Of a folder of the state folder; `purpose` is a sentence that says what it is for. */
export function unusableFolder(folder: string, purpose: string, cause: unknown): HeadraceError {
  return new HeadraceError('LOCAL_COPY_FAILED', `The folder ${folder} cannot be used: ${(cause as Error).message}`, {
    suggestion: `Check \`snapshot.path\` in headrace.yml and the permissions. ${purpose}`,
    cause,
  });
}
