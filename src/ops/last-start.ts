import type { Mapping, Project } from '../config/project.ts';
import { newestReserved } from '../run/recovery.ts';
import type { System } from '../run/system.ts';
import { createJob, type JobSettings, startOfRun } from './create-job.ts';

/** An owner record is renewed with every chunk and every half minute: the newest one is near the end. */
const LOOK_BACK_RECORDS = 20_000;

/** When the last run of a mapping began, whoever ran it and whether it published anything; null: never. Reads the snapshot topic alone. Throws what Kafka says. */
export async function lastStartOf(system: System, project: Project, mapping: Mapping, settings: JobSettings): Promise<number | null> {
  const job = await createJob(system, project, mapping, settings);
  const [{ start, end } = { start: 0, end: 0 }] = await job.admin.offsets(job.topics.snapshot);
  for (let back = LOOK_BACK_RECORDS, until = end; until > start; back *= 10) {
    const from = Math.max(start, end - back);
    const { owner } = await newestReserved(job, from, until);
    if (owner !== undefined) return startOfRun(owner.run);
    until = from;
  }
  return null;
}
