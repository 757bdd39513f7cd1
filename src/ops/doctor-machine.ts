import { randomBytes } from 'node:crypto';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HeadraceError } from '../core/errors.ts';
import { type Finding, failure, fine, suspicion } from './finding.ts';

/** package.json's `engines`. */
const OLDEST_NODE = [20, 19] as const;
const LITTLE_SPACE_BYTES = 1024 ** 3;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  if (isNew) return fine('node', 'this machine', `Node ${version}`);
  const message = `Node ${version} is older than ${OLDEST_NODE.join('.')}`;
  return failure('node', 'this machine', new HeadraceError('CONFIG_INVALID', message, { suggestion: 'Install a newer Node.' }));
}

/** Whether the folder of the local copies can be written, and how much room is left. */
export async function checkFolder(folder: string): Promise<Finding> {
  const probe = path.join(folder, `.doctor-${randomBytes(4).toString('hex')}`);
  try {
    // The topmost folder that had to be made.
    const made = await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(probe, '', { flag: 'wx', mode: 0o600 });
    await rm(probe);
    const { bavail, bsize } = await statfs(folder);
    if (made !== undefined) await rm(made, { recursive: true });
    const free = bavail * bsize;
    const room = `${folder} can be written; ${(free / 1024 ** 3).toFixed(1)} GiB are free`;
    if (free >= LITTLE_SPACE_BYTES) return fine('folder', 'local copies', room);
    return suspicion('folder', 'local copies', room, 'Make room, or set `snapshot.path` in headrace.yml to a larger disk.');
  } catch (cause) {
    const message = `${folder} cannot be written: ${(cause as Error).message}`;
    const suggestion = `Give this user the folder: chown -R "$(id -u)" ${folder}; or set \`snapshot.path\` in headrace.yml.`;
    return failure('folder', 'local copies', new HeadraceError('LOCAL_COPY_FAILED', message, { suggestion, cause }));
  }
}
