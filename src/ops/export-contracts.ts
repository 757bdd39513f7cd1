import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Mapping, Project } from '../config/project.ts';
import type { SchemaDocument } from '../contract/codec.ts';
import { compileEncoding } from '../contract/compile-encoding.ts';
import { type FactShape, factShapeOf, keyShapeOf } from '../contract/fact-shape.ts';
import { subjectOf } from '../contract/subject.ts';
import { HeadraceError } from '../core/errors.ts';
import { dataSchemaOf } from '../publish/envelope.ts';

/** A schema that was written to a file. */
export interface ExportedSchema {
  readonly mapping: string;
  readonly part: 'value' | 'key';
  readonly type: SchemaDocument['type'];
  /** Absolute. */
  readonly file: string;
  /** What `ce_dataschema` says of the values. */
  readonly dataSchema: string;
  /** Where it is registered; null without a registry. */
  readonly subject: string | null;
}

const EXTENSIONS = { JSON: 'schema.json', AVRO: 'avsc', PROTOBUF: 'proto' } as const;

/** Writes the schemas of mappings into a folder, over older ones: of each its values, and its keys where they are encoded. Throws CONFIG_INVALID for a folder that is none. */
export async function exportContracts(project: Project, mappings: readonly Mapping[], folder: string): Promise<readonly ExportedSchema[]> {
  const { registry } = project;
  const exported: ExportedSchema[] = [];
  await makeFolder(folder);
  for (const mapping of mappings) {
    const write = async (shape: FactShape, part: 'value' | 'key') => {
      const { schema } = await compileEncoding(mapping.encoding, shape);
      const file = path.join(folder, `${mapping.name}${part === 'key' ? '-key' : ''}.${EXTENSIONS[schema.type]}`);
      await writeFile(file, textOf(schema));
      const subject = registry === undefined ? null : subjectOf(registry.subjectStrategy, mapping, shape, part);
      exported.push({ mapping: mapping.name, part, type: schema.type, file, dataSchema: dataSchemaOf(project.name, mapping), subject });
    };
    await write(factShapeOf(mapping), 'value');
    if (registry?.keys === 'encoded') await write(keyShapeOf(mapping), 'key');
  }
  return exported;
}

/** For people: what is registered is the same without line breaks. */
function textOf({ type, text }: SchemaDocument): string {
  return type === 'PROTOBUF' ? text : `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new HeadraceError('CONFIG_INVALID', `${folder} cannot be made: ${(cause as Error).message}.`, {
      suggestion: 'Name a folder with --out that can be written to.',
      cause,
    });
  }
}
