import type { SourceDocument } from './document.ts';
import type { Mapping, MappingClass } from './project.ts';

/** A setting that the class of a mapping demands or decides. */
export interface ClassRule {
  /** The key in the mapping's file. */
  readonly setting: string;
  readonly value: string;
  /** `default`: nobody wrote it, so the class decided. */
  readonly origin: 'written' | 'default';
  /** What the class says of it: a sentence. */
  readonly rule: string;
}

export interface MappingClassRules {
  readonly mapping: string;
  readonly class: MappingClass;
  readonly rules: readonly ClassRule[];
}

type Sentences = Readonly<Record<MappingClass, string>>;

const SUBJECT: Sentences = {
  behavior: 'optional: consent and erasure find the facts by it',
  profile: 'required: consent and erasure find the facts by it',
  command: 'optional: consent and erasure find the facts by it',
  governance: 'required: a governance fact says whom it is about',
};
const COMPATIBILITY: Sentences = {
  behavior: 'any policy',
  profile: 'any policy',
  command: 'full or full_transitive: readers of earlier and later versions alike carry it out',
  governance: 'any policy',
};
const UNDO: Sentences = {
  behavior: 'none: a behavior fact is immutable',
  profile: 'either',
  command: 'must be written: a command says how it is undone',
  governance: 'either',
};
const POLICY: Sentences = {
  behavior: 'delete: events end with retention',
  profile: 'compact: state must not end with retention',
  command: 'delete: a later reader must not act on an old command',
  governance: 'compact: state must not end with retention',
};
const DELETION: Sentences = {
  behavior: 'none: a behavior fact is immutable',
  profile: 'any; a tombstone unless written',
  command: 'any; a tombstone unless written',
  governance: 'any; a tombstone unless written',
};
const INITIAL: Sentences = {
  behavior: 'any; publish unless written',
  profile: 'any; publish unless written',
  command: 'baseline unless written: nobody wants a command for every customer on the first day',
  governance: 'any; publish unless written',
};

/** What the class of a mapping required and decided: for `headrace validate`. Owner and semantics are required of all. */
export function classRules(mapping: Mapping, document: SourceDocument): MappingClassRules {
  const rules: ClassRule[] = [];
  const say = (setting: string, value: string | undefined, sentences: Sentences) => {
    // Settings of topics hold dots themselves: the mark of `topic_config.retention.ms` is looked up below its section.
    const [section = '', ...rest] = setting.split('.');
    const written = document.value[section];
    const isWritten =
      rest.length === 0 ? written !== undefined : typeof written === 'object' && written !== null && rest.join('.') in written;
    if (value !== undefined) rules.push({ setting, value, origin: isWritten ? 'written' : 'default', rule: sentences[mapping.class] });
  };
  say('data_subject', mapping.dataSubject, SUBJECT);
  say('compatibility', mapping.compatibility, COMPATIBILITY);
  say('undo', mapping.undo, UNDO);
  say('on_delete', mapping.onDelete, DELETION);
  say('initial_load', mapping.initialLoad, INITIAL);
  say('topic_config.cleanup.policy', mapping.topicSpec.config.get('cleanup.policy'), POLICY);
  say('topic_config.retention.ms', mapping.topicSpec.config.get('retention.ms'), RETENTION);
  return { mapping: mapping.name, class: mapping.class, rules };
}

const RETENTION: Sentences = {
  behavior: 'stated: 30 days unless written (-1: for ever)',
  profile: 'compaction keeps the newest fact of each key',
  command: 'stated and finite: 7 days unless written',
  governance: 'compaction keeps the newest fact of each key',
};
