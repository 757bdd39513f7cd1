import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Field } from '../../src/config/project.ts';
import { canonicalFact, canonicalFactOf } from '../../src/contract/canonical-fact.ts';
import { compileMapping } from '../../src/contract/compile.ts';
import { jsonCodec } from '../../src/contract/json-codec.ts';
import { jsonSchemaOf } from '../../src/contract/json-schema.ts';
import type { FieldType } from '../../src/core/field-type.ts';
import type { ColumnKind } from '../../src/core/row.ts';
import { ENTITLEMENT, ENTITLEMENT_COLUMNS, ENTITLEMENT_MODEL, GOLD, rowOf } from './example.ts';
import { AT, column, ID, ID_COLUMNS, mappingOf, modelOf } from './mappings.ts';

const ajv = new Ajv({ strict: false, allErrors: true });
ajvFormats.default(ajv);

describe('jsonCodec', () => {
  it('writes the fields in the order of the mapping', () => {
    const { mapper } = compileMapping(ENTITLEMENT, ENTITLEMENT_MODEL, ENTITLEMENT_COLUMNS);
    const fact = mapper.mapRow(rowOf(mapper.columns, { ...GOLD, mrr: null }));
    if (fact.outcome !== 'fact') throw new Error('the example row is a fact');
    const codec = jsonCodec(mapper.fieldNames);
    expect(codec.contentType).toBe('application/json');
    expect(codec.encode(fact.fields)).toBe(
      '{"customerId":"c-1","product":"core","tier":"GOLD","active":false,"mrr":null,"accountId":"9007199254740993","region":"EU",' +
        '"since":"2024-02-29T23:59:59.500000Z","channel":"subscription"}',
    );
  });

  it('writes JSON whatever the names and values are', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'grapheme' }), { minLength: 0, maxLength: 5 }), (names) => {
        const text = jsonCodec(names).encode(names.map((name) => JSON.stringify(name)));
        expect(Object.entries(JSON.parse(text) as object).sort()).toEqual(names.map((name) => [name, name]).sort());
      }),
    );
  });
});

describe('canonicalFact', () => {
  it('does not depend on the order of fields', () => {
    const names = fc.uniqueArray(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 8 });
    const shuffled = names.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(shuffled, ([names, other]) => {
        const texts = (of: readonly string[]) => of.map((name) => JSON.stringify(`v${name}`));
        expect(canonicalFact(names, texts(names))).toBe(canonicalFact(other, texts(other)));
      }),
    );
    expect(canonicalFactOf(['b', 'a', 'B'])(['1', '2', '3'])).toBe('{"B":3,"a":2,"b":1}');
  });
});

const decimal: FieldType = { kind: 'decimal', precision: 10, scale: 2 };
const SAMPLES: readonly (readonly [string, ColumnKind, FieldType, readonly string[], readonly unknown[]])[] = [
  ['s', 'string', { kind: 'string' }, ['', 'x'], [1]],
  ['b', 'boolean', { kind: 'boolean' }, ['true'], ['true']],
  ['i', 'int32', { kind: 'int32' }, ['-2147483648', '7'], ['7', 2147483648, 1.5]],
  ['l', 'int64', { kind: 'int64' }, ['9223372036854775807', '-1', '0'], [1, '01', '1.0']],
  ['d', 'decimal', decimal, ['-0.01', '12345678.9', '0'], ['1.1', '123456789.00', 1.1]],
  ['f', 'float64', { kind: 'float64' }, ['0.1', '1e+21'], ['0.1']],
  ['day', 'date', { kind: 'date' }, ['2024-02-29'], ['2024-02-30', '1/1/24']],
  ['tm', 'time', { kind: 'time' }, ['23:59:59.5'], ['23:59:59', '23:59:59Z']],
  ['ts', 'timestamptz', { kind: 'timestamp' }, [AT], ['2026-01-31T12:00:00Z', '2026-01-31 12:00:00']],
  ['by', 'bytes', { kind: 'bytes' }, ['00ff'], [1]],
  ['u', 'uuid', { kind: 'uuid' }, ['6ba7b810-9dad-11d1-80b4-00c04fd430c8'], ['x']],
  ['e', 'string', { kind: 'enum', symbols: ['A', 'B'] }, ['A'], ['C']],
  ['j', 'json', { kind: 'json' }, ['{"a":[1,null]}', '5'], []],
  ['a', 'array', { kind: 'array', items: { kind: 'int64' } }, ['[1,2]', '[]'], [[1], 'x']],
  ['o', 'json', { kind: 'object', members: [{ name: 'm', type: decimal, optional: true }] }, ['{"m":1.1}', '{}'], [{ m: 1.1 }, 'x', []]],
];

describe('jsonSchemaOf', () => {
  it.each([false, true])('accepts every mapped fact and refuses what no mapping gives (optional: %s)', (optional) => {
    const fields: Field[] = SAMPLES.map(([name, , type]) => ({ name, source: { from: name }, type, optional }));
    const columns = [...ID_COLUMNS, ...SAMPLES.map(([name, kind]) => column(name, kind))];
    const mapping = mappingOf([ID, ...fields]);
    const { mapper } = compileMapping(mapping, modelOf(), columns);
    const schema = jsonSchemaOf(mapping);
    expect(ajv.validateSchema(schema)).toBe(true);
    const validate = ajv.compile(schema);
    const first: Record<string, string | null> = { id: 'i', at: AT };
    for (const [name, , , texts] of SAMPLES) first[name] = texts[0] ?? null;
    const encoded = (row: Record<string, string | null>): Record<string, unknown> => {
      const fact = mapper.mapRow(rowOf(mapper.columns, row));
      if (fact.outcome !== 'fact') throw new Error(`not a fact: ${JSON.stringify(fact)}`);
      return JSON.parse(jsonCodec(mapper.fieldNames).encode(fact.fields)) as Record<string, unknown>;
    };
    for (const [name, , , texts, wrong] of SAMPLES) {
      for (const text of texts)
        expect(validate(encoded({ ...first, [name]: text })), `${name} ${text}: ${ajv.errorsText(validate.errors)}`).toBe(true);
      for (const value of wrong) expect(validate({ ...encoded(first), [name]: value }), `${name} ${JSON.stringify(value)}`).toBe(false);
      if (optional) expect(validate(encoded({ ...first, [name]: null }))).toBe(true);
      else if (name !== 'j') expect(validate({ ...encoded(first), [name]: null })).toBe(false);
    }
    const { s: _, ...without } = encoded(first);
    expect(validate(without)).toBe(optional);
    // Of a later version.
    expect(validate({ ...encoded(first), extra: 1 })).toBe(true);
  });

  it('describes the example', () => {
    expect(jsonSchemaOf(ENTITLEMENT)).toMatchObject({
      title: 'customer.entitlement 1.0',
      properties: {
        tier: { enum: ['GOLD', 'SILVER', 'BRONZE', 'TRIAL'], description: 'The commercial tier that support and product surfaces act on.' },
        mrr: { type: ['string', 'null'] },
      },
    });
  });
});
