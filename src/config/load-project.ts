import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { HeadraceError } from '../core/errors.ts';
import type { Problem } from '../core/problem.ts';
import { alsoProblems } from './also-versions.ts';
import { classRules, type MappingClassRules } from './class-rules.ts';
import { DEFAULT_GUARDS } from './compile-guards.ts';
import { compileMapping } from './compile-mapping.ts';
import { compileModel, type ModelFile } from './compile-model.ts';
import { compileProject, type ProjectFile } from './compile-project.ts';
import { crossCheck } from './cross-checks.ts';
import { type DbtProject, readDbt } from './dbt/read-dbt.ts';
import { loadHistory } from './frozen-files.ts';
import type { ContractHistory, Project } from './project.ts';
import { type ReadResult, readDocument } from './read-document.ts';
import { secretValues } from './secrets.ts';
import { errorWord, type VariableSource } from './variables.ts';

export const PROJECT_FILE = 'headrace.yml';

export interface LoadedProject {
  /** Present only where no problem is an error. */
  readonly project: Project | undefined;
  /** Of all files, errors and warnings, in the order of files and lines. */
  readonly problems: readonly Problem[];
  /** What the classes of the mappings required and decided; of those mappings that are right. */
  readonly classRules: readonly MappingClassRules[];
  /** Values of headrace.yml's secrets, whatever is wrong with it. */
  readonly secrets: readonly string[];
}

/** The nearest folder, upwards from here, that holds headrace.yml. Throws CONFIG_INVALID where there is none. */
export function findProjectRoot(cwd: string): string {
  const start = resolve(cwd);
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, PROJECT_FILE))) return folder;
    if (dirname(folder) === folder) break;
  }
  throw new HeadraceError('CONFIG_INVALID', `There is no ${PROJECT_FILE} in ${start} or a folder above it.`, {
    path: start,
    suggestion: 'Run `headrace init` to make a project, or go to the folder of one.',
  });
}

/**
 * Reads headrace.yml, models/, mappings/ and contracts/ of the folder. Whatever is wrong in them is returned as problems, all of them at once; nothing is thrown for it.
 * What is wrong in contracts/ concerns single mappings, and stands in their histories.
 * Variables come from `env` and from files alone; no .env file is read. `nowMs` is what a dbt manifest's age and deprecation dates are compared with.
 */
export async function loadProject(root: string, env: NodeJS.ProcessEnv, nowMs = Date.now()): Promise<LoadedProject> {
  const source: VariableSource = { root: resolve(root), env };
  const problems: Problem[] = [];
  const report = (problem: Problem) => void problems.push(problem);

  const main = await readDocument(PROJECT_FILE, source);
  const modelReads = await readFolder('models', source, report);
  const mappingReads = await readFolder('mappings', source, report);
  for (const read of [main, ...modelReads, ...mappingReads]) problems.push(...read.problems);

  const file = main.document === undefined ? undefined : compileProject(main.document, source.root, report);
  const dbt =
    file?.dbt === undefined || main.document === undefined ? undefined : await readDbt(file.dbt, main.document, source.root, nowMs, report);
  const models = await compileModels(modelReads, { file, dbt, root: source.root, nowMs }, report);
  const known = {
    names: models.flatMap((model) => (model.name === undefined ? [] : [model.name])),
    literalNames: models.flatMap(({ document, name }) => (name !== undefined && document.written(['model']) === name ? [name] : [])),
    models: new Map(models.flatMap((each) => (each.model === undefined ? [] : [[each.model.name, each.model] as const]))),
  };
  const mappings = mappingReads.flatMap(({ document }) =>
    document === undefined ? [] : [compileMapping(document, file ?? NO_PROJECT_FILE, known, report)],
  );
  problems.push(...crossCheck(file?.name, models, mappings));

  const sorted = inOrder(problems);
  const secrets = main.document === undefined ? [] : secretValues(main.document);
  const rules = mappings.flatMap(({ mapping, document }) => (mapping === undefined ? [] : [classRules(mapping, document)]));
  if (sorted.some((problem) => problem.severity === 'error')) return { project: undefined, problems: sorted, classRules: rules, secrets };
  if (file?.name === undefined || file.kafka === undefined) throw new Error('a project without problems lacks its name or its brokers');
  const contracts = new Map<string, ContractHistory>();
  for (const { mapping, document } of mappings)
    if (mapping !== undefined) contracts.set(mapping.name, await loadHistory(mapping, document, source));
  const project: Project = {
    name: file.name,
    environment: file.environment,
    root: source.root,
    warehouses: file.warehouses,
    kafka: file.kafka,
    registry: file.registry,
    snapshot: file.snapshot,
    serve: file.serve,
    approvals: file.approvals,
    consumers: file.consumers,
    models: known.models,
    mappings: new Map(mappings.flatMap(({ mapping }) => (mapping === undefined ? [] : [[mapping.name, mapping] as const]))),
    contracts,
  };
  const together = [...project.mappings.values()].flatMap((mapping) =>
    alsoProblems(mapping, contracts.get(mapping.name) as ContractHistory, project),
  );
  if (together.length > 0) return { project: undefined, problems: inOrder([...sorted, ...together]), classRules: rules, secrets };
  return { project: deepFreeze(project), problems: sorted, classRules: rules, secrets };
}

