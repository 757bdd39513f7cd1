import type { Mapping, Project } from '../config/project.ts';
import { EXIT, type ExitCode, exitCodeOf, HeadraceError } from '../core/errors.ts';
import { formatProblem } from '../core/problem.ts';
import type { BrokerInfo } from '../publish/publisher.ts';
import { checkOrigin } from '../run/check-origin.ts';
import { unfitFacts, unfitSnapshot } from '../run/check-topics.ts';
import type { Job } from '../run/job.ts';
import { lockHolderOf } from '../run/local-copy.ts';
import { isAlive, processExists } from '../run/owner.ts';
import type { System } from '../run/system.ts';
import { checkMappings } from './check-mappings.ts';
import { createJob, type JobSettings } from './create-job.ts';
import { checkFolder, checkNode } from './doctor-machine.ts';
import { type Finding, failure, fine, suspicion } from './finding.ts';
import { lookAt } from './look.ts';
import { planTopics } from './topics.ts';

/** More than this, and times of the source and of this machine cannot be compared any more. */
const MAX_SKEW_MS = 5_000;

/**
 * Looks at everything that a run needs: this machine, the warehouses, Kafka, topics, permissions, local copies. Reads no rows, sends no record, fences nobody: the
 * one transaction that it opens has a transactional id of its own, and is aborted. Promise 7.
 */
export async function examine(system: System, project: Project, settings: JobSettings): Promise<readonly Finding[]> {
  const [folder, warehouses, kafka] = await Promise.all([
    checkFolder(project.snapshot.path),
    checkWarehouses(system, project),
    checkKafka(system, project, settings),
  ]);
  return [checkNode(process.versions.node), folder, ...warehouses, ...kafka];
}

async function checkWarehouses(system: System, project: Project): Promise<readonly Finding[]> {
  const names = new Set([...project.models.values()].map((model) => model.warehouse));
  const reached = await Promise.all([...names].map((name) => checkWarehouse(system, name)));
  const isDown = reached.flat().some((finding) => finding.status === 'failed');
  // Where a warehouse is down, every mapping would say so again.
  return [...reached.flat(), ...(isDown ? [] : await checkRelations(system, project))];
}

async function checkWarehouse(system: System, name: string): Promise<readonly Finding[]> {
  const subject = `warehouse ${name}`;
  try {
    const before = Date.now();
    const { version, address, nowMs, notes = [] } = await (await system.warehouse(name)).ping();
    const skewMs = Math.round(nowMs - (before + Date.now()) / 2);
    const clock =
      Math.abs(skewMs) <= MAX_SKEW_MS
        ? fine('clock', subject, `its clock and this machine's agree (${skewMs} ms apart)`)
        : suspicion(
            'clock',
            subject,
            `its clock is ${skewMs} ms ahead of this machine's`,
            'Let both follow NTP: `timedatectl set-ntp true`.',
          );
    const noted = notes.map((note) =>
      suspicion('warehouse', subject, note, 'See docs/warehouses.md, "Transactions that are open while a scan reads".'),
    );
    return [fine('warehouse', subject, `${version} at ${address}`), clock, ...noted];
  } catch (error) {
    return [failure('warehouse', subject, error)];
  }
}

async function checkRelations(system: System, project: Project): Promise<readonly Finding[]> {
  const checks = await checkMappings(system, project);
  return checks.flatMap(({ mapping, problems, error }) => {
    const subject = `mapping ${mapping}`;
    if (error !== undefined) return [failure('contract', subject, error)];
    if (problems.length === 0) return [fine('contract', subject, 'fits the columns of its model')];
    return problems.map((problem) => failure('contract', subject, new HeadraceError('CONTRACT_MISMATCH', formatProblem(problem))));
  });
}

async function checkKafka(system: System, project: Project, settings: JobSettings): Promise<readonly Finding[]> {
  let brokers: BrokerInfo;
  const findings: Finding[] = [];
  try {
    brokers = await system.admin.brokers();
    const cluster = await system.admin.clusterId();
    findings.push(fine('kafka', 'cluster', `${cluster} at ${brokers.addresses.join(', ')}`));
  } catch (error) {
    return [failure('kafka', 'cluster', error)];
  }
  if (brokers.count < 3) {
    const message = `${brokers.count} broker${brokers.count === 1 ? '' : 's'}: topics have no copies that would survive the loss of one`;
    findings.push(suspicion('kafka', 'brokers', message, 'For production, use a cluster of three brokers or more.'));
  }
  findings.push(await checkTransaction(system, project));
  findings.push(...(await checkTopics(system, project)));
  const missing = new Set(findings.flatMap((f) => (f.check === 'topics' && f.status === 'failed' ? [f.subject] : [])));
  for (const mapping of project.mappings.values()) {
    if (![...missing].some((subject) => subject === `mapping ${mapping.name}`))
      findings.push(...(await checkMapping(system, project, mapping, settings)));
  }
  return findings;
}

