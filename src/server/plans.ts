import type { Mapping, Project } from '../config/project.ts';
import { schedulesOf } from '../config/schedule.ts';
import { classRank } from '../ops/run-mappings.ts';
import type { SchedulerSettings } from '../run/schedule/scheduler.ts';
import type { Plan } from '../run/schedule/turn.ts';

/** Runs that may read a warehouse at a time, where headrace.yml does not say. */
const DEFAULT_READERS = 4;

/** What the scheduler must know of a project. */
export function plansOf(project: Project): readonly Plan[] {
  return [...project.mappings.values()].map((mapping) => planOf(project, mapping));
}

function planOf(project: Project, mapping: Mapping): Plan {
  const model = project.models.get(mapping.model);
  return {
    mapping: mapping.name,
    rank: classRank(mapping.class),
    warehouse: model?.warehouse ?? '',
    schedules: model === undefined ? [] : schedulesOf(mapping, model),
  };
}

export function schedulerSettings({ serve, warehouses }: Project): SchedulerSettings {
  return {
    concurrency: serve.concurrency,
    warehouses: new Map([...warehouses].map(([name, { concurrency }]) => [name, concurrency ?? DEFAULT_READERS])),
    jitterMs: serve.jitterMs,
    retry: serve.retry,
  };
}
