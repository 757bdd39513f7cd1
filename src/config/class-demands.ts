import type { Problem } from '../core/problem.ts';
import type { RuledMapping } from './class-settings.ts';
import type { Path, SourceDocument } from './document.ts';

type Complain = (path: Path, message: string, suggestion: string) => void;

/** What each class must have, because of the harm that a mistake does: docs/configuration.md, "Classes". */
export function checkClassDemands(mapping: RuledMapping, document: SourceDocument, report: (problem: Problem) => void): void {
  const complain: Complain = (path, message, suggestion) => report(document.problem(path, message, suggestion));
  checkWords(mapping, complain);
  if (mapping.data_subject === undefined && !Object.hasOwn(document.value, 'data_subject')) {
    if (mapping.class === 'governance')
      complain(['data_subject'], 'A governance fact must say whom it is about.', 'Add data_subject: FIELD.');
    if (mapping.class === 'profile')
      complain(
        ['data_subject'],
        'A profile must say whom it is about: without a data subject neither consent nor erasure can find its facts.',
        'Add data_subject: FIELD.',
      );
  }
  if (mapping.class === 'command') {
    if (!Object.hasOwn(document.value, 'undo'))
      complain(['undo'], 'A command must say how it is undone.', 'Write undo: previous, or undo: none if a person has to do it.');
    if (!mapping.compatibility.startsWith('full'))
      complain(
        ['compatibility'],
        'A command is carried out by readers of earlier and of later versions alike, so it needs full compatibility.',
        'Write compatibility: full or full_transitive, or remove it: full is the default of a command.',
      );
  }
  checkTopicPolicy(mapping, complain);
}

/** State is kept by compaction, events end with retention. */
function checkTopicPolicy({ class: mappingClass, topicSpec }: RuledMapping, complain: Complain): void {
  const policy = (topicSpec.config.get('cleanup.policy') ?? '').replaceAll(' ', '');
  const at = ['topic_config', 'cleanup.policy'];
  // Any other text was refused when the settings were read.
  if (!/^(compact|delete|compact,delete|delete,compact)$/.test(policy)) return;
  if (mappingClass === 'profile' || mappingClass === 'governance') {
    if (policy !== 'compact')
      complain(
        at,
        `A ${mappingClass} fact is state: without compaction alone it is lost when retention ends.`,
        'Write cleanup.policy: compact.',
      );
    return;
  }
  if (policy !== 'delete') {
    const why = mappingClass === 'command' ? 'would be carried out by every later reader' : 'is one of many of its key';
    complain(at, `A ${mappingClass} fact ${why}: its topic is not compacted.`, 'Write cleanup.policy: delete.');
    return;
  }
  const retention = topicSpec.config.get('retention.ms') ?? '';
  const isForever = retention === '-1';
  if (!isForever && !/^[1-9]\d*$/.test(retention))
    complain(
      ['topic_config', 'retention.ms'],
      `A ${mappingClass} topic states how long its facts stay.`,
      'Write a duration, as retention.ms: 7d.',
    );
  else if (isForever && mappingClass === 'command')
    complain(
      ['topic_config', 'retention.ms'],
      'A command must end with retention: who comes later must not act on it.',
      'Write a duration, as retention.ms: 7d.',
    );
}

const PLACEHOLDER = /^(todo|tbd|tba|fixme|xxx+|n\/?a|none|null|nobody|unknown|owner|semantics|description|test|foo|bar|\?+|-+|\.+)$/i;

/** Somebody answers for the fact, and it means something: texts that say nothing are refused. */
function checkWords({ owner, semantics }: RuledMapping, complain: Complain): void {
  const say = (text: string) => text.trim().replace(/[.!]+$/, '');
  if (owner !== undefined && (PLACEHOLDER.test(say(owner)) || !/\p{L}{2}/u.test(owner)))
    complain(
      ['owner'],
      'The owner must be somebody who answers for the fact.',
      'Name a team or an address, as owner: billing@example.com.',
    );
  if (semantics !== undefined && (PLACEHOLDER.test(say(semantics)) || say(semantics).split(/\s+/).length < 2))
    complain(
      ['semantics'],
      'The semantics must say what the fact means, and what its consumers may conclude from it.',
      'Write a sentence. What does it mean if there is no fact?',
    );
}
