import { alsoContracts, publishedMappings } from '../config/also-versions.ts';
import type { Mapping, Project } from '../config/project.ts';
import type { HeadraceError } from '../core/errors.ts';
import { denial } from '../publish/denial.ts';
import { grantsFor, grantsThatAllow, type Purpose } from '../publish/grants.ts';
import type { TopicAdmin, TopicSpec, TopicState } from '../publish/publisher.ts';
import { plansTopicSpec, topicSpecsOf, topicsOf } from '../publish/topics.ts';

/** What `topics apply` would do to one topic. */
export type TopicAction =
  | { readonly action: 'create'; readonly mapping: string; readonly spec: TopicSpec }
  | { readonly action: 'change'; readonly mapping: string; readonly spec: TopicSpec; readonly settings: readonly SettingChange[] }
  | { readonly action: 'keep'; readonly mapping: string; readonly spec: TopicSpec }
  /** Cannot be mended in place: another number of partitions, fewer replicas. */
  | { readonly action: 'refuse'; readonly mapping: string; readonly spec: TopicSpec; readonly reason: string }
  /** Exists, but its settings may not be read: whether they are as they should be is unknown. */
  | { readonly action: 'unknown'; readonly mapping: string; readonly spec: TopicSpec };

export interface SettingChange {
  readonly name: string;
  readonly from: string | undefined;
  readonly to: string;
}

/** Compares the cluster with what the project asks for: the topics of the mappings, then (mapping: empty) the project's own. Changes nothing. */
export async function planTopics(admin: TopicAdmin, project: Project, mappings: Iterable<Mapping>): Promise<readonly TopicAction[]> {
  const { count } = await admin.brokers();
  const actions: TopicAction[] = [];
  for (const mapping of mappings) {
    const further = alsoContracts(project, mapping, Date.now()).map((each) => each.mapping.topic);
    const states = await admin.describe([...Object.values(topicsOf(project.name, mapping)), ...further]);
    for (const spec of topicSpecsOf(project, mapping, count, further)) actions.push(actionFor(mapping.name, spec, states.get(spec.topic)));
  }
  if (project.approvals !== undefined) {
    const spec = plansTopicSpec(project.name, count);
    actions.push(actionFor('', spec, (await admin.describe([spec.topic])).get(spec.topic)));
  }
  return actions;
}

export function actionFor(mapping: string, spec: TopicSpec, state: TopicState | undefined): TopicAction {
  if (state === undefined) return { action: 'create', mapping, spec };
  if (state.partitions !== spec.partitions) {
    const reason = `it has ${state.partitions} partitions, the project says ${spec.partitions}; with another number keys move to other partitions`;
    return { action: 'refuse', mapping, spec, reason };
  }
  if (!state.configReadable) return { action: 'unknown', mapping, spec };
  const settings = [...spec.config].flatMap(([name, to]) => {
    const from = state.config.get(name);
    return from === to ? [] : [{ name, from, to }];
  });
  return settings.length === 0 ? { action: 'keep', mapping, spec } : { action: 'change', mapping, spec, settings };
}

/** The error of topics whose settings may not be read; undefined where there are none. */
export function denialOf(actions: readonly TopicAction[], project: Project, purpose: Purpose): HeadraceError | undefined {
  const refused = actions.flatMap(({ action, spec }) =>
    action === 'unknown' ? [{ resource: 'topic', name: spec.topic, pattern: 'literal', operation: 'DescribeConfigs' } as const] : [],
  );
  if (refused.length === 0) return undefined;
  const grants = grantsFor(project, publishedMappings(project, project.mappings.values(), Date.now()), [purpose]);
  return denial(
    project.kafka,
    'Reading topic settings',
    refused.flatMap((one) => grantsThatAllow(one, grants)),
  );
}

/** Creates and changes; what is refused stays as it is. */
export async function applyTopics(admin: TopicAdmin, actions: readonly TopicAction[]): Promise<void> {
  const missing = actions.filter((a) => a.action === 'create').map((a) => a.spec);
  if (missing.length > 0) await admin.create(missing);
  for (const action of actions) {
    if (action.action === 'change') await admin.alterConfig(action.spec.topic, new Map(action.settings.map((s) => [s.name, s.to])));
  }
}
