import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import type { Field } from '../../src/config/project.ts';
import { compileEncoding } from '../../src/contract/compile-encoding.ts';
import { factShapeOf } from '../../src/contract/fact-shape.ts';
import { protoFileOf } from '../../src/contract/protobuf/schema.ts';
import { ENCODED_FIELDS, EXTREMES, factTexts, fieldsWithNumbers } from './encoded-facts.ts';
import { mappingOf } from './mappings.ts';

const MAPPING = mappingOf(fieldsWithNumbers(ENCODED_FIELDS), { fact: 'some-shop.all_types', semantics: 'All types.\nOf "facts" */ too.' });

/** Another implementation, which knows the text of the .proto file alone. */
function messageType(text: string, name: string): protobuf.Type {
  const { root } = protobuf.parse(text, { keepCase: true });
  root.addJSON(protobuf.common.get('google/protobuf/timestamp.proto')?.nested ?? {});
  const type = root.lookupType(name);
  type.root.resolveAll();
  return type;
}

describe('what is written in Protobuf', () => {
  it('goes through another implementation unchanged', async () => {
    const { codec } = await compileEncoding('protobuf', factShapeOf(MAPPING));
    const type = messageType(protoFileOf(MAPPING), 'some_shop.all_types.v1.AllTypes');
    const check = (texts: readonly string[]) => {
      // Through its plain form, which has no place for fields that it does not know.
      const plain = type.toObject(type.decode(codec.encode(texts) as Uint8Array), { longs: String, enums: String, bytes: String });
      expect(codec.decode(type.encode(type.fromObject(plain)).finish())).toEqual(texts);
    };
    for (const [, texts] of EXTREMES) check(texts);
    fc.assert(fc.property(factTexts, check), { numRuns: 200 });
  });

  it('is what the table of types says', async () => {
    const field = (name: string, type: Field['type'], number: number, optional = false): Field => ({ name, type, number, optional });
    const inner = { name: 'postCode', type: { kind: 'string' }, optional: false, number: 4 } as const;
    const mapping = mappingOf(
      [
        field('id', { kind: 'string' }, 7),
        field('mrr', { kind: 'decimal', precision: 10, scale: 2 }, 1),
        field('accountId', { kind: 'int64' }, 2),
        field('planTier', { kind: 'enum', symbols: ['GOLD', 'SILVER'], numbers: [5, 3] }, 3),
        field('since', { kind: 'timestamp' }, 4),
        field('tags', { kind: 'array', items: { kind: 'string' } }, 5, true),
        { ...field('home', { kind: 'object', members: [inner] }, 6, true), description: 'Where to.' },
      ],
      { fact: 'customer.entitlement', version: { major: 2, minor: 3 }, semantics: 'What a customer\nmay use.' },
    );
    expect(protoFileOf(mapping)).toBe(`syntax = "proto3";

package customer.entitlement.v2;

import "google/protobuf/timestamp.proto";

// What a customer
// may use.
message Entitlement {
  string id = 7;
  string mrr = 1;
  int64 accountId = 2;
  enum PlanTier {
    PLAN_TIER_UNSPECIFIED = 0;
    PLAN_TIER_GOLD = 5;
    PLAN_TIER_SILVER = 3;
  }
  PlanTier planTier = 3;
  .google.protobuf.Timestamp since = 4;
  message TagsList {
    repeated string items = 1;
  }
  optional TagsList tags = 5;
  message Home {
    string postCode = 4;
  }
  // Where to.
  optional Home home = 6;
}
`);
    const { codec } = await compileEncoding('protobuf', factShapeOf(mapping));
    const texts = ['"🙂"', '"-0.10"', '"-9007199254740993"', '"SILVER"', '"1969-12-31T23:59:59.999999Z"', '["a"]', '{"postCode":"x"}'];
    const type = messageType(protoFileOf(mapping), 'customer.entitlement.v2.Entitlement');
    const bytes = codec.encode(texts) as Uint8Array;
    expect(type.toObject(type.decode(bytes), { longs: String, enums: String })).toEqual({
      id: '🙂',
      mrr: '-0.10',
      accountId: '-9007199254740993',
      planTier: 'PLAN_TIER_SILVER',
      since: { seconds: '-1', nanos: 999_999_000 },
      tags: { items: ['a'] },
      home: { postCode: 'x' },
    });
    // In the order of the numbers, and byte for byte what another implementation writes.
    expect(Buffer.from(type.encode(type.decode(bytes)).finish()).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
  });

  it('names nested types apart from their siblings and from the messages around them', async () => {
    const text = { kind: 'string' } as const;
    const members = [
      {
        name: 'thing',
        type: { kind: 'object', members: [{ name: 'x', type: text, optional: false, number: 1 }] },
        optional: false,
        number: 1,
      },
    ] as const;
    const mapping = mappingOf([
      { name: 'id', type: text, optional: false, number: 1 },
      { name: 'thing', type: { kind: 'object', members }, optional: false, number: 2 },
    ]);
    const { codec } = await compileEncoding('protobuf', factShapeOf(mapping));
    const type = messageType(protoFileOf(mapping), 'thing.v1.Thing');
    const texts = ['"a"', '{"thing":{"x":"y"}}'];
    expect(codec.decode(type.encode(type.decode(codec.encode(texts) as Uint8Array)).finish())).toEqual(texts);
  });
});
