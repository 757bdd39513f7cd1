import type { Field, Mapping, Model } from '../../src/config/project.ts';
import type { Column, ColumnKind } from '../../src/core/row.ts';

/** Builders for what the configuration would give; the defaults are those of a profile. */
export function modelOf(overrides: Partial<Model> = {}): Model {
  return {
    name: 'things',
    location: { file: 'models/things.yml' },
    warehouse: 'w',
    relation: { table: 'things' },
    key: ['id'],
    deletes: { missingRows: true },
    appendOnly: false,
    locate: (path) => ({ file: 'models/things.yml', line: 1, column: path.length }),
    ...overrides,
  };
}

export function mappingOf(fields: readonly Field[], overrides: Partial<Mapping> = {}): Mapping {
  const location = { file: 'mappings/thing.yml' };
  const guard = { share: 0.3, atLeast: 100 };
  return {
    name: 'thing',
    location,
    fact: 'thing',
    version: { major: 1, minor: 0 },
    class: 'profile',
    model: 'things',
    topic: 'thing.v1',
    owner: 'owner@example.com',
    semantics: 'A thing.',
    compatibility: 'full',
    encoding: 'json',
    key: ['id'],
    identity: overrides.key ?? ['id'],
    occurredAt: { from: 'at' },
    fields,
    onDelete: 'tombstone',
    initialLoad: 'publish',
    undo: 'none',
    guards: { updated: guard, deleted: guard, quarantined: guard, emptySource: 'stop' },
    topicSpec: { partitions: 1, config: new Map() },
    digest: 'd',
    locate: (path) => ({ ...location, line: 7, column: path.length }),
    ...overrides,
  };
}

export function column(name: string, kind: ColumnKind, element?: ColumnKind): Column {
  return { name, kind, sourceType: kind, element };
}

export const ID: Field = { name: 'id', source: { from: 'id' }, type: { kind: 'string' }, optional: false };
export const ID_COLUMNS: readonly Column[] = [column('id', 'string'), column('at', 'timestamptz')];
export const AT = '2026-01-31 12:00:00.123456+00';
