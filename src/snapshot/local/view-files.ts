import { constants, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Database, open, RootDatabase } from 'lmdb';
import { copyJournal } from './journal.ts';
import { isReadable } from './probe.ts';
import { inspectSeal, type SealState, seal } from './seal.ts';

/** The LMDB environment of a copy, in the mapping's folder. */
const FILE = 'view.mdb';
const JOURNAL = 'view.journal';
const DATABASES = ['meta', 'entries', 'rows', 'groups'] as const;

export function viewFile(folder: string): string {
  return path.join(folder, FILE);
}

export function journalFile(folder: string): string {
  return path.join(folder, JOURNAL);
}

/** What the seal says, where the file can be opened at all; undefined where it must not be. */
export function usableSeal(folder: string): SealState | undefined {
  const sealState = inspectSeal(viewFile(folder));
  if (sealState === 'broken') return undefined;
  return sealState !== 'open' || isReadable(viewFile(folder), DATABASES) ? sealState : undefined;
}

export function removeView(folder: string): void {
  for (const name of [FILE, `${FILE}-lock`, `${FILE}.seal`, JOURNAL, `${JOURNAL}.new`]) rmSync(path.join(folder, name), { force: true });
}

export function openRoot(lmdb: { readonly open: typeof open }, folder: string): RootDatabase {
  return lmdb.open({ path: viewFile(folder), maxDbs: DATABASES.length, compression: false, encoding: 'binary', keyEncoding: 'binary' });
}

export function openBinary(root: RootDatabase, name: (typeof DATABASES)[number]): Database {
  return root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' });
}

/** A consistent copy of a folder that may be in use; nothing where there is nothing intact to copy. */
export async function copyView(from: string, to: string): Promise<void> {
  const [source, target] = [viewFile(from), viewFile(to)];
  const sealState = inspectSeal(source);
  if (sealState === 'absent' || sealState === 'broken') return;
  mkdirSync(to, { recursive: true, mode: 0o700 });
  copyJournal(journalFile(from), journalFile(to));
  if (sealState === 'intact') {
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
    // Had a run begun to write meanwhile, the copy would be torn.
    if (inspectSeal(source) === 'intact') return seal(target);
  }
  const root = openRoot(await import('lmdb'), from);
  await root.backup(target, false);
  await root.close();
}
