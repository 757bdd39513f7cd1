import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { mappingSchemaWritten } from './mapping-schema.ts';
import { modelSchemaWritten } from './model-schema.ts';
import { projectSchemaWritten } from './project-schema.ts';
import { FIELD_TYPE_JSON_SCHEMA } from './written-type.ts';

/** JSON Schemas (draft 7, which editors know best) of the three files, for completion and checks while writing. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export function projectSchema(): JsonSchema {
  return toJsonSchema(projectSchemaWritten);
}

export function modelSchema(): JsonSchema {
  return toJsonSchema(modelSchemaWritten);
}

export function mappingSchema(): JsonSchema {
  const schema = toJsonSchema(mappingSchemaWritten);
  const { definitions } = schema;
  return { ...schema, definitions: { ...(typeof definitions === 'object' ? definitions : {}), fieldType: FIELD_TYPE_JSON_SCHEMA } };
}

export const SCHEMA_FILES = {
  'headrace.schema.json': projectSchema,
  'model.schema.json': modelSchema,
  'mapping.schema.json': mappingSchema,
} as const;

/** The text of a schema file. */
export function schemaText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Writes the three schemas into `<dir>/schemas/`, over older ones; returns the files, relative to `dir`. */
export async function writeSchemas(dir: string): Promise<readonly string[]> {
  await mkdir(join(dir, 'schemas'), { recursive: true });
  const files: string[] = [];
  for (const [name, schema] of Object.entries(SCHEMA_FILES)) {
    await writeFile(join(dir, 'schemas', name), schemaText(schema()));
    files.push(`schemas/${name}`);
  }
  return files;
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  const { '~standard': _standard, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    // Defaults are filled in after parsing, and zod leaves those of transformed values out.
    override: ({ zodSchema, jsonSchema }) => {
      const written = z.globalRegistry.get(zodSchema)?.default;
      if (written !== undefined) jsonSchema.default = written as NonNullable<typeof jsonSchema.default>;
    },
  }) as Record<string, unknown>;
  return json;
}
