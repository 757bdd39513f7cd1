import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadProject } from '../../src/config/load-project.ts';
import type { Project } from '../../src/config/project.ts';
import { formatProblem } from '../../src/core/problem.ts';
import { freezeContracts } from '../../src/ops/freeze-contracts.ts';
import type { Engine } from './warehouses/open.ts';

/** Lets whole suites run with the view in the warehouse. */
const VIEW = process.env.HEADRACE_TEST_VIEW ?? 'local';

/** What a test writes: the same files as a user. `PREFIX` in a topic name becomes unique for the test. */
export interface WorldFiles {
  readonly models: Readonly<Record<string, string>>;
  readonly mappings: Readonly<Record<string, string>>;
  /** Appended to headrace.yml. */
  readonly project?: string;
  /** Further keys of headrace.yml's `kafka`, as `transaction_timeout: 6s`. */
  readonly kafka?: string;
  /** Where facts are compared: `local`, unless HEADRACE_TEST_VIEW says otherwise. */
  readonly view?: 'local' | 'warehouse';
  /** Where the source is: PostgreSQL, unless HEADRACE_TEST_WAREHOUSE says otherwise. It stays through all edits. */
  readonly engine?: Engine;
  /** Further keys of headrace.yml's `snapshot`. */
  readonly snapshot?: string;
  /** Frozen versions stay from one edit to the next. */
  readonly keepContracts?: true;
  /** `dev` unless given. */
  readonly environment?: string;
  /** Whether the contracts are frozen anew with the files, or left as they lie there: true unless given, in any environment but dev. */
  readonly frozen?: boolean;
  /** Variables that the project file names, beside those of the world. */
  readonly env?: Readonly<Record<string, string>>;
}

/** `warehouse` is the one named `main` in headrace.yml. */
export function writeFiles(root: string, name: string, files: WorldFiles, warehouse: string): void {
  if (isFrozen(files) && files.keepContracts !== true) rmSync(path.join(root, 'contracts'), { recursive: true, force: true });
  for (const folder of ['models', 'mappings']) {
    rmSync(path.join(root, folder), { recursive: true, force: true });
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  const fill = (text: string) => text.replaceAll('PREFIX', name);
  const project = `
project: ${name}
environment: ${files.environment ?? 'dev'}
warehouses: { main: ${warehouse} }
kafka: { brokers: "\${WORLD_BROKERS}", ${files.kafka ?? ''} }
topics: { partitions: 3 }
snapshot: { path: .headrace, view: ${files.view ?? VIEW}, ${files.snapshot ?? ''} }
`;
  writeFileSync(path.join(root, 'headrace.yml'), project + fill(files.project ?? ''));
  for (const [file, text] of Object.entries(files.models)) writeFileSync(path.join(root, 'models', `${file}.yml`), fill(text));
  for (const [file, text] of Object.entries(files.mappings)) writeFileSync(path.join(root, 'mappings', `${file}.yml`), fill(text));
}

function isFrozen({ environment = 'dev', frozen = environment !== 'dev' }: WorldFiles): boolean {
  return frozen;
}

export async function loadFrozen(root: string, variables: Readonly<Record<string, string>>, files: WorldFiles): Promise<Project> {
  const project = await load(root, variables);
  if (!isFrozen(files)) return project;
  for (const { error } of await freezeContracts(project, [...project.mappings.values()])) if (error !== undefined) throw error;
  return load(root, variables);
}

export async function load(root: string, variables: Readonly<Record<string, string>>): Promise<Project> {
  const { project, problems } = await loadProject(root, variables);
  if (project === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return project;
}
