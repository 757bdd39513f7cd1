import type { Mapping, Project } from '../config/project.ts';
import type { System } from '../run/system.ts';
import { viewPlaceOf } from './create-job.ts';

/** What has to be run in one warehouse. */
export interface WarehouseDdl {
  readonly warehouse: string;
  readonly sql: string;
}

/** The statements that create schema and tables of the mappings' views, and that give a role what a run needs. Asks no warehouse. */
export async function stateDdl(
  system: System,
  project: Project,
  mappings: readonly Mapping[],
  role: string,
): Promise<readonly WarehouseDdl[]> {
  const byWarehouse = new Map<string, Mapping[]>();
  for (const mapping of mappings) {
    const model = project.models.get(mapping.model);
    if (model === undefined || model.appendOnly) continue;
    const others = byWarehouse.get(model.warehouse) ?? [];
    byWarehouse.set(model.warehouse, [...others, mapping]);
  }
  const texts: WarehouseDdl[] = [];
  for (const [warehouse, read] of byWarehouse) {
    const { views } = await system.warehouse(warehouse);
    texts.push({
      warehouse,
      sql: views.ddl(
        read.map((mapping) => viewPlaceOf(project, mapping)),
        role,
      ),
    });
  }
  return texts;
}
