import type { Mapping, Project } from '../config/project.ts';
import type { BrokerInfo } from '../publish/publisher.ts';
import { doctorIdOf, topicSpecsOf } from '../publish/topics.ts';
import type { System } from '../run/system.ts';
import { unfit } from './doctor-topic.ts';
import { type Finding, failed, failure, fine, suspicion } from './finding.ts';
import { actionFor, type TopicAction } from './topics.ts';

/** The cluster itself, and whether a transaction may be opened in it. Only where it answers can anything else be asked. */
export async function checkCluster(
  system: System,
  project: Project,
): Promise<{ findings: readonly Finding[]; brokers: BrokerInfo | undefined }> {
  let brokers: BrokerInfo;
  const findings: Finding[] = [];
  try {
    brokers = await system.admin.brokers();
    findings.push(fine('kafka', 'cluster', `${await system.admin.clusterId()} at ${brokers.addresses.join(', ')}`));
  } catch (error) {
    return { findings: [failure('kafka', 'cluster', error)], brokers: undefined };
  }
  if (brokers.count < 3) {
    const message = `${brokers.count} broker${brokers.count === 1 ? '' : 's'}: topics have no copies that would survive the loss of one`;
    findings.push(suspicion('kafka', 'brokers', message, 'For production, use a cluster of three brokers or more.'));
  }
  findings.push(await checkTransaction(system, project));
  return { findings, brokers };
}

async function checkTransaction(system: System, project: Project): Promise<Finding> {
  const transactionalId = doctorIdOf(project.name);
  try {
    const publisher = await system.publishers.open({ transactionalId, transactionTimeoutMs: project.kafka.transactionTimeoutMs });
    try {
      const transaction = await publisher.begin();
      await transaction.abort();
    } finally {
      await publisher.close();
    }
    return fine(
      'permissions',
      'transactions',
      `one can be opened as ${transactionalId}; whether records may be written shows when a run does`,
    );
  } catch (error) {
    return failure('permissions', 'transactions', error);
  }
}

/** The topics of one mapping beside what the project asks for. */
export async function checkTopics(system: System, project: Project, mapping: Mapping, brokers: BrokerInfo): Promise<readonly Finding[]> {
  const subject = `mapping ${mapping.name}`;
  const actions: TopicAction[] = [];
  const findings: Finding[] = [];
  // One by one: of several that may not be looked at, each is told.
  for (const spec of topicSpecsOf(project, mapping, brokers.count)) {
    try {
      const state = (await system.admin.describe([spec.topic])).get(spec.topic);
      actions.push(actionFor(mapping.name, spec, state));
      if (state !== undefined) findings.push(...unfit(project, mapping, spec, state, brokers));
    } catch (error) {
      findings.push(failure('topics', subject, error));
    }
  }
  const found = [...findingsOfActions(mapping, actions), ...findings];
  return found.length > 0 ? found : [fine('topics', subject, `${actions.length} topics are as they should be`)];
}

function findingsOfActions({ name }: Mapping, actions: readonly TopicAction[]): Finding[] {
  const subject = `mapping ${name}`;
  const apply = `headrace topics apply ${name}`;
  const missing = actions.flatMap(({ action, spec }) => (action === 'create' ? [spec.topic] : []));
  const findings = missing.length === 0 ? [] : [failed('TOPIC_MISSING', 'topics', subject, `missing: ${missing.join(', ')}`, apply)];
  for (const action of actions) {
    const { topic } = action.spec;
    if (action.action === 'refuse') {
      findings.push(failed('TOPIC_UNFIT', 'topics', subject, `${topic}: ${action.reason}`, 'Set `partitions` to what the topic has.'));
    }
    if (action.action === 'change') {
      const changes = action.settings.map((s) => `${s.name} is ${s.from ?? 'unset'}, not ${s.to}`).join(', ');
      findings.push(suspicion('topics', subject, `${topic}: ${changes}`, apply));
    }
  }
  return findings;
}
