import type { Mapping, Project } from '../../config/project.ts';
import { isFrozen, isRefused } from '../../contract/check-history.ts';
import { EXIT } from '../../core/errors.ts';
import { formatProblem, type Problem } from '../../core/problem.ts';
import { checkContracts, exitCodeOfChecks } from '../../ops/check-contracts.ts';
import { checkDeclarations } from '../../ops/check-mappings.ts';
import { type ConfirmedCheck, confirmContract, exitCodeOfConfirmations } from '../../ops/confirm-contracts.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { checksMarkdown, declaredMarkdown } from '../contract-markdown.ts';
import { checkText } from '../contract-text.ts';
import { requireProject, selectMappings } from '../load.ts';

export interface ContractsCheckFlags {
  readonly format: 'text' | 'json' | 'markdown';
  readonly frozen?: true;
  /** False with --no-registry. */
  readonly registry: boolean;
}

export async function checkContractsCommand(
  context: CommandContext,
  names: readonly string[],
  flags: ContractsCheckFlags,
): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  const mappings = selectMappings(project, names);
  const checks = await confirmed(context, project, mappings, flags.registry);
  const declared = checkDeclarations(project, mappings);
  const mustBeFrozen = flags.frozen === true;
  const body = { contracts: checks.map((check) => bodyOf(check)), declared: declared.map(problemBody) };
  if (flags.format === 'json') output.print(JSON.stringify(body, null, 2));
  else if (flags.format === 'markdown') output.print([checksMarkdown(checks, mustBeFrozen), ...declaredMarkdown(declared)].join('\n'));
  else for (const check of checks) output.print(checkText(check, mustBeFrozen, output.colors));
  const { red, yellow } = output.errorColors;
  if (!flags.registry && project.registry !== undefined) output.note('The schema registry was not asked (--no-registry).');
  for (const problem of declared)
    output.note(`${problem.severity === 'error' ? red('error') : yellow('warning')} ${formatProblem(problem)}`);
  const isMismatch = declared.some(({ severity }) => severity === 'error');
  const codes = [exitCodeOfChecks(checks, mustBeFrozen), exitCodeOfConfirmations(checks)];
  return { exitCode: isMismatch ? EXIT.invalid : Math.max(...codes), body };
}

/** Our own verdict, which needs no registry, and what the registry says where headrace.yml names one. */
async function confirmed(
  context: CommandContext,
  project: Project,
  mappings: readonly Mapping[],
  asks: boolean,
): Promise<readonly ConfirmedCheck[]> {
  const checks = checkContracts(project, mappings);
  if (!asks || project.registry === undefined) return checks.map((check) => ({ ...check, registry: null }));
  await using system = await context.compose(project);
  const registry = await system.registry();
  if (registry === undefined) throw new Error('a project with a registry was composed without one');
  const { signal } = context.interruption;
  const found: ConfirmedCheck[] = [];
  for (const [index, check] of checks.entries())
    found.push({ ...check, registry: await confirmContract(registry, project, mappings[index] as Mapping, signal) });
  return found;
}

function bodyOf(check: ConfirmedCheck): unknown {
  const { problems, changes, ...rest } = check;
  return {
    ...rest,
    refused: isRefused(check),
    frozen: isFrozen(check),
    changes: changes.map(({ caution = null, advice = null, ...change }) => ({ ...change, caution, advice })),
    problems: problems.map(problemBody),
  };
}

function problemBody({ line, column, suggestion, ...problem }: Problem): unknown {
  return { ...problem, line: line ?? null, column: column ?? null, suggestion: suggestion ?? null };
}
