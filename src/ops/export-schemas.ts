import type { Mapping, Project } from '../config/project.ts';
import { compileEncoding } from '../contract/compile-encoding.ts';
import { type FactShape, factShapeOf, keyShapeOf } from '../contract/fact-shape.ts';
import type { ExportedFile } from './catalogue/exported-file.ts';

const EXTENSIONS = { JSON: 'schema.json', AVRO: 'avsc', PROTOBUF: 'proto' } as const;

/** The schema of a mapping's values, and of its keys where they are encoded, to the letter as they are registered. */
export async function schemaFiles(project: Project, mapping: Mapping): Promise<readonly ExportedFile[]> {
  const fileOf = async (shape: FactShape, name: string): Promise<ExportedFile> => {
    const { schema } = await compileEncoding(mapping.encoding, shape);
    return { name: `${name}.${EXTENSIONS[schema.type]}`, text: schema.text };
  };
  const values = await fileOf(factShapeOf(mapping), mapping.name);
  return project.registry?.keys === 'encoded' ? [values, await fileOf(keyShapeOf(mapping), `${mapping.name}-key`)] : [values];
}
