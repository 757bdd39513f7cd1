import { type ContractCheck, isFrozen, isRefused } from '../../contract/check-history.ts';
import { checkContracts, exitCodeOfChecks } from '../../ops/check-contracts.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { checksMarkdown } from '../contract-markdown.ts';
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
  const checks = checkContracts(project, selectMappings(project, names));
  const mustBeFrozen = flags.frozen === true;
  const body = { contracts: checks.map((check) => bodyOf(check)) };
  if (flags.format === 'json') output.print(JSON.stringify(body, null, 2));
  else if (flags.format === 'markdown') output.print(checksMarkdown(checks, mustBeFrozen));
  else for (const check of checks) output.print(checkText(check, mustBeFrozen, output.colors));
  return { exitCode: exitCodeOfChecks(checks, mustBeFrozen), body };
}

function bodyOf(check: ContractCheck): unknown {
  const { problems, changes, ...rest } = check;
  return {
    ...rest,
    refused: isRefused(check),
    frozen: isFrozen(check),
    changes: changes.map(({ caution = null, advice = null, ...change }) => ({ ...change, caution, advice })),
    problems: problems.map(({ line = null, column = null, suggestion = null, ...problem }) => ({ ...problem, line, column, suggestion })),
  };
}
