import { stringify } from 'yaml';
import type { Mapping, Project } from '../../config/project.ts';
import { asyncApiOf } from './asyncapi.ts';
import type { ExportedFile } from './exported-file.ts';
import { odcsOf } from './odcs.ts';

/** One document for all mappings. */
export function asyncApiFile(project: Project, mappings: readonly Mapping[]): ExportedFile {
  return { name: `${project.name}.asyncapi.yaml`, text: yaml(asyncApiOf(project, mappings)) };
}

/** One document per mapping. */
export function odcsFile(project: Project, mapping: Mapping): ExportedFile {
  return { name: `${mapping.name}.odcs.yaml`, text: yaml(odcsOf(project, mapping)) };
}

/** YAML 1.1 reads `on` and `no` as booleans, and so do many of its readers: such texts are quoted. */
function yaml(document: unknown): string {
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' });
}
