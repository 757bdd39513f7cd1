import os from 'node:os';
import { HeadraceError } from '../core/errors.ts';

/** Who sits here: the user of the operating system. In a container it may have a number alone. */
export function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** `--reason`, for the ledger. */
export function reasonOf(text: string | undefined): string | null {
  return cleanText('--reason', text, 1_000);
}

/** A person's words on one line; null for none. Throws CONFIG_INVALID. */
export function cleanText(option: string, text: string | undefined, longest: number): string | null {
  const trimmed = text?.trim() ?? '';
  if (/\p{Cc}/u.test(trimmed) || trimmed.length > longest)
    throw new HeadraceError('CONFIG_INVALID', `${option} is longer than ${longest} characters, or holds control characters.`);
  return trimmed === '' ? null : trimmed;
}
