import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorWord } from '../variables.ts';
import type { Entry } from './manifest-schema.ts';
import type { DbtProject } from './read-dbt.ts';

/**
 * The file of the dbt project that changed since the manifest was made; undefined where none did, or where the project is not beside its manifest. A model's SQL
 * and a seed are compared by the checksum that dbt keeps (of the text without blanks at its ends); a file of properties has none, so its time decides.
 */
export async function changedSince(entry: Entry, dbt: DbtProject): Promise<string | undefined> {
  if (entry.package_name !== dbt.manifest.metadata.project_name) return undefined;
  // <project>/target/manifest.json
  const folder = dirname(dirname(dbt.manifestPath));
  if ((await modifiedAt(join(folder, 'dbt_project.yml'))) === undefined) return undefined;
  if (entry.resource_type === 'model' && entry.checksum?.name === 'sha256') {
    const text = await textOf(join(folder, entry.original_file_path));
    if (text !== undefined && createHash('sha256').update(text.trim()).digest('hex') !== entry.checksum.checksum)
      return entry.original_file_path;
  }
  const properties =
    entry.patch_path?.replace(/^[^:]*:\/\//, '') ?? (entry.resource_type === 'source' ? entry.original_file_path : undefined);
  if (properties === undefined) return undefined;
  const at = await modifiedAt(join(folder, properties));
  return at !== undefined && at > Date.parse(dbt.manifest.metadata.generated_at) ? properties : undefined;
}

async function modifiedAt(path: string): Promise<number | undefined> {
  return unlessMissing(async () => (await stat(path)).mtimeMs);
}

async function textOf(path: string): Promise<string | undefined> {
  return unlessMissing(() => readFile(path, 'utf8'));
}

/** A manifest that was copied to where the project is not, or not all of it, says nothing about staleness. */
async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(errorWord(cause))) return undefined;
    throw cause;
  }
}