/** Stands in for a headrace.yml that cannot be read, so that the other files are checked nonetheless. */
const NO_PROJECT_FILE: Pick<ProjectFile, 'topics' | 'guards'> = {
  topics: { partitions: 6, replication: undefined, config: new Map() },
  guards: DEFAULT_GUARDS,
};

async function compileModels(
  reads: readonly ReadResult[],
  { file, dbt, root, nowMs }: { file: ProjectFile | undefined; dbt: DbtProject | undefined; root: string; nowMs: number },
  report: (problem: Problem) => void,
): Promise<readonly ModelFile[]> {
  const models: ModelFile[] = [];
  const project = file === undefined ? undefined : { ...file, dbt, hasDbt: file.dbt !== undefined };
  for (const { document } of reads) if (document !== undefined) models.push(await compileModel(document, root, project, nowMs, report));
  return models;
}

/** Every .yml and .yaml file of a folder, in the order of their names. Names that begin with a dot are passed over: mounted ConfigMaps have such. */
async function readFolder(folder: string, source: VariableSource, report: (problem: Problem) => void): Promise<readonly ReadResult[]> {
  const missing = (message: string, suggestion: string, severity: Problem['severity'] = 'error') =>
    report({ file: folder, path: '', message, suggestion, severity });
  try {
    const names = (await readdir(join(source.root, folder))).filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.')).sort();
    if (names.length === 0) missing(`The folder ${folder} holds no .yml file.`, `Add one, as ${folder}/example.yml.`, 'warning');
    const reads: ReadResult[] = [];
    for (const name of names) reads.push(await readDocument(`${folder}/${name}`, source));
    return reads;
  } catch (cause) {
    const word = errorWord(cause);
    if (word === 'ENOENT') missing(`The folder ${folder} is missing.`, `Make ${folder}/ beside ${PROJECT_FILE}.`);
    else missing(`The folder ${folder} cannot be read (${word}).`, `${folder} must be a folder of .yml files.`);
    return [];
  }
}

/** Files in the order in which they are read, then by line; the same problem once. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const rank = (file: string) => (file === PROJECT_FILE ? 0 : file.startsWith('models') ? 1 : 2);
  const unique = new Map(problems.map((problem) => [`${problem.file}\0${problem.path}\0${problem.line}\0${problem.message}`, problem]));
  return [...unique.values()].sort(
    (a, b) =>
      rank(a.file) - rank(b.file) ||
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

/** Freezes objects, lists, and the values of maps. A Map itself cannot be frozen; its type is ReadonlyMap. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) for (const item of value.values()) deepFreeze(item);
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
