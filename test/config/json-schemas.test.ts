import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { mappingSchema, modelSchema, projectSchema, SCHEMA_FILES, schemaText, writeSchemas } from '../../src/config/json-schemas.ts';
import { HEADRACE, MAPPING, MODEL, temporaryFolder } from './written-project.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLE = join(import.meta.dirname, 'fixtures/example');
const SCHEMAS = { headrace: projectSchema(), model: modelSchema(), mapping: mappingSchema() };

const compiled = (kind: keyof typeof SCHEMAS) =>
  new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true, strictTuples: false, strictTypes: false }).compile(
    SCHEMAS[kind],
  );

describe('the JSON Schemas', () => {
  test.each(Object.entries(SCHEMA_FILES))('schemas/%s is current (write them anew with writeSchemas)', async (file, schema) => {
    expect(await readFile(join(ROOT, 'schemas', file), 'utf8')).toBe(schemaText(schema()));
  });

  test('are written where they are asked for', async () => {
    const dir = await temporaryFolder();
    const files = await writeSchemas(dir);
    expect(files).toEqual(['schemas/headrace.schema.json', 'schemas/model.schema.json', 'schemas/mapping.schema.json']);
    expect((await readdir(join(dir, 'schemas'))).length).toBe(3);
  });

  test('accept the example, with its variables', async () => {
    const check = async (kind: keyof typeof SCHEMAS, file: string) => {
      const validate = compiled(kind);
      validate(parse(await readFile(join(EXAMPLE, file), 'utf8')));
      expect([file, validate.errors]).toEqual([file, null]);
    };
    await check('headrace', 'headrace.yml');
    for (const file of await readdir(join(EXAMPLE, 'models'))) await check('model', `models/${file}`);
    for (const file of await readdir(join(EXAMPLE, 'mappings'))) await check('mapping', `mappings/${file}`);
  });

  test.each([
    ['headrace', HEADRACE, 'environment:', 'enviroment:'],
    ['headrace', HEADRACE, 'type: postgres', 'type: oracle'],
    ['model', MODEL, 'schedule:', 'shedule:'],
    ['model', MODEL, 'table:', 'sql: select 1\ntable:'],
    ['model', MODEL, 'lookback: 15m', 'lookback: 15 minutes'],
    ['mapping', MAPPING, '"1.0"', '1.0'],
    ['mapping', MAPPING, 'type: boolean', 'type: bool'],
    ['mapping', MAPPING, 'from: plan_code', 'from: plan_code\n    cel: x'],
    ['mapping', MAPPING, 'type: boolean', 'type: { decimal: [10] }'],
    ['mapping', MAPPING, 'class: profile', 'class: other'],
    ['mapping', MAPPING, 'owner: data@example.com', ''],
  ] as const)('refuse what the reader refuses: %s', (kind, text, from, to) => {
    const validate = compiled(kind);
    expect(validate(parse(text))).toBe(true);
    expect(validate(parse(text.replace(from, to)))).toBe(false);
  });

  test('describe every key', () => {
    const undescribed: string[] = [];
    const walk = (schema: unknown, path: string) => {
      if (typeof schema !== 'object' || schema === null) return;
      if ('properties' in schema && typeof schema.properties === 'object' && schema.properties !== null) {
        for (const [key, inner] of Object.entries(schema.properties)) {
          if (!('description' in inner) && !('$ref' in inner) && !path.endsWith('additionalProperties.anyOf.1'))
            undescribed.push(`${path}.${key}`);
        }
      }
      for (const [key, inner] of Object.entries(schema)) walk(inner, `${path}.${key}`);
    };
    for (const [name, schema] of Object.entries(SCHEMAS)) walk(schema, name);
    expect(undescribed.filter((path) => !/fieldType\.anyOf\.\d\.array|\.(type|optional)$/.test(path))).toEqual([]);
  });
});
