import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const cache = join(here, '..', '..', '.cache');

/** Runs a script of test/systems/python/ with the packages of requirements.txt, and returns what it prints. */
export async function runPython(script: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(await python(), [join(here, 'python', script), ...args], { maxBuffer: 64 << 20 });
  return stdout;
}

/**
 * An interpreter with the packages of requirements.txt, which are fetched at first use (about a minute, 120 MB) and kept in `.cache/`. An environment remembers where
 * it stands, so it is made in place, and named when it is whole.
 */
async function python(): Promise<string> {
  const requirements = join(here, 'python', 'requirements.txt');
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const ready = join(cache, `python-${digest}.ready`);
  const interpreterOf = async () => join(await readFile(ready, 'utf8'), 'bin', 'python');
  if (await exists(ready)) return interpreterOf();
  await mkdir(cache, { recursive: true });
  const folder = join(cache, `python-${digest}-${process.pid}`);
  try {
    await run('python3', ['-m', 'venv', folder]);
    await run(join(folder, 'bin', 'pip'), ['install', '-q', '--disable-pip-version-check', '-r', requirements], { maxBuffer: 16 << 20 });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new Error(
      `Python 3.10 or later with venv (Debian: apt-get install python3-venv) could not install ${requirements}:\n${message}\n${stderr}`,
    );
  }
  await writeFile(`${ready}.${process.pid}`, folder);
  await rename(`${ready}.${process.pid}`, ready);
  return interpreterOf();
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
