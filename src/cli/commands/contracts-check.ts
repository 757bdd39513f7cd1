import { type ContractCheck, isFrozen, isRefused } from '../../contract/check-history.ts';
import { EXIT } from '../../core/errors.ts';
import { formatProblem, type Problem } from '../../core/problem.ts';
import { checkContracts, exitCodeOfChecks } from '../../ops/check-contracts.ts';
import { checkDeclarations } from '../../ops/check-mappings.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { checksMarkdown, declaredMarkdown } from '../contract-markdown.ts';
import { checkText } from '../contract-text.ts';
import { requireProject, selectMappings } from '../load.ts';

export interface ContractsCheckFlags {
  readonly format: 'text' | 'json' | 'markdown';
  readonly frozen?: true;
}

export async function checkContractsCommand(
  context: CommandContext,
  names: readonly string[],
  flags: ContractsCheckFlags,
): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  const mappings = selectMappings(project, names);
  const checks = checkContracts(project, mappings);
  const declared = checkDeclarations(project, mappings);
  const mustBeFrozen = flags.frozen === true;
  const body = { contracts: checks.map((check) => bodyOf(check)), declared: declared.map(problemBody) };
  if (flags.format === 'json') output.print(JSON.stringify(body, null, 2));
  else if (flags.format === 'markdown') output.print([checksMarkdown(checks, mustBeFrozen), ...declaredMarkdown(declared)].join('\n'));
  else for (const check of checks) output.print(checkText(check, mustBeFrozen, output.colors));
  const { red, yellow } = output.errorColors;
  for (const problem of declared)
    output.note(`${problem.severity === 'error' ? red('error') : yellow('warning')} ${formatProblem(problem)}`);
  const isMismatch = declared.some(({ severity }) => severity === 'error');
  return { exitCode: isMismatch ? EXIT.invalid : exitCodeOfChecks(checks, mustBeFrozen), body };
}

function bodyOf(check: ContractCheck): unknown {
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
