import type { WrittenMapping } from './mapping-schema.ts';
import type { Mapping } from './project.ts';

/** Settings whose default follows from the class. */
export type ClassSettings = Pick<Mapping, 'onDelete' | 'initialLoad' | 'undo' | 'compatibility'>;

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
