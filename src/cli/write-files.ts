import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HeadraceError } from '../core/errors.ts';
import type { ExportedFile } from '../ops/catalogue/exported-file.ts';

/** Writes files into a folder that is made where it is missing; each appears whole or not at all. Returns their paths. Throws CONFIG_INVALID where that is not possible. */
export async function writeFiles(folder: string, files: readonly ExportedFile[]): Promise<readonly string[]> {
  const written: string[] = [];
  try {
    await mkdir(folder, { recursive: true });
    for (const { name, text } of files) {
      const target = path.join(folder, name);
      const temporary = `${target}.${process.pid}.tmp`;
      await writeFile(temporary, text);
      await rename(temporary, target);
      written.push(target);
    }
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new HeadraceError('CONFIG_INVALID', `Nothing can be written to ${folder} (${reason}).`, {
      path: folder,
      suggestion: 'Name a folder that may be written to with --out.',
      cause,
    });
  }
  return written;
}
