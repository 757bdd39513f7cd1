import type { ContractRules } from '../../config/project.ts';
import type { Contract } from '../contract.ts';
import { BREAKS_BOTH, type ChangeKind, COMPATIBLE, type ContractChange, type Effect, effectOf } from './change.ts';
import { compareFields } from './compare-fields.ts';
import { deprecationChanges } from './notices.ts';
import { type RuleSet, rulesOf } from './rules.ts';

/**
 * Every difference between an earlier and a later version, with the readers that it breaks. Pure. Without a rule set it is that of their encoding; the strictest
 * where the encodings differ.
 */
export function compareContracts(before: Contract, after: Contract, set: RuleSet = commonRules(before, after)): readonly ContractChange[] {
  return [...compareTerms(before, after), ...compareFields(before.fields, after.fields, rulesOf(set))];
}

function commonRules(before: Contract, after: Contract): RuleSet {
  return before.encoding === after.encoding ? after.encoding : 'strictest';
}

/** What holds for the whole contract, in any format. */
function compareTerms(before: Contract, after: Contract): readonly ContractChange[] {
  const changes: ContractChange[] = [];
  const say = (kind: ChangeKind, at: string, was: string, is: string, effect: Effect, advice?: string) => {
    if (was !== is) changes.push({ kind, at, message: `\`${at}\` was ${was}, and is ${is}.`, ...effect, advice });
  };
  const list = (names: readonly string[]) => `[${names.join(', ')}]`;
  // The key decides partition, order and what compaction keeps (Kafka, "Log Compaction"); versions count per identity (promise 2).
  say('key_changed', 'key', list(before.key), list(after.key), BREAKS_BOTH, 'Keep the key: it decides partition and order.');
  say(
    'identity_changed',
    'identity',
    list(before.identity),
    list(after.identity),
    BREAKS_BOTH,
    'Keep the identity: versions count per identity.',
  );
  // CloudEvents 1.0, `type`: what consumers dispatch by.
  say('fact_renamed', 'fact', before.fact, after.fact, BREAKS_BOTH, 'Keep the name: it is part of the event type.');
  say('topic_changed', 'topic', before.topic, after.topic, BREAKS_BOTH, 'Keep the topic: readers of the old one would get nothing more.');
  say('class_changed', 'class', before.class, after.class, BREAKS_BOTH, 'Keep the class: it decides retention, deletion and replay.');
  say('encoding_changed', 'encoding', before.encoding, after.encoding, BREAKS_BOTH, 'Keep the encoding: a reader knows one.');
  say('on_delete_changed', 'on_delete', before.onDelete, after.onDelete, deletionEffect(before, after), 'Keep what a deletion publishes.');
  say('data_subject_changed', 'data_subject', before.dataSubject ?? 'none', after.dataSubject ?? 'none', COMPATIBLE);
  say('owner_changed', 'owner', before.owner, after.owner, COMPATIBLE);
  say('policy_changed', 'compatibility', before.compatibility, after.compatibility, COMPATIBLE);
  if (before.semantics !== after.semantics)
    changes.push({ kind: 'semantics_changed', at: 'semantics', message: 'The fact is said to mean something else.', ...COMPATIBLE });
  return [...changes, ...deprecationChanges(before.deprecated, after.deprecated, 'deprecated', 'The contract')];
}

/** The records that a deletion may leave in the topic. */
const RECORDS: Readonly<Record<ContractRules['onDelete'], readonly string[]>> = {
  none: [],
  tombstone: ['tombstone'],
  fact: ['deleted fact', 'tombstone'],
};

/** Old readers miss the records that they relied on, or get some that they do not know; new readers meet those of the earlier version. */
function deletionEffect(before: Contract, after: Contract): Effect {
  const newReads = RECORDS[before.onDelete].every((record) => RECORDS[after.onDelete].includes(record));
  return effectOf(before.onDelete === after.onDelete, newReads);
}
