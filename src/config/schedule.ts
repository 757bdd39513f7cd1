import type { Mapping, Model, Schedule } from './project.ts';

/** When a mapping runs under `headrace serve`: its own schedule, else its model's; undefined: only when it is started. */
export function scheduleOf(mapping: Pick<Mapping, 'schedule'>, model: Pick<Model, 'schedule'>): Schedule | undefined {
  return mapping.schedule === 'none' ? undefined : (mapping.schedule ?? model.schedule);
}

/** All by which a mapping starts: those of its runs and of its full comparisons; a mapping that runs by no schedule is compared in full only when it is started. */
export function schedulesOf(mapping: Pick<Mapping, 'schedule'>, model: Pick<Model, 'schedule' | 'fullComparison'>): readonly Schedule[] {
  const full = mapping.schedule === 'none' ? undefined : model.fullComparison;
  return [scheduleOf(mapping, model), full].filter((schedule) => schedule !== undefined);
}

/** `0 3 * * MON UTC`, `every 30s` */
export function scheduleText(schedule: Schedule): string {
  return 'cron' in schedule ? `${schedule.cron} ${schedule.timeZone}` : `every ${everyText(schedule.everyMs)}`;
}

function everyText(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const [unit, size] = units.find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}
