import { EXIT, HeadraceError } from '../../core/errors.ts';
import { approvePlan } from '../../ops/plans/authorize.ts';
import { readPlan } from '../../ops/plans/plan-file.ts';
import { type PlanRecord, PlanRegister } from '../../ops/plans/register.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject } from '../load.ts';
import { formatInstant } from '../numbers.ts';
import { userName } from '../person.ts';
import { type SignerFlags, signedPlanText, signerOf } from '../plan-options.ts';
import { formatTable } from '../table.ts';

/** Signs a plan as approved, after showing what it says. */
export async function approveCommand(
  context: CommandContext,
  file: string,
  flags: SignerFlags & { readonly show?: true },
): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  if (flags.show === true) {
    const signed = readPlan(file);
    output.print(signedPlanText(signed, context));
    return { exitCode: EXIT.done, body: { ...signed } };
  }
  const signer = signerOf(context, project, flags);
  if (signer === undefined)
    throw new HeadraceError('CONFIG_INVALID', 'Nobody is named who approves.', {
      suggestion: 'Give --as NAME and --key FILE. Nothing was changed.',
    });
  const signed = approvePlan(project, file, signer, Date.now());
  output.print(signedPlanText(signed, context));
  return { exitCode: EXIT.done, body: { ...signed } };
}

/** Which plans were used, and which were refused. */
export async function plansCommand(context: CommandContext): Promise<CommandResult> {
  const project = await requireProject(context);
  await using system = await context.compose(project);
  const plans = await new PlanRegister(system, project, userName(), context.interruption.signal).read();
  const { dim, bold } = context.output.colors;
  context.output.print(
    plans.length === 0
      ? 'No plan was used yet.'
      : formatTable<PlanRecord>(
          [
            { title: dim('plan'), value: (p) => bold(p.id) },
            { title: dim('what'), value: (p) => p.operation },
            { title: dim('state'), value: (p) => p.state },
            { title: dim('at'), value: (p) => formatInstant(Date.parse(p.at)) },
            { title: dim('by'), value: (p) => `${p.user} on ${p.host}` },
            { title: dim('planned by'), value: (p) => p.planner },
            { title: dim('approved by'), value: (p) => p.approvedBy.join(', ') },
            { title: dim('why not'), value: (p) => p.message ?? '' },
          ],
          plans,
        ),
  );
  return { exitCode: EXIT.done, body: { plans } };
}
