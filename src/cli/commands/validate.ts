import { alsoNotices } from '../../config/also-versions.ts';
import type { MappingClassRules } from '../../config/class-rules.ts';
import { limitsOf, type MappingLimits } from '../../config/limits.ts';
import type { LoadedProject } from '../../config/load-project.ts';
import type { Project } from '../../config/project.ts';
import { EXIT, exitCodeOf } from '../../core/errors.ts';
import { formatProblem, type Problem } from '../../core/problem.ts';
import { checkDeclarations, checkMappings, type MappingCheck } from '../../ops/check-mappings.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { loadFiles } from '../load.ts';
import type { Output } from '../output.ts';

export interface ValidateFlags {
  readonly printSchema?: 'project' | 'model' | 'mapping';
  /** False for `--no-warehouse`. */
  readonly warehouse: boolean;
}

export async function validate(context: CommandContext, flags: ValidateFlags): Promise<CommandResult> {
  if (flags.printSchema !== undefined) return printSchema(context.output, flags.printSchema);
  const { output } = context;
  const { project, problems, classRules } = await loadFiles(context);
  const frozen = project === undefined ? [] : [...project.contracts.values()].flatMap((history) => history.problems);
  printProblems(output, [...problems, ...frozen]);
  if (project === undefined) return { exitCode: EXIT.invalid, body: bodyOf(undefined, problems, { limits: [], classRules }, []) };
  const declared = checkDeclarations(project);
  printProblems(output, declared);
  const checks = flags.warehouse ? await checkAgainstWarehouses(context, project) : [];
  const limits = limitsOf(project);
  const notices = [...project.mappings.values()].flatMap((mapping) =>
    alsoNotices(mapping, Date.now()).map((notice) => `${mapping.name}: ${notice}`),
  );
  for (const notice of notices) output.warn(notice);
  const found = [...problems, ...frozen, ...declared, ...distinct(checks.flatMap((check) => check.problems))];
  const isInvalid = found.some(({ severity }) => severity === 'error');
  const errors = distinct(checks.flatMap(({ error }) => (error === undefined ? [] : [error])));
  printClassRules(output, classRules);
  printLimits(output, limits);
  if (!isInvalid && errors.length === 0) printVerdict(output, project, flags);
  const exitCode = Math.min(...(isInvalid ? [EXIT.invalid] : []), ...errors.map(exitCodeOf));
  return { exitCode: Number.isFinite(exitCode) ? exitCode : EXIT.done, body: bodyOf(project, found, { limits, classRules }, errors) };
}

async function checkAgainstWarehouses(context: CommandContext, project: Project): Promise<readonly MappingCheck[]> {
  await using system = await context.compose(project);
  const checks = await checkMappings(system, project);
  printProblems(context.output, distinct(checks.flatMap(({ problems }) => problems)));
  for (const error of distinct(checks.flatMap(({ error }) => (error === undefined ? [] : [error])))) printError(context.output, error);
  return checks;
}

async function printSchema(output: Output, kind: NonNullable<ValidateFlags['printSchema']>): Promise<CommandResult> {
  const { mappingSchema, modelSchema, projectSchema, schemaText } = await import('../../config/json-schemas.ts');
  const schema = { project: projectSchema, model: modelSchema, mapping: mappingSchema }[kind]();
  output.print(schemaText(schema).trimEnd());
  return { exitCode: EXIT.done, body: { schema } };
}

function printProblems(output: Output, problems: readonly Problem[]): void {
  const { red, yellow } = output.errorColors;
  for (const problem of problems) {
    output.note(`${problem.severity === 'error' ? red('error') : yellow('warning')} ${formatProblem(problem)}`);
  }
}

function printClassRules(output: Output, classRules: readonly MappingClassRules[]): void {
  const { bold, dim } = output.colors;
  for (const { mapping, class: mappingClass, rules } of classRules) {
    output.print(`${bold(mapping)} ${dim(`class rules (${mappingClass}):`)}`);
    for (const { setting, value, origin, rule } of rules)
      output.print(`  – ${setting}: ${value}${origin === 'default' ? dim(' (default)') : ''} ${dim(`– ${rule}`)}`);
  }
}

function printLimits(output: Output, limits: readonly MappingLimits[]): void {
  const { bold, dim } = output.colors;
  for (const { mapping, limits: sentences } of limits) {
    output.print(`${bold(mapping)} ${dim('cannot promise:')}`);
    for (const sentence of sentences) output.print(`  – ${sentence}`);
  }
}

function printVerdict(output: Output, project: Project, { warehouse }: ValidateFlags): void {
  const checked = warehouse ? 'and fit their warehouses' : '(not checked against a warehouse)';
  output.print(`${output.colors.green('✔')} ${project.models.size} models and ${project.mappings.size} mappings are valid ${checked}.`);
}

function bodyOf(
  project: LoadedProject['project'],
  problems: readonly Problem[],
  { limits, classRules }: { readonly limits: readonly MappingLimits[]; readonly classRules: readonly MappingClassRules[] },
  errors: readonly unknown[],
): Readonly<Record<string, unknown>> {
  const located = problems.map(({ line = null, column = null, suggestion = null, ...problem }) => ({
    ...problem,
    line,
    column,
    suggestion,
  }));
  return { project: project?.name ?? null, problems: located, classRules, limits, errors: errors.map(describeError) };
}

/** Two mappings of one model have its problems, and its warehouse's failure, in common. */
function distinct<T>(things: readonly T[]): readonly T[] {
  return [...new Map(things.map((thing) => [thing instanceof Error ? thing.message : JSON.stringify(thing), thing])).values()];
}
