import type { Mapping, Project } from '../config/project.ts';
import type { BrokerInfo, TopicSpec, TopicState } from '../publish/publisher.ts';
import { topicsOf } from '../publish/topics.ts';
import { settingsDenied, unfitFacts, unfitSnapshot } from '../run/check-topics.ts';
import { type Finding, failed, failure, suspicion } from './finding.ts';

/** What a run would refuse, and what may lose records when a broker is lost. */
export function unfit(project: Project, mapping: Mapping, spec: TopicSpec, state: TopicState, brokers: BrokerInfo): Finding[] {
  const { topic } = state;
  const subject = `mapping ${mapping.name}`;
  const apply = `headrace topics apply ${mapping.name}`;
  const { facts, snapshot } = topicsOf(project.name, mapping);
  const problems = [...(topic === snapshot ? unfitSnapshot(state) : []), ...(topic === facts ? unfitFacts(state, { mapping }) : [])];
  const findings = problems.map((problem) => failed('TOPIC_UNFIT', 'topics', subject, problem, apply));
  if (!state.configReadable) {
    const error = settingsDenied(project.kafka, [state]);
    const isNeededByRuns = topic === facts || topic === snapshot;
    findings.push(
      isNeededByRuns
        ? failure('permissions', subject, error)
        : suspicion('permissions', subject, `${error.message}, so they are not checked`, error.suggestion ?? ''),
    );
  }
  return [...findings, ...unsafe(subject, spec, state, brokers)];
}

/** Copies: too few to survive the loss of a broker, or to be written at all. */
function unsafe(subject: string, spec: TopicSpec, state: TopicState, brokers: BrokerInfo): Finding[] {
  const { topic, replication, inSync } = state;
  const kafkaTool = (name: string, rest: string) => `${name} --bootstrap-server ${brokers.addresses[0] ?? '<broker>'} ${rest}`;
  const move = kafkaTool('kafka-reassign-partitions.sh', '--reassignment-json-file replicas.json --execute');
  const requireInSync = (count: number) =>
    kafkaTool('kafka-configs.sh', `--alter --topic ${topic} --add-config min.insync.replicas=${count}`);
  /** One copy less than there are has to be in sync; of two that is none too many, so a third is better. */
  const settle = (copies: number) => (copies === 2 ? move : requireInSync(Math.max(1, copies - 1)));
  const wanted = spec.replication ?? (brokers.count >= 3 ? 2 : 1);
  const findings: Finding[] = [];
  if (replication < Math.min(wanted, brokers.count)) {
    const loss = replication < 2 ? 'the loss of one broker loses it' : 'the project asks for more';
    const copies = `${replication} ${replication === 1 ? 'copy' : 'copies'}`;
    findings.push(suspicion('topics', subject, `${topic} has ${copies}, not ${wanted}: ${loss}`, move));
  }
  if (!state.configReadable) return findings;
  const atLeast = Number(state.config.get('min.insync.replicas') ?? 1);
  if (inSync < atLeast) {
    const message = `${topic}: no record can be written, because ${inSync} of ${replication} copies are in sync and min.insync.replicas is ${atLeast}`;
    const remedy = replication < atLeast ? settle(replication) : 'Start the brokers that are down, and wait until they have caught up.';
    findings.push(failed('TOPIC_UNFIT', 'topics', subject, message, remedy));
  } else if (inSync < replication) {
    const message = `${topic}: ${inSync} of ${replication} copies are in sync`;
    findings.push(suspicion('topics', subject, message, 'Start the brokers that are down, and wait until they have caught up.'));
  }
  if (replication > 1 && atLeast < 2) {
    findings.push(
      suspicion('topics', subject, `${topic} has min.insync.replicas=${atLeast}: a record may stand on one broker alone`, requireInSync(2)),
    );
  }
  if (replication > 1 && atLeast === replication) {
    const message = `${topic} has min.insync.replicas=${atLeast} and as many copies: nothing can be written while one broker is down`;
    findings.push(suspicion('topics', subject, message, settle(replication)));
  }
  return findings;
}
