import type { Command } from 'commander';
import type { Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { type Applying, makePlan, type Planner } from '../ops/plans/apply.ts';
import type { PlanContent, SignedPlan } from '../ops/plans/plan-file.ts';
import { openSigner, type Signer } from '../ops/plans/signatures.ts';
import type { System } from '../run/system.ts';
import type { CommandContext } from './context.ts';
import { formatCount, formatInstant } from './numbers.ts';
import { reasonOf, userName } from './person.ts';
import { formatTable } from './table.ts';

/** Who signs. */
export interface SignerFlags {
  readonly as?: string;
  readonly key?: string;
}

/** Of a command that can be planned by one person and applied after another has approved. */
export interface PlanFlags extends SignerFlags {
  readonly out?: string;
  readonly approved?: string;
  readonly reason?: string;
}

export function addSignerOptions(command: Command): Command {
  return command
    .option('--as <identity>', 'the identity that signs, as headrace.yml names it under approvals (default: HEADRACE_IDENTITY)')
    .option('--key <file>', 'file of its Ed25519 private key (default: HEADRACE_SIGNING_KEY)');
}

export function addPlanOptions(command: Command): Command {
  command
    .option('--out <file>', 'write the plan to a new file, to be approved, and end')
    .option('--approved <file>', 'do what this approved plan says');
  return addSignerOptions(command);
}

/** Undefined where nobody is named. Throws CONFIG_INVALID for half of it. */
export function signerOf({ env }: CommandContext, project: Project, flags: SignerFlags): Signer | undefined {
  const identity = flags.as ?? env.HEADRACE_IDENTITY;
  const key = flags.key ?? env.HEADRACE_SIGNING_KEY;
  if (identity === undefined && key === undefined) return undefined;
  if (identity === undefined || key === undefined)
    throw new HeadraceError('CONFIG_INVALID', 'An identity and its key belong together.', { suggestion: 'Give --as NAME and --key FILE.' });
  return openSigner(project, identity, key);
}

/** Writes the plan, and says what it is. */
export function writePlanFile(
  context: CommandContext,
  project: Project,
  flags: PlanFlags & { readonly out: string },
  content: PlanContent,
): SignedPlan {
  const signer = signerOf(context, project, flags);
  const by: Planner = signer === undefined ? { user: userName() } : { signer };
  const signed = makePlan(project, flags.out, by, reasonOf(flags.reason), content, Date.now());
  context.output.print(signedPlanText(signed, context));
  context.output.print(`Written to ${flags.out}. Approve it: headrace approve ${flags.out} --as NAME --key FILE`);
  return signed;
}

export function applyingOf(context: CommandContext, system: System, project: Project): Applying {
  return { system, project, user: userName(), signal: context.interruption.signal };
}

export function signedPlanText({ plan, digest, planned, approvals }: SignedPlan, { output }: CommandContext): string {
  const { bold, dim, red, yellow, green } = output.colors;
  const paint = { low: green, medium: yellow, high: red };
  const rows: (readonly [string, string])[] = [
    ['what', `${plan.operation} ${JSON.stringify(plan.order)}`],
    ['risk', `${paint[plan.risk](plan.risk)}${plan.risks.length === 0 ? '' : `: ${plan.risks.join('; ')}`}`],
    ['events', formatCount(plan.size)],
    // The size of a replay is its events.
    ...Object.entries(plan.effect)
      .filter(([name]) => name !== 'events')
      .map(([name, value]) => [name, typeof value === 'number' ? formatCount(value) : JSON.stringify(value)] as const),
    ['planned by', `${plan.planner}${planned === null ? ' (not signed)' : ''}, ${formatInstant(Date.parse(plan.createdAt))}`],
    ...(plan.reason === null ? [] : [['reason', plan.reason] as const]),
    ...approvals.map(({ identity, at }) => ['approved by', `${identity}, ${formatInstant(Date.parse(at))}`] as const),
    ['digest', digest],
  ];
  return formatTable(
    [
      { title: bold(`plan ${plan.id}`), value: ([name]) => dim(name) },
      { title: '', value: ([, value]) => value },
    ],
    rows,
  );
}
