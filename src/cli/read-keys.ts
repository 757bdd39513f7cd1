import { readFileSync } from 'node:fs';
import { HeadraceError } from '../core/errors.ts';

/** One key per line, each once. Throws CONFIG_INVALID. */
export function readKeys(file: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HeadraceError('CONFIG_INVALID', `${file} cannot be read: ${(cause as Error).message}`, { path: file, cause });
  }
  const keys = [...new Set(text.split(/\r?\n/).filter((line) => line !== ''))];
  if (keys.length > 0) return keys;
  throw new HeadraceError('CONFIG_INVALID', `${file} holds no keys.`, { path: file, suggestion: 'Write one per line.' });
}
