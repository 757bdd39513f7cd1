import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Encoding, Field } from '../../src/config/project.ts';
import { compileEncoding } from '../../src/contract/compile-encoding.ts';
import { keyShapeOf } from '../../src/contract/fact-shape.ts';
import { identityText } from '../../src/contract/identity.ts';
import { encodedKeys, PLAIN_KEYS } from '../../src/contract/record-key.ts';
import { subjectOf } from '../../src/contract/subject.ts';
import { framed } from '../../src/contract/wire-format.ts';
import { mappingOf } from './mappings.ts';

const field = (name: string, type: Field['type'], number: number): Field => ({ name, type, number, optional: false, description: name });
const FIELDS = [
  field('text', { kind: 'string' }, 1),
  field('flag', { kind: 'boolean' }, 2),
  field('small', { kind: 'int32' }, 3),
  field('big', { kind: 'int64' }, 4),
  field('money', { kind: 'decimal', precision: 10, scale: 2 }, 5),
  field('moment', { kind: 'timestamp' }, 6),
  field('tier', { kind: 'enum', symbols: ['GOLD', 'SILVER'] }, 7),
  field('blob', { kind: 'bytes' }, 8),
];
const TEXTS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  text: fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
  flag: fc.constantFrom('true', 'false'),
  small: fc.integer().map(String),
  big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => `"${value}"`),
  money: fc.constantFrom('"-0.01"', '"12345678.90"'),
  moment: fc.constantFrom('"0001-01-01T00:00:00.000001Z"', '"2026-01-31T12:00:00.123456Z"'),
  tier: fc.constantFrom('"GOLD"', '"SILVER"'),
  blob: fc.uint8Array().map((bytes) => `"${Buffer.from(bytes).toString('base64')}"`),
};
const names = fc.shuffledSubarray(Object.keys(TEXTS), { minLength: 1 });

describe.each(['json', 'avro', 'protobuf'] as const)('a key in %s', (encoding: Encoding) => {
  it('is a record of the key fields, made of the text of the key, and gives that text back', async () => {
    await fc.assert(
      fc.asyncProperty(
        names.chain((chosen) => fc.tuple(fc.constant(chosen), fc.tuple(...chosen.map((name) => TEXTS[name] as fc.Arbitrary<string>)))),
        async ([key, texts]) => {
          const shape = keyShapeOf(mappingOf(FIELDS, { key }));
          const { codec, schema } = await compileEncoding(encoding, shape);
          const keys = encodedKeys(shape, framed(codec, schema, 4_000_000_000));
          const encoded = keys.encode(identityText(texts)) as Uint8Array;
          expect(keys.decode(encoded)).toBe(identityText(texts));
          expect(codec.decode(encoded.subarray(encoding === 'protobuf' ? 6 : 5))).toEqual(texts);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has a schema that neither a minor version nor a description changes', async () => {
    const schemaOf = async (version: { major: number; minor: number }, semantics: string, description: string) => {
      const fields = FIELDS.map((each) => ({ ...each, description }));
      return (await compileEncoding(encoding, keyShapeOf(mappingOf(fields, { key: ['text', 'small'], version, semantics })))).schema.text;
    };
    expect(await schemaOf({ major: 1, minor: 5 }, 'Other.', 'x')).toBe(await schemaOf({ major: 1, minor: 0 }, 'Some.', 'y'));
    expect(await schemaOf({ major: 2, minor: 0 }, 'Some.', 'y')).not.toBe(await schemaOf({ major: 1, minor: 0 }, 'Some.', 'y'));
  });
});

describe('the wire format', () => {
  it('is a zero, the id, in Protobuf the message, then the value', async () => {
    const shape = keyShapeOf(mappingOf(FIELDS, { key: ['text'] }));
    const hex = async (encoding: Encoding) => {
      const { codec, schema } = await compileEncoding(encoding, shape);
      return Buffer.from(framed(codec, schema, 258).encode(['"é"']) as Uint8Array).toString('hex');
    };
    expect(await hex('json')).toBe(`0000000102${Buffer.from('{"text":"é"}').toString('hex')}`);
    expect(await hex('avro')).toBe('000000010204c3a9');
    expect(await hex('protobuf')).toBe('0000000102000a02c3a9');
  });

  it('reads values of its own id alone; JSON says by itself what it holds', async () => {
    const shape = keyShapeOf(mappingOf(FIELDS, { key: ['text'] }));
    for (const encoding of ['json', 'avro', 'protobuf'] as const) {
      const { codec, schema } = await compileEncoding(encoding, shape);
      const other = framed(codec, schema, 8).encode(['"a"']) as Uint8Array;
      expect(framed(codec, schema, 7).decode(other)).toEqual(encoding === 'json' ? ['"a"'] : undefined);
      expect(framed(codec, schema, 8).decode(other)).toEqual(['"a"']);
      expect(framed(codec, schema, 8).decode(Buffer.from('{"text":"a"}'))).toBeUndefined();
    }
  });
});

it('plain keys are their text', () => {
  expect(PLAIN_KEYS.encode('["c-1","🙂"]')).toBe('["c-1","🙂"]');
  expect(PLAIN_KEYS.decode(Buffer.from('["c-1","🙂"]'))).toBe('["c-1","🙂"]');
});

it('subjects are named as Confluent names them', () => {
  const mapping = mappingOf(FIELDS, { key: ['text'], fact: 'customer.tier', topic: 'shop.customer.v1' });
  const shape = keyShapeOf(mapping);
  expect(subjectOf('topic', mapping, shape, 'key')).toBe('shop.customer.v1-key');
  expect(subjectOf('topic', mapping, shape, 'value')).toBe('shop.customer.v1-value');
  expect(subjectOf('record', mapping, shape, 'key')).toBe('customer.tier.v1.TierKey');
  expect(subjectOf('topic_record', mapping, shape, 'key')).toBe('shop.customer.v1-customer.tier.v1.TierKey');
});
