import { isFrozen, isRefused, type JudgedChange } from '../contract/check-history.ts';
import { formatProblem, type Problem } from '../core/problem.ts';
import { type ConfirmedCheck, isRefusedByRegistry } from '../ops/confirm-contracts.ts';
import { nextStep, statusText } from './contract-text.ts';
import { REGISTRY_ADVICE, registryLines } from './registry-text.ts';

/** `contracts check` as a comment on a pull request (GitHub's Markdown). */
export function checksMarkdown(checks: readonly ConfirmedCheck[], mustBeFrozen: boolean): string {
  const failing = checks.filter((check) => isRefused(check) || isRefusedByRegistry(check) || (mustBeFrozen && !isFrozen(check)));
  const verdict =
    failing.length === 0
      ? '✅ No contract breaks its readers.'
      : `❌ ${failing.length} of ${checks.length} contracts must not go out like this.`;
  const table = [
    '| contract | version | policy | |',
    '|---|---|---|---|',
    ...checks.map(
      (check) => `| ${cell(check.mapping)} | ${check.version} | ${check.policy} | ${markOf(check)} ${cell(statusText(check))} |`,
    ),
  ];
  const registry = checks.flatMap((check) =>
    registryLines(check).map(
      ({ ok, text }) => `- ${ok ? '✅' : '❌'} ${cell(check.mapping)}: ${cell(text)}${ok ? '' : ` ${REGISTRY_ADVICE}`}`,
    ),
  );
  const details = checks.filter(({ changes, problems }) => changes.length + problems.length > 0).map(detailsOf);
  const confirmed = registry.length === 0 ? [] : ['', '### Schema registry', '', ...registry];
  return ['## Contracts', '', verdict, '', ...table, ...confirmed, ...details.flatMap((text) => ['', text])].join('\n');
}

/** Where mappings do not fit what dbt declares, as more lines of the comment. */
export function declaredMarkdown(problems: readonly Problem[]): readonly string[] {
  if (problems.length === 0) return [];
  const lines = problems.map((problem) => `- ${problem.severity === 'error' ? '❌' : '⚠️'} ${cell(formatProblem(problem))}`);
  return ['', '### What dbt declares', '', ...lines];
}

function detailsOf(check: ConfirmedCheck): string {
  const lines = [`### ${check.mapping} ${check.version}`, ''];
  for (const problem of check.problems) lines.push(`- ❌ ${cell(formatProblem(problem))}`);
  if (check.changes.length > 0) {
    lines.push('| | change | breaks | since | what to do instead |', '|---|---|---|---|---|');
    for (const change of check.changes) lines.push(changeRow(change));
  }
  const next = nextStep(check);
  if (next !== undefined) lines.push('', `**Next:** ${next}`);
  return lines.join('\n');
}

function changeRow({ refused, message, caution, breaks, since, advice }: JudgedChange): string {
  const what = caution === undefined ? message : `${message} ${caution}`;
  const whom = breaks.length === 0 ? 'nobody' : breaks.map((readers) => `${readers} readers`).join(', ');
  return `| ${refused ? '❌' : breaks.length > 0 ? '⚠️' : '·'} | ${cell(what)} | ${whom} | ${since.join(', ')} | ${refused ? cell(advice ?? '') : ''} |`;
}

function markOf(check: ConfirmedCheck): string {
  return isRefused(check) || isRefusedByRegistry(check) ? '❌' : isFrozen(check) ? '✅' : '⚠️';
}

/** Text of a table's cell: bars and line ends would end it, and a tag would be one. */
function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('<', '&lt;');
}
