import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = join(import.meta.dirname, '..', '..', '.cache', 'python');

/**
 * The folder with the programs of `test/systems/python/<name>.txt` (pinned versions), installed by pip into an environment of its own at first use (dbt: 30 s, 200 MB) and kept
 * in `.cache/`. Two processes may ask at once: each builds one, the first to finish puts it in place.
 * @throws Error that says what to install where python3 or its venv module is missing.
 */
export async function pythonPrograms(
  name: 'dbt' | 'datacontract' | 'consumer' | 'fakesnow' | 'bqemulator' | 'kubernetes' | 'schemathesis',
): Promise<string> {
  const requirements = join(import.meta.dirname, 'python', `${name}.txt`);
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const place = join(cache, `${name}-${digest}`);
  if (await exists(place)) return join(place, 'bin');
  await mkdir(cache, { recursive: true });
  // Scripts of an environment name its folder, so it is never moved: a link says which one is whole.
  const folder = await mkdtemp(join(cache, `${name}-`));
  try {
    await run('python3', ['-m', 'venv', folder]).catch((error: unknown) => {
      throw new Error(`These tests need Python 3.10 or later with venv (Debian: apt-get install python3-venv): ${outputOf(error)}`);
    });
    const args = ['install', '--quiet', '--no-input', '--disable-pip-version-check', '-r', requirements];
    await run(join(folder, 'bin', 'pip'), args, { maxBuffer: 16 << 20 }).catch((error: unknown) => {
      throw new Error(`pip could not install ${requirements}: ${outputOf(error)}`);
    });
    await symlink(folder, place);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (!(await exists(place))) throw error;
  }
  return join(place, 'bin');
}

function outputOf(error: unknown): string {
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  return `${stdout}${stderr}`.trim() || String(error);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
