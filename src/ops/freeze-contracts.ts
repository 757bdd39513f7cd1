import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { frozenFile } from '../config/frozen-form.ts';
import type { Mapping, Project } from '../config/project.ts';
import { checkHistory } from '../contract/check-history.ts';
import { HeadraceError } from '../core/errors.ts';
import { contractError } from '../run/check-contract.ts';
import { historyOf } from './check-contracts.ts';
import { type MappingOutcome, outcomeOf } from './run-mappings.ts';

export interface FrozenResult {
  readonly version: string;
  /** Relative to the project. */
  readonly file: string;
  /** False where the same was frozen before. */
  readonly written: boolean;
}

/**
 * Writes the working version of each mapping, unless it is frozen already. A version that is taken, passed or incompatible is refused (CONTRACT_CHANGED,
 * CONTRACT_INCOMPATIBLE), edited files are, too (CONTRACT_EDITED); the other mappings go on.
 */
export async function freezeContracts(project: Project, mappings: readonly Mapping[]): Promise<readonly MappingOutcome<FrozenResult>[]> {
  return Promise.all(mappings.map((mapping) => outcomeOf(mapping.name, () => freeze(project, mapping))));
}

async function freeze(project: Project, mapping: Mapping): Promise<FrozenResult> {
  const history = historyOf(project, mapping);
  const check = checkHistory(mapping, history);
  const file = frozenFile(history.folder, mapping.version);
  if (check.status === 'frozen' || check.status === 'older') return { version: check.version, file, written: false };
  if (check.status !== 'unfrozen') throw contractError(check, mapping);
  await writeNew(project.root, file, history.freeze().text);
  return { version: check.version, file, written: true };
}

/** Whole or not at all: nobody reads half a contract, however the process ends. */
async function writeNew(root: string, file: string, text: string): Promise<void> {
  const target = path.join(root, file);
  const draft = path.join(path.dirname(target), `.${path.basename(target)}.${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(path.dirname(target), { recursive: true });
    try {
      await writeFile(draft, text, { flag: 'wx' });
      await rename(draft, target);
    } finally {
      await rm(draft, { force: true });
    }
  } catch (cause) {
    throw new HeadraceError('CONFIG_INVALID', `${file} cannot be written: ${(cause as Error).message}`, {
      path: target,
      suggestion: 'Check the permissions of the folder contracts/.',
      cause,
    });
  }
}
