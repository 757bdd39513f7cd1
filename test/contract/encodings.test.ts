import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Encoding } from '../../src/config/project.ts';
import { compileEncoding } from '../../src/contract/compile-encoding.ts';
import { factShapeOf } from '../../src/contract/fact-shape.ts';
import { ENCODED_FIELDS, EXTREMES, factTexts, fieldsWithNumbers } from './encoded-facts.ts';
import { mappingOf } from './mappings.ts';

const ENCODINGS: readonly Encoding[] = ['json', 'avro', 'protobuf'];
const SHAPE = factShapeOf(mappingOf(fieldsWithNumbers(ENCODED_FIELDS), { fact: 'some-shop.all_types' }));

describe.each(ENCODINGS)('%s', (encoding) => {
  it('gives back every fact as it was', async () => {
    const { codec } = await compileEncoding(encoding, SHAPE);
    fc.assert(
      fc.property(factTexts, (texts) => {
        const encoded = codec.encode(texts);
        expect(codec.decode(typeof encoded === 'string' ? Buffer.from(encoded) : encoded)).toEqual(texts);
      }),
      { numRuns: 500 },
    );
  });

  it.each(EXTREMES)('keeps the extremes: %s', async (_, texts) => {
    const { codec } = await compileEncoding(encoding, SHAPE);
    const encoded = codec.encode(texts);
    expect(codec.decode(typeof encoded === 'string' ? Buffer.from(encoded) : encoded)).toEqual(texts);
  });

  it('does not take bytes for a fact that are none', async () => {
    const { codec } = await compileEncoding(encoding, SHAPE);
    const encoded = codec.encode(EXTREMES[0]?.[1] ?? []);
    const bytes = typeof encoded === 'string' ? Buffer.from(encoded) : encoded;
    expect(codec.decode(bytes.subarray(0, bytes.length - 3))).toBeUndefined();
    expect(codec.decode(Buffer.from('\u0000not a fact'))).toBeUndefined();
  });

  it('hands out bytes that a later fact does not change', async () => {
    const { codec } = await compileEncoding(encoding, SHAPE);
    const [first, second] = EXTREMES;
    const encoded = codec.encode(first?.[1] ?? []);
    const copy = typeof encoded === 'string' ? encoded : Buffer.from(encoded).toString('hex');
    codec.encode(second?.[1] ?? []);
    expect(typeof encoded === 'string' ? encoded : Buffer.from(encoded).toString('hex')).toBe(copy);
  });
});
