import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const NAME = /^headrace-run-(\d+)$/;

/**
 * A folder for everything temporary of a run of the tests, which goes with this process. Tests that are killed, or time out, leave folders behind, and so does a run that is killed itself:
 * the next one removes what is left of those whose process is gone.
 */
export function createRunFolder(): string {
  const parent = tmpdir();
  for (const name of readdirSync(parent)) {
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) remove(path.join(parent, name));
  }
  const folder = path.join(parent, `headrace-run-${process.pid}`);
  // Also for the user that PostgreSQL runs as.
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  process.once('exit', () => remove(folder));
  return folder;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // A server that is about to end still writes there: the next run removes it.
  }
}
