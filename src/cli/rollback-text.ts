import type { RollbackPlan } from '../ops/rollback.ts';
import type { Output } from './output.ts';
import { planText } from './plan-text.ts';

/** What moving a mapping to another version would do, for people. */
export function rollbackText({ mapping, from, to, resumes, plan, readers, needsApproval }: RollbackPlan, colors: Output['colors']): string {
  const { bold, dim, yellow, green } = colors;
  if (plan === undefined) return `${green('✔')} ${bold(mapping)} is at version ${to} already: nothing to do.`;
  const lines = [`${bold(mapping)}: version ${from} → ${to}${resumes ? dim(' (an earlier move was interrupted; it is taken up)') : ''}`];
  if (readers === null) lines.push(`  ${yellow('!')} version ${from} was never frozen: which of its readers break is not known`);
  else if (readers.length === 0) lines.push(`  ${green('✔')} readers of ${from} understand facts of ${to}`);
  else {
    lines.push(`  ${yellow('!')} readers that know ${from} alone break on facts of ${to}:`);
    for (const { message } of readers) lines.push(`      ${message}`);
  }
  if (needsApproval)
    lines.push(
      `  ${yellow('!')} needs another person's consent: --out FILE writes the plan, headrace approve signs it, --approved FILE applies it`,
    );
  return [...lines, planText(plan, colors, `headrace contracts rollback ${mapping} --to ${to}`)].join('\n');
}
