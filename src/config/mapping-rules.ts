import type { Problem } from '../core/problem.ts';
import type { ClassSettings } from './class-settings.ts';
import type { SourceDocument } from './document.ts';
import type { MappingClass, Model, TopicSettings, ValueSource } from './project.ts';
import { isCompacted } from './topic-settings.ts';

/** What the rules of the classes look at. */
export interface RuledMapping extends ClassSettings {
  readonly class: MappingClass;
  readonly key?: readonly string[] | undefined;
  readonly identity?: readonly string[] | undefined;
  readonly data_subject?: string | undefined;
  readonly occurredAt: ValueSource | undefined;
  readonly topicSpec: TopicSettings;
  readonly model: Model | undefined;
}

/** What a class demands, or forbids: docs/configuration.md says why. */
export function checkMappingRules(mapping: RuledMapping, document: SourceDocument, report: (problem: Problem) => void): void {
  const say = (severity: Problem['severity']) => (path: string, message: string, suggestion?: string) => {
    report(document.problem(path.split('/'), message, suggestion, severity));
  };
  const [complain, warn] = [say('error'), say('warning')];
  const { key, identity = key, topicSpec, model } = mapping;
  const sameIdentity = key === undefined || JSON.stringify(identity) === JSON.stringify(key);
  const compacted = isCompacted(topicSpec);

  if (compacted && !sameIdentity)
    complain(
      'identity',
      'A compacted topic keeps one record per key, so the identity must be the key.',
      'Remove `identity`, or set topic_config: { cleanup.policy: delete }.',
    );
  if (!compacted && (mapping.class === 'profile' || mapping.class === 'governance'))
    warn(
      'topic_config/cleanup.policy',
      `A ${mapping.class} fact is state: without compaction it is lost when retention ends.`,
      'Write cleanup.policy: compact.',
    );

  if (mapping.class === 'behavior') {
    if (mapping.onDelete !== 'none')
      complain('on_delete', 'Behavior facts are immutable: a deletion publishes nothing.', 'Remove `on_delete`.');
    if (mapping.undo !== 'none')
      complain('undo', 'Behavior facts are immutable: there is no earlier fact to go back to.', 'Remove `undo`.');
    if (!sameIdentity && mapping.occurredAt !== undefined && !('from' in mapping.occurredAt))
      complain(
        'occurred_at',
        'Behavior events are read in the order of this time, so it must be a column.',
        'Write occurred_at: { from: column }.',
      );
  } else if (model?.appendOnly === true) {
    complain(
      'model',
      `The model is append_only: its snapshot entries expire, so versions of a ${mapping.class} fact would begin again at 1.`,
      'Use class: behavior, or remove append_only from the model.',
    );
  }

  if (mapping.data_subject === undefined && !Object.hasOwn(document.value, 'data_subject')) {
    if (mapping.class === 'governance')
      complain('data_subject', 'A governance fact must say whom it is about.', 'Add data_subject: FIELD.');
    if (mapping.class === 'profile')
      warn('data_subject', 'Without a data subject neither consent nor erasure can find this fact.', 'Add data_subject: FIELD.');
  }
  if (mapping.class === 'command' && !Object.hasOwn(document.value, 'undo'))
    warn('undo', 'A command should say how it is undone.', 'Write undo: previous, or undo: none.');
}
