import type { Mapping, Project } from '../config/project.ts';
import { checkOrigin } from '../run/check-origin.ts';
import type { Job } from '../run/job.ts';
import { lockHolderOf } from '../run/local-copy.ts';
import { isAlive, processExists } from '../run/owner.ts';
import { describeView } from '../run/recovery.ts';
import type { System } from '../run/system.ts';
import { createJob, type JobSettings } from './create-job.ts';
import { type Finding, failed, failure, fine, suspicion } from './finding.ts';
import { lookAt } from './look.ts';

/** Whether the snapshot is this project's and can be read, and who works on the mapping. Throws nothing but bugs. */
export async function checkSnapshot(
  system: System,
  project: Project,
  mapping: Mapping,
  settings: JobSettings,
): Promise<readonly Finding[]> {
  const subject = `mapping ${mapping.name}`;
  try {
    const job = await createJob(system, project, mapping, settings);
    const [clusterId, facts] = await Promise.all([system.admin.clusterId(), system.admin.offsets(job.topics.facts)]);
    return await lookAt(job, async ({ view, topic, control, owner }) => {
      checkOrigin(job, control, { clusterId, facts });
      await readLast(job, topic);
      const findings = [
        fine(
          'snapshot',
          subject,
          control === null ? 'nothing was published yet' : `is of this cluster and environment (${topic.end} offsets)`,
        ),
      ];
      findings.push(...(await checkView(job)));
      if (view.state.offset > topic.end) {
        findings.push(
          failed(
            'SNAPSHOT_FOREIGN',
            'snapshot',
            subject,
            `the ${describeView(job, view)} is ahead of ${job.topics.snapshot}`,
            'Check kafka.brokers. If the topic was recreated, see docs/operations/README.md.',
          ),
        );
      }
      if (owner !== null && isAlive(owner, job)) {
        findings.push(
          suspicion(
            'owner',
            subject,
            `run ${owner.run} on ${owner.host} (process ${owner.pid}) is under way`,
            'Wait for it; a run that is started now ends with code 5.',
          ),
        );
      }
      const lock = lockHolderOf(job.folder);
      if (lock !== undefined && lock.host !== job.host) {
        findings.push(
          suspicion(
            'local copy',
            subject,
            `is locked by process ${lock.pid} on ${lock.host} since ${lock.since}`,
            `If that host is gone: headrace run ${mapping.name} --take-over`,
          ),
        );
      } else if (lock !== undefined && !processExists(lock.pid)) {
        findings.push(fine('local copy', subject, `a run died on ${lock.since}; the next one recovers by itself`));
      }
      return findings;
    });
  } catch (error) {
    return [failure('snapshot', subject, error)];
  }
}

/** Whether the tables in the warehouse could be written to, or made. */
async function checkView(job: Job): Promise<readonly Finding[]> {
  const { viewPlace, warehouse, mapping } = job;
  if (viewPlace === undefined) return [];
  const subject = `mapping ${mapping.name}`;
  const tables = warehouse.views.tables(viewPlace);
  try {
    await tables.check();
    return [fine('view', subject, `can be kept in ${tables.address}`)];
  } catch (error) {
    return [failure('view', subject, error)];
  } finally {
    await tables.close();
  }
}

/** Whether records can be read: a group's grant shows only when one is used. */
async function readLast(job: Job, topic: { readonly start: number; readonly end: number }): Promise<void> {
  if (topic.end === topic.start) return;
  const request = { topic: job.topics.snapshot, partition: 0, from: topic.end - 1, until: topic.end };
  await job.reader.read(request, () => undefined, job.signal);
}
