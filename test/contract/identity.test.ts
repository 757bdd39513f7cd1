import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Field } from '../../src/config/project.ts';
import { compileMapping } from '../../src/contract/compile.ts';
import type { FieldType } from '../../src/core/field-type.ts';
import type { ColumnKind } from '../../src/core/row.ts';
import { AT, column, mappingOf, modelOf } from './mappings.ts';

const types: readonly (readonly [ColumnKind, FieldType])[] = [
  ['string', { kind: 'string' }],
  ['int64', { kind: 'int64' }],
  ['int32', { kind: 'int32' }],
  ['boolean', { kind: 'boolean' }],
];

function keyMapper(kinds: readonly (readonly [ColumnKind, FieldType])[]) {
  const fields: Field[] = kinds.map(([, type], i) => ({ name: `k${i}`, source: { from: `c${i}` }, type, optional: false }));
  const names = fields.map((field) => field.name);
  const columns = [...kinds.map(([kind], i) => column(`c${i}`, kind)), column('at', 'timestamptz')];
  const { mapper } = compileMapping(mappingOf(fields, { key: names }), modelOf({ key: kinds.map((_, i) => `c${i}`) }), columns);
  return (values: readonly (string | null)[]) => mapper.mapRow([...values, AT]);
}

const text = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.stringMatching(/^[a",[\]\\ ]{1,6}$/),
  fc.constantFrom('1', 'true', 'null', '"', '\\', 'é', 'e\u0301', 'a ', ' a', 'A', '["a"]'),
);
const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const valuesOf: Partial<Record<ColumnKind, fc.Arbitrary<string>>> = {
  string: text.filter((value) => !/\0|\ufffd|\p{Surrogate}/u.test(value)),
  int64: integer,
  int32: fc.integer().map(String),
  boolean: fc.boolean().map(String),
};

describe('keys', () => {
  it('never give one text, or the same bytes, for two different tuples', () => {
    const scenario = fc.array(fc.constantFrom(...types), { minLength: 1, maxLength: 3 }).chain((kinds) => {
      const tuple = fc.tuple(...kinds.map(([kind]) => valuesOf[kind] as fc.Arbitrary<string>));
      return fc.tuple(fc.constant(kinds), tuple, tuple);
    });
    fc.assert(
      fc.property(scenario, ([kinds, a, b]) => {
        const map = keyMapper(kinds);
        const [left, right] = [map(a), map(b)];
        if (left.outcome !== 'fact' || right.outcome !== 'fact') throw new Error('every tuple here is a key');
        expect(Buffer.from(left.key).equals(Buffer.from(right.key))).toBe(JSON.stringify(a) === JSON.stringify(b));
        expect(left.identity).toBe(left.key);
      }),
      { numRuns: 500 },
    );
  });

  it('are the plain text of one field, a JSON array of strings of several', () => {
    expect(keyMapper([['string', { kind: 'string' }]])(['a"b'])).toMatchObject({ key: 'a"b' });
    expect(keyMapper([['timestamptz', { kind: 'timestamp' }]])([AT])).toMatchObject({ key: '2026-01-31T12:00:00.123456Z' });
    const several = keyMapper([types[0]!, types[1]!, types[2]!, types[3]!]);
    expect(several(['a"', '1', '1', 'true'])).toMatchObject({ key: '["a\\"","1","1","true"]' });
    expect(keyMapper([types[0]!, types[0]!])(['a', 'bc'])).not.toMatchObject({
      key: keyOf(keyMapper([types[0]!, types[0]!])(['ab', 'c'])),
    });
  });

  it.each([
    [null, 'null_in_key'],
    ['', 'empty_key'],
    ['a\ufffd', 'replacement_character'],
    ['a\0', 'nul_character'],
    ['\udfff', 'lone_surrogate'],
  ])('%j is no key: %s', (value, reason) => {
    for (const kinds of [[types[0]!], [types[0]!, types[1]!]]) {
      expect(keyMapper(kinds)([value, '1'].slice(0, kinds.length))).toMatchObject({
        outcome: 'rejected',
        identity: null,
        field: 'k0',
        reason,
      });
    }
  });
});

function keyOf(mapped: ReturnType<ReturnType<typeof keyMapper>>): string | null {
  return mapped.outcome === 'fact' ? mapped.key : null;
}
