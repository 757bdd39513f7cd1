import type { WrittenMapping } from './mapping-schema.ts';
import type { Mapping, MappingClass, Model, TopicSettings, ValueSource } from './project.ts';

/** Settings whose default follows from the class. */
export type ClassSettings = Pick<Mapping, 'onDelete' | 'initialLoad' | 'undo' | 'compatibility'>;

/** What the rules of the classes look at. */
export interface RuledMapping extends ClassSettings {
  readonly class: MappingClass;
  readonly key?: readonly string[] | undefined;
  readonly identity?: readonly string[] | undefined;
  readonly data_subject?: string | undefined;
  readonly owner?: string | undefined;
  readonly semantics?: string | undefined;
  readonly occurredAt: ValueSource | undefined;
  readonly topicSpec: TopicSettings;
  readonly model: Model | undefined;
}

/** The defaults of the classes: docs/configuration.md says why. */
export function classSettings(written: Partial<WrittenMapping>): ClassSettings {
  const mappingClass = written.class ?? 'profile';
  return {
    onDelete: written.on_delete ?? (mappingClass === 'behavior' ? 'none' : 'tombstone'),
    initialLoad: written.initial_load ?? (mappingClass === 'command' ? 'baseline' : 'publish'),
    undo: written.undo ?? 'none',
    compatibility: written.compatibility ?? (mappingClass === 'command' ? 'full' : 'backward'),
  };
}
