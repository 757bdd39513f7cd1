import type { Problem } from '../core/problem.ts';
import { checkClassDemands } from './class-demands.ts';
import type { RuledMapping } from './class-settings.ts';
import type { SourceDocument } from './document.ts';
import { isCompacted } from './topic-settings.ts';

/** What a class demands, or forbids: docs/configuration.md says why. */
export function checkMappingRules(mapping: RuledMapping, document: SourceDocument, report: (problem: Problem) => void): void {
  const complain = (path: string, message: string, suggestion?: string) => report(document.problem([path], message, suggestion));
  const { key, identity = key, topicSpec, model } = mapping;
  const sameIdentity = key === undefined || JSON.stringify(identity) === JSON.stringify(key);
  const compacted = isCompacted(topicSpec);

  if (compacted && !sameIdentity)
    complain(
      'identity',
      'A compacted topic keeps one record per key, so the identity must be the key.',
      'Remove `identity`; only behavior and command facts, whose topics are not compacted, may have one.',
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

  checkClassDemands(mapping, document, report);
}
