import type { Mapping, MappingClass, Project } from '../config/project.ts';
import { EXIT, type ExitCode, exitCodeOf } from '../core/errors.ts';
import { capture, type RunResult } from '../run/capture.ts';
import type { System } from '../run/system.ts';
import { createJob, type JobSettings } from './create-job.ts';
import { requireGuardApproval } from './plan-guards.ts';

/** How one mapping of a command ended. */
export type MappingOutcome<T> =
  | { readonly mapping: string; readonly result: T; readonly error?: undefined }
  | { readonly mapping: string; readonly error: unknown; readonly result?: undefined };

/** Governance first: consent and deletion must not wait behind anything. */
const ORDER: readonly MappingClass[] = ['governance', 'command', 'profile', 'behavior'];

export function inRunOrder(mappings: Iterable<Mapping>): Mapping[] {
  return [...mappings].sort((a, b) => classRank(a.class) - classRank(b.class) || (a.name < b.name ? -1 : 1));
}

/** Lower ranks come first. */
export function classRank(name: MappingClass): number {
  return ORDER.indexOf(name);
}

/** Runs mappings one after the other. Promise 9: a failing one holds up no other. A signal ends the sequence. */
export async function runMappings(
  system: System,
  project: Project,
  mappings: readonly Mapping[],
  settingsOf: (mapping: Mapping) => JobSettings,
  onEnd: (outcome: MappingOutcome<RunResult>) => void,
  onStart: (mapping: string, runId: string) => void = () => undefined,
): Promise<readonly MappingOutcome<RunResult>[]> {
  const outcomes: MappingOutcome<RunResult>[] = [];
  for (const mapping of inRunOrder(mappings)) {
    const settings = settingsOf(mapping);
    if (settings.signal.aborted) break;
    const outcome = await outcomeOf(mapping.name, async () => {
      if (settings.options.approval === undefined) requireGuardApproval(project, mapping, settings.options.allow);
      const job = await createJob(system, project, mapping, settings);
      onStart(mapping.name, job.runId);
      return capture(job);
    });
    outcomes.push(outcome);
    onEnd(outcome);
  }
  return outcomes;
}

export async function outcomeOf<T>(mapping: string, act: () => Promise<T>): Promise<MappingOutcome<T>> {
  try {
    return { mapping, result: await act() };
  } catch (error) {
    return { mapping, error };
  }
}

/** The lowest non-zero code that occurred. */
export function exitCodeOfAll(outcomes: readonly MappingOutcome<unknown>[]): ExitCode {
  const codes = outcomes.flatMap(({ error }) => (error === undefined ? [] : [exitCodeOf(error)]));
  return codes.length === 0 ? EXIT.done : (Math.min(...codes) as ExitCode);
}
