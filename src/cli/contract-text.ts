import type { ContractCheck, JudgedChange } from '../contract/check-history.ts';
import { formatProblem } from '../core/problem.ts';
import { type ConfirmedCheck, isRefusedByRegistry } from '../ops/confirm-contracts.ts';
import type { Output } from './output.ts';
import { REGISTRY_ADVICE, registryLines } from './registry-text.ts';

/** One mapping of `contracts check`, for a terminal. */
export function checkText(check: ConfirmedCheck, mustBeFrozen: boolean, colors: Output['colors']): string {
  const { bold, dim, green, yellow, red } = colors;
  const paint = {
    frozen: green,
    older: yellow,
    unfrozen: mustBeFrozen ? red : yellow,
    changed: mustBeFrozen ? red : yellow,
    incompatible: red,
    edited: red,
  };
  const mark = { frozen: '✔', older: '!', unfrozen: '!', changed: '!', incompatible: '✖', edited: '✖' }[check.status];
  const lines = [`${paint[check.status](mark)} ${bold(check.mapping)} ${check.version} ${dim(`(${check.policy})`)}: ${statusText(check)}`];
  for (const problem of check.problems) lines.push(`  ${red('✖')} ${formatProblem(problem)}`);
  for (const change of check.changes) lines.push(...changeLines(change, colors));
  for (const { ok, text } of registryLines(check)) lines.push(`  ${ok ? green('✔') : red('✖')} ${text}`);
  if (isRefusedByRegistry(check)) lines.push(`      → ${REGISTRY_ADVICE}`);
  const next = nextStep(check);
  if (next !== undefined) lines.push(`  → ${next}`);
  return lines.join('\n');
}

function changeLines(change: JudgedChange, { dim, red, yellow, green }: Output['colors']): string[] {
  const mark = change.refused ? red('✖') : change.breaks.length > 0 ? yellow('!') : green('·');
  const lines = [`  ${mark} ${change.message} ${dim(readersText(change))}`];
  if (change.caution !== undefined) lines.push(`      ${change.caution}`);
  if (change.refused && change.advice !== undefined) lines.push(`      → ${change.advice}`);
  return lines;
}

/** Which readers a change breaks, and from which versions on it is one. */
export function readersText({ breaks, since }: JudgedChange): string {
  const whom = breaks.length === 0 ? 'breaks nobody' : `breaks ${breaks.map((readers) => `${readers} readers`).join(' and ')}`;
  return `${whom}; since ${since.join(', ')}`;
}

export function statusText({ status, version, comparedWith }: ContractCheck): string {
  const others = comparedWith.length === 0 ? 'no earlier version to compare with' : `compatible with ${comparedWith.join(', ')}`;
  switch (status) {
    case 'frozen':
      return 'frozen';
    case 'older':
      return `frozen, but ${version} is not the newest version`;
    case 'unfrozen':
      return `not frozen yet; ${others}`;
    case 'changed':
      return `changed, but ${version} is taken or passed; ${others}`;
    case 'incompatible':
      return `breaks readers that its policy protects (compared with ${comparedWith.join(', ')})`;
    case 'edited':
      return 'frozen files were edited, or cannot be read';
  }
}

/** What to do now; undefined where nothing is to be done. */
export function nextStep({ status, mapping, nextVersion }: ContractCheck): string | undefined {
  switch (status) {
    case 'older':
      return `To publish an earlier version again, see headrace contracts rollback; a run refuses to go back by itself.`;
    case 'unfrozen':
      return `headrace contracts freeze ${mapping}`;
    case 'changed':
      return `Write version: "${nextVersion}", then: headrace contracts freeze ${mapping}`;
    case 'incompatible':
      return `Change the mapping as is said above, or write version: "${nextVersion}" and a new topic.`;
    default:
      return undefined;
  }
}
