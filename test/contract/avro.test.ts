import { describe, expect, it } from 'vitest';
import type { Field } from '../../src/config/project.ts';
import { bytesOfInteger, decimalText, integerOfBytes } from '../../src/contract/avro/scalars.ts';
import { avroSchemaOf } from '../../src/contract/avro/schema.ts';
import { compileEncoding } from '../../src/contract/compile-encoding.ts';
import { factShapeOf } from '../../src/contract/fact-shape.ts';
import { mappingOf } from './mappings.ts';

const field = (name: string, type: Field['type'], more: Partial<Field> = {}): Field => ({ name, type, optional: false, ...more });

describe('the Avro schema', () => {
  it('has the logical types of the specification', () => {
    const members = [{ name: 'b', type: { kind: 'object', members: [] }, optional: false }] as const;
    const mapping = mappingOf(
      [
        field('id', { kind: 'uuid' }, { description: 'Who.', aliases: ['old_id'] }),
        field('mrr', { kind: 'decimal', precision: 10, scale: 2 }, { optional: true }),
        field('day', { kind: 'date' }),
        field('at', { kind: 'time' }),
        field('since', { kind: 'timestamp' }),
        field('tier', { kind: 'enum', symbols: ['GOLD', 'SILVER'] }),
        field('any', { kind: 'json' }),
        field('list', { kind: 'array', items: { kind: 'int64' } }),
        field('a', { kind: 'object', members }),
        field('a_b', { kind: 'enum', symbols: ['X'] }),
      ],
      { fact: 'customer-care.entitlement_x', version: { major: 2, minor: 3 }, semantics: 'What.' },
    );
    expect(avroSchemaOf(mapping)).toEqual({
      type: 'record',
      name: 'EntitlementX',
      namespace: 'customer_care.entitlement_x.v2',
      doc: 'What.',
      fields: [
        { name: 'id', type: { type: 'string', logicalType: 'uuid' }, doc: 'Who.', aliases: ['old_id'] },
        { name: 'mrr', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }], default: null },
        { name: 'day', type: { type: 'int', logicalType: 'date' } },
        { name: 'at', type: { type: 'long', logicalType: 'time-micros' } },
        { name: 'since', type: { type: 'long', logicalType: 'timestamp-micros' } },
        { name: 'tier', type: { type: 'enum', name: 'EntitlementX_tier', symbols: ['GOLD', 'SILVER'] } },
        { name: 'any', type: 'string' },
        { name: 'list', type: { type: 'array', items: 'long' } },
        {
          name: 'a',
          type: {
            type: 'record',
            name: 'EntitlementX_a',
            fields: [{ name: 'b', type: { type: 'record', name: 'EntitlementX_a_b', fields: [] } }],
          },
        },
        { name: 'a_b', type: { type: 'enum', name: 'EntitlementX_a_b_', symbols: ['X'] } },
      ],
    });
  });

  it('is followed byte for byte (Avro specification, "Data Serialization and Deserialization")', async () => {
    const mapping = mappingOf([
      field('id', { kind: 'string' }),
      field('mrr', { kind: 'decimal', precision: 10, scale: 2 }, { optional: true }),
      field('since', { kind: 'timestamp' }),
      field('tier', { kind: 'enum', symbols: ['GOLD', 'SILVER'] }),
    ]);
    const { codec } = await compileEncoding('avro', factShapeOf(mapping));
    const hex = (texts: readonly string[]) => Buffer.from(codec.encode(texts) as Uint8Array).toString('hex');
    expect(hex(['"é"', '"-1.00"', '"1970-01-01T00:00:00.000001Z"', '"SILVER"'])).toBe('04c3a9' + '02029c' + '02' + '02');
    expect(hex(['""', 'null', '"1969-12-31T23:59:59.999999Z"', '"GOLD"'])).toBe('00' + '00' + '01' + '00');
  });
});

describe("Avro's decimal", () => {
  it.each([
    [0n, '00'],
    [127n, '7f'],
    [128n, '0080'],
    [-1n, 'ff'],
    [-128n, '80'],
    [-129n, 'ff7f'],
    [2n ** 64n, '010000000000000000'],
  ])('%s', (value, hex) => {
    expect(bytesOfInteger(value).toString('hex')).toBe(hex);
    expect(integerOfBytes(Buffer.from(hex, 'hex'))).toBe(value);
  });

  it('has its point where the scale says', () => {
    expect([decimalText(-5n, 2), decimalText(5n, 0), decimalText(12345n, 2), decimalText(0n, 3)]).toEqual([
      '-0.05',
      '5',
      '123.45',
      '0.000',
    ]);
  });
});
