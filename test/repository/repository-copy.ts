import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** Paths of the files that git tracks, or would track, relative to the root. */
export function repositoryFiles(): readonly string[] {
  const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  return output.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
}

export interface Result {
  readonly status: number | null;
  /** What was written to the terminal, both streams. */
  readonly output: string;
}

/** A copy of the repository as it stands, to break on purpose. */
export class RepositoryCopy {
  readonly root = mkdtempSync(join(tmpdir(), 'headrace-copy-'));

  constructor() {
    for (const path of repositoryFiles()) cpSync(join(ROOT, path), join(this.root, path));
    symlinkSync(join(ROOT, 'node_modules'), join(this.root, 'node_modules'));
  }

  /** Puts files there while `use` runs, and takes them away again. They must be new. */
  withFiles<T>(files: Readonly<Record<string, string>>, use: () => T): T {
    const paths = Object.keys(files).map((path) => join(this.root, path));
    for (const path of paths) if (existsSync(path)) throw new Error(`${path} exists already`);
    try {
      for (const [path, text] of Object.entries(files)) writeFileSync(join(this.root, path), text);
      return use();
    } finally {
      for (const path of paths) rmSync(path, { force: true });
    }
  }

  /** `npm run check -- --only <step>`, without npm. */
  check(step: string): Result {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/bootstrap.mjs', 'check', '--only', step], {
      cwd: this.root,
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
