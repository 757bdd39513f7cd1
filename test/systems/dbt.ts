import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonPrograms } from './python-programs.ts';

const run = promisify(execFile);

/** The dbt project of test/dbt/project in a folder of its own, built by the real dbt. */
export class DbtProject {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #target: 'duckdb' | 'postgres';
  readonly #programs: string;

  private constructor(folder: string, target: 'duckdb' | 'postgres', env: NodeJS.ProcessEnv, programs: string) {
    this.folder = folder;
    this.#target = target;
    this.#env = env;
    this.#programs = programs;
  }

  /** `warehouse` is the path of a DuckDB file, or a postgres:// URL. */
  static async create(folder: string, target: 'duckdb' | 'postgres', warehouse: string): Promise<DbtProject> {
    const programs = await pythonPrograms('dbt');
    await cp(join(import.meta.dirname, '..', 'dbt', 'project'), folder, { recursive: true });
    const env = { ...process.env, ...connection(target, warehouse), DBT_SEND_ANONYMOUS_USAGE_STATS: 'false', NO_COLOR: '1' };
    return new DbtProject(folder, target, env, programs);
  }

  get manifest(): string {
    return join(this.folder, 'target', 'manifest.json');
  }

  /** Runs a command of dbt, as `build`; throws with what it printed where it fails. */
  async dbt(...args: readonly string[]): Promise<string> {
    const options = ['--project-dir', this.folder, '--profiles-dir', this.folder, '--target', this.#target];
    const command = [...args, ...options];
    const { stdout } = await run(join(this.#programs, 'dbt'), command, { cwd: this.folder, env: this.#env, maxBuffer: 64 << 20 }).catch(
      (error: unknown) => {
        const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
        throw new Error(`dbt ${args.join(' ')} failed:\n${stdout}${stderr}`);
      },
    );
    return stdout;
  }

  /** Replaces a text in files of the project, everywhere in each; each must hold it. */
  async replace(text: string | RegExp, by: string, ...files: readonly string[]): Promise<void> {
    for (const file of files) {
      const path = join(this.folder, file);
      const before = await readFile(path, 'utf8');
      const after = before.replaceAll(text, by);
      if (after === before) throw new Error(`${file} does not hold ${text}`);
      await writeFile(path, after);
    }
  }
}

function connection(target: 'duckdb' | 'postgres', warehouse: string): NodeJS.ProcessEnv {
  if (target === 'duckdb') return { DBT_DUCKDB_FILE: warehouse };
  const url = new URL(warehouse);
  return {
    DBT_PGHOST: url.hostname,
    DBT_PGPORT: url.port,
    DBT_PGUSER: decodeURIComponent(url.username),
    DBT_PGPASSWORD: decodeURIComponent(url.password),
    DBT_PGDATABASE: url.pathname.slice(1),
  };
}
