import type { Mapping, Project } from '../config/project.ts';
import type { SchemaDocument } from '../contract/codec.ts';
import { compileEncoding } from '../contract/compile-encoding.ts';
import { type FactShape, factShapeOf, keyShapeOf } from '../contract/fact-shape.ts';
import type { ExportedFile } from './catalogue/exported-file.ts';

const EXTENSIONS = { JSON: 'schema.json', AVRO: 'avsc', PROTOBUF: 'proto' } as const;

/** The schema of a mapping's values, and of its keys where they are encoded: as they are registered, but for line breaks. */
export async function schemaFiles(project: Project, mapping: Mapping): Promise<readonly ExportedFile[]> {
  const fileOf = async (shape: FactShape, name: string): Promise<ExportedFile> => {
    const { schema } = await compileEncoding(mapping.encoding, shape);
    return { name: `${name}.${EXTENSIONS[schema.type]}`, text: textOf(schema) };
  };
  const values = await fileOf(factShapeOf(mapping), mapping.name);
  return project.registry?.keys === 'encoded' ? [values, await fileOf(keyShapeOf(mapping), `${mapping.name}-key`)] : [values];
}

function textOf({ type, text }: SchemaDocument): string {
  return type === 'PROTOBUF' ? text : `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
}
