import { HeadraceError } from '../../core/errors.ts';
import { problemsError } from '../../core/problem.ts';
import { examine, exitCodeOfFindings } from '../../ops/doctor.ts';
import { type Finding, failure, fine } from '../../ops/finding.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { loadFiles } from '../load.ts';
import { quietSettings } from '../quiet.ts';

export async function doctor(context: CommandContext): Promise<CommandResult> {
  const findings = await findingsOf(context);
  for (const finding of findings) printFinding(context, finding);
  const body = findings.map(({ error, remedy = null, ...finding }) => ({
    ...finding,
    remedy,
    code: error instanceof HeadraceError ? error.code : null,
  }));
  return { exitCode: exitCodeOfFindings(findings), body: { findings: body } };
}

async function findingsOf(context: CommandContext): Promise<readonly Finding[]> {
  const { project, problems, root } = await loadFiles(context);
  if (project === undefined) return [failure('configuration', root, problemsError(problems))];
  const loaded = fine('configuration', root, `${project.models.size} models, ${project.mappings.size} mappings`);
  await using system = await context.compose(project, 'doctor');
  return [loaded, ...(await examine(system, project, quietSettings(context)))];
}

function printFinding({ output }: CommandContext, { check, subject, status, message, remedy }: Finding): void {
  const { green, yellow, red, bold } = output.colors;
  const mark = status === 'ok' ? green('✔') : status === 'suspicious' ? yellow('!') : red('✖');
  output.print(`${mark} ${bold(check)}  ${subject}: ${message}`);
  if (remedy !== undefined) output.print(`    → ${remedy}`);
}
