import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import type { Mapping } from '../../src/config/project.ts';
import { jsonSchemaOf } from '../../src/contract/json-schema.ts';
import type { FieldType } from '../../src/core/field-type.ts';
import { type Breaks, COMPATIBILITY_CASES } from './compatibility-cases.ts';

const ajv = new Ajv({ strict: false });
addFormats.default(ajv);

/** JSON values as they are published, at the edges of a type. */
function valuesOf(type: FieldType): readonly unknown[] {
  switch (type.kind) {
    case 'string':
      return ['', 'no form at all'];
    case 'boolean':
      return [true, false];
    case 'int32':
      return [0, -2147483648, 2147483647];
    case 'int64':
      return ['0', '-9223372036854775808', '9223372036854775807'];
    case 'decimal': {
      const texts = ['0', '9'.repeat(type.precision - type.scale)];
      return type.scale === 0 ? texts : texts.map((whole) => `-${whole}.${'9'.repeat(type.scale)}`);
    }
    case 'float64':
      return [0.5, -1e300];
    case 'date':
      return ['2026-01-31'];
    case 'time':
      return ['23:59:59.999999'];
    case 'timestamp':
      return ['2026-01-31T23:59:59.999999Z'];
    case 'bytes':
      return ['', 'AP8=', 'AAAA'];
    case 'uuid':
      return ['ffffffff-ffff-4fff-bfff-ffffffffffff'];
    case 'json':
      return [null, 1.5, 'text', ['text', 1], { any: true }];
    case 'enum':
      return type.symbols;
    case 'array':
      return [[], ...valuesOf(type.items).map((item) => [item])];
    case 'object':
      return objectsOf(type.members);
  }
}

type Member = { readonly name: string; readonly type: FieldType; readonly optional: boolean };

/** Each member at each of its edges, beside the first value of the others. */
function objectsOf(members: readonly Member[]): readonly object[] {
  const edges = members.map(({ type, optional }) => [...valuesOf(type), ...(optional ? [null] : [])]);
  const first = Object.fromEntries(members.map(({ name }, i) => [name, edges[i]?.[0]]));
  return members.flatMap(({ name }, i) => (edges[i] ?? []).map((value) => ({ ...first, [name]: value })));
}

/** Whether a consumer that validates with the reader's schema takes every fact of the writer. */
function reads(reader: Mapping, writer: Mapping): boolean {
  const validate = ajv.compile(jsonSchemaOf(reader));
  return objectsOf(writer.fields).every((fact) => validate(fact) === true);
}

/** What the verdict knows, and a schema cannot say. */
const NOT_IN_THE_SCHEMA: Readonly<Record<string, Breaks>> = {
  // The pattern of an int64 counts digits.
  'int64 → decimal that holds it': 'nobody',
};

/** Changes of `terms` are not in any schema. */
const OF_FIELDS = COMPATIBILITY_CASES.filter(({ before, after }) =>
  (['key', 'identity', 'topic', 'fact', 'class', 'onDelete'] as const).every((term) => String(before[term]) === String(after[term])),
);

test.each(OF_FIELDS)(
  '$name: consumers that validate are broken where the verdict says so, and nowhere else',
  ({ name, before, after, json }) => {
    const [oldReads, newReads] = [reads(before, after), reads(after, before)];
    const broken: Breaks = oldReads ? (newReads ? 'nobody' : 'new') : newReads ? 'old' : 'both';
    expect(broken).toBe(NOT_IN_THE_SCHEMA[name] ?? json);
  },
);
