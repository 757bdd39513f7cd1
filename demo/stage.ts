import type { Mapping, Project } from '../src/config/project.ts';
import { type MappingTopics, topicsOf } from '../src/publish/topics.ts';
import type { System } from '../src/run/system.ts';
import type { Headrace, RunRow } from './headrace.ts';
import type { DemoOptions } from './options.ts';
import { DemoFailure, expectEqual } from './print.ts';
import type { DemoWarehouse } from './warehouse.ts';

/** What every chapter plays with. */
export interface Stage {
  readonly options: DemoOptions;
  readonly warehouse: DemoWarehouse;
  readonly headrace: Headrace;
  /** The project in the root of the repository, with this demo's variables. */
  readonly project: Project;
  /** For looking at topics. The runs are processes of their own. */
  readonly system: System;
}

export function mappingOf(stage: Stage, name: string): Mapping {
  const mapping = stage.project.mappings.get(name);
  if (mapping === undefined) throw new DemoFailure(`the project has no mapping ${name}`);
  return mapping;
}

export function topicsOfMapping(stage: Stage, name: string): MappingTopics {
  return topicsOf(stage.project.name, mappingOf(stage, name));
}

export type ExpectedCounts = Partial<Pick<RunRow, 'created' | 'updated' | 'deleted' | 'quarantined'>>;

/** Holds a run against what was done to the warehouse: mappings and numbers that are not named must be zero. Returns how many facts it published. */
export function expectRun(stage: Stage, runs: ReadonlyMap<string, RunRow>, expected: Readonly<Record<string, ExpectedCounts>>): number {
  let sum = 0;
  for (const name of stage.project.mappings.keys()) {
    const run = runs.get(name);
    if (run === undefined) throw new DemoFailure(`headrace run printed no line for ${name}`);
    const { created = 0, updated = 0, deleted = 0, quarantined = 0 } = expected[name] ?? {};
    expectEqual(`${name}, created`, run.created, created);
    expectEqual(`${name}, updated`, run.updated, updated);
    expectEqual(`${name}, deleted`, run.deleted, deleted);
    expectEqual(`${name}, quarantined`, run.quarantined, quarantined);
    const published = created + updated + deleted;
    expectEqual(`${name}, published`, run.published, published);
    sum += published;
  }
  return sum;
}
