import type { Mapping, Project } from '../config/project.ts';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { type PlanResult, plan } from '../run/plan.ts';
import type { System } from '../run/system.ts';
import { createJob, type JobSettings } from './create-job.ts';
import { exitCodeOfAll, inRunOrder, type MappingOutcome, outcomeOf } from './run-mappings.ts';

/** Plans mappings one after the other; a failing one holds up no other. */
export async function planMappings(
  system: System,
  project: Project,
  mappings: readonly Mapping[],
  settingsOf: (mapping: Mapping) => JobSettings,
  onEnd: (outcome: MappingOutcome<PlanResult>) => void,
): Promise<readonly MappingOutcome<PlanResult>[]> {
  const outcomes: MappingOutcome<PlanResult>[] = [];
  for (const mapping of inRunOrder(mappings)) {
    const settings = settingsOf(mapping);
    if (settings.signal.aborted) break;
    const outcome = await outcomeOf(mapping.name, async () => plan(await createJob(system, project, mapping, settings)));
    outcomes.push(outcome);
    onEnd(outcome);
  }
  return outcomes;
}

/** Whether a run would end with GUARD_STOPPED. */
export function wouldStop({ guards }: PlanResult): boolean {
  return guards.some((guard) => guard.exceeded && !guard.allowed);
}

/** As of a run: the lowest non-zero code, and 4 where a guard would stop it. */
export function exitCodeOfPlan(outcomes: readonly MappingOutcome<PlanResult>[]): ExitCode {
  const ofErrors = exitCodeOfAll(outcomes);
  const stopped = outcomes.some(({ result }) => result !== undefined && wouldStop(result));
  if (!stopped) return ofErrors;
  return ofErrors === EXIT.done ? EXIT.stopped : (Math.min(ofErrors, EXIT.stopped) as ExitCode);
}