/** An id of its own under the project's prefix: no mapping's name begins with `_`, so nobody is fenced. */
async function checkTransaction(system: System, project: Project): Promise<Finding> {
  const transactionalId = `headrace.${project.name}._doctor`;
  try {
    const publisher = await system.publishers.open({ transactionalId, transactionTimeoutMs: project.kafka.transactionTimeoutMs });
    try {
      const transaction = await publisher.begin();
      await transaction.abort();
    } finally {
      await publisher.close();
    }
    return fine('permissions', 'transactions', `can be opened under headrace.${project.name}.*`);
  } catch (error) {
    return failure('permissions', 'transactions', error);
  }
}

async function checkTopics(system: System, project: Project): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const mapping of project.mappings.values()) {
    const subject = `mapping ${mapping.name}`;
    try {
      const actions = await planTopics(system.admin, project, [mapping]);
      const missing = actions.filter((a) => a.action === 'create').map((a) => a.spec.topic);
      const apply = `headrace topics apply ${mapping.name}`;
      if (missing.length > 0) findings.push(failed('TOPIC_MISSING', subject, `missing: ${missing.join(', ')}`, apply));
      for (const action of actions) {
        if (action.action === 'refuse')
          findings.push(
            failed('TOPIC_UNFIT', subject, `${action.spec.topic}: ${action.reason}`, 'Set `partitions` to what the topic has.'),
          );
        if (action.action === 'change') {
          const changes = action.settings.map((s) => `${s.name} is ${s.from ?? 'unset'}, not ${s.to}`).join(', ');
          findings.push(suspicion('topics', subject, `${action.spec.topic}: ${changes}`, apply));
        }
      }
      if (missing.length === 0)
        findings.push(
          ...(await unfit(
            system,
            mapping,
            actions.map((a) => a.spec.topic),
          )),
        );
      if (actions.every((a) => a.action === 'keep'))
        findings.push(fine('topics', subject, `${actions.length} topics are as they should be`));
    } catch (error) {
      findings.push(failure('topics', subject, error));
    }
  }
  return findings;
}

/** What a run would refuse, or what may lose records when a broker is lost. */
async function unfit(system: System, mapping: Mapping, topics: readonly string[]): Promise<readonly Finding[]> {
  const subject = `mapping ${mapping.name}`;
  const states = [...(await system.admin.describe(topics)).values()].filter((state) => state !== undefined);
  const findings: Finding[] = [];
  for (const state of states) {
    const problems = [
      ...(state.topic.endsWith('.snapshot') ? unfitSnapshot(state) : []),
      ...(state.topic === mapping.topic ? unfitFacts(state, { mapping }) : []),
    ];
    for (const problem of problems) findings.push(failed('TOPIC_UNFIT', subject, problem, `headrace topics apply ${mapping.name}`));
    const inSync = Number(state.config.get('min.insync.replicas') ?? 1);
    if (state.replication > 1 && inSync < 2) {
      findings.push(
        suspicion(
          'topics',
          subject,
          `${state.topic} has min.insync.replicas=${inSync}: a record may be on one broker alone`,
          `Set \`topic_config: { min.insync.replicas: 2 }\`, then: headrace topics apply ${mapping.name}`,
        ),
      );
    }
  }
  return findings;
}

async function checkMapping(system: System, project: Project, mapping: Mapping, settings: JobSettings): Promise<readonly Finding[]> {
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
      if (view.state.offset > topic.end) {
        findings.push(
          failed(
            'SNAPSHOT_FOREIGN',
            subject,
            `the local copy is ahead of ${job.topics.snapshot}`,
            'Check kafka.brokers. If the topic was recreated, see docs/operations.md.',
            'snapshot',
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

/** Whether records can be read: a group's grant shows only when one is used. */
async function readLast(job: Job, topic: { readonly start: number; readonly end: number }): Promise<void> {
  if (topic.end === topic.start) return;
  const request = { topic: job.topics.snapshot, partition: 0, from: topic.end - 1, until: topic.end };
  await job.reader.read(request, () => undefined, job.signal);
}

function failed(code: HeadraceError['code'], subject: string, message: string, suggestion: string, check = 'topics'): Finding {
  return failure(check, subject, new HeadraceError(code, message, { suggestion }));
}

/** The lowest non-zero code of the findings; suspicions are none. */
export function exitCodeOfFindings(findings: readonly Finding[]): ExitCode {
  const codes = findings.flatMap(({ error }) => (error === undefined ? [] : [exitCodeOf(error)]));
  return codes.length === 0 ? EXIT.done : (Math.min(...codes) as ExitCode);
}
