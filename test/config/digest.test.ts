import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/config/digest.ts';
import { edited, type Files, mappingOf, PROJECT } from './written-project.ts';

const O = 'models/customers.yml';
const P = 'mappings/customer.yml';
const digestOf = async (files: Files) => (await mappingOf(files)).digest;

describe('the digest of a mapping', () => {
  test('is 32 hexadecimal digits', async () => {
    expect(await digestOf(PROJECT)).toMatch(/^[0-9a-f]{32}$/);
  });

  test.each([
    ['formatting', P, [['type: { enum: [GOLD, SILVER] }', 'type:\n      enum:\n        - GOLD\n        - "SILVER" # a comment']]],
    ['owner', P, [['data@example.com', 'else@example.com']]],
    ['semantics', P, [['The tier.', 'Another text.']]],
    ['compatibility', P, [['class: profile', 'class: profile\ncompatibility: full']]],
    ['description', P, [['type: boolean', 'type: boolean, description: x']]],
    ['topic settings', P, [['class: profile', 'class: profile\npartitions: 9\ntopic_config: { segment.ms: 1d }']]],
    ['guards', P, [['class: profile', 'class: profile\nguards: { empty_source: allow }']]],
    ['version', P, [['"1.0"', '"1.1"']]],
    ['defaults spelled out', P, [['class: profile', 'class: profile\non_delete: tombstone\nidentity: [customerId]']]],
    ['order of values', P, [['{ gold: GOLD, silver: SILVER }', '{ silver: SILVER, gold: GOLD }']]],
    ['order of symbols', P, [['[GOLD, SILVER]', '[SILVER, GOLD]']]],
    [
      'order of fields',
      P,
      [
        ['  customerId: { from: customer_id, type: string }\n', ''],
        ['type: boolean }\n', 'type: boolean }\n  customerId: { from: customer_id, type: string }\n'],
      ],
    ],
    ['schedule', O, [['schedule: "*/5 * * * *"', 'schedule: "1 * * * *"']]],
    ['full comparison', O, [['0 3 * * *', '0 4 * * *']]],
    ['lookback', O, [['15m', '30m']]],
  ] as const)('ignores %s', async (_what, file, edits) => {
    expect(await digestOf(edited(file, ...edits))).toBe(await digestOf(PROJECT));
  });

  const AB = 'type: { object: { a: string, b: string } }';
  test.each([
    ['table', O, [['marts.customers', 'marts.customers2']]],
    ['query', O, [['table: marts.customers', 'sql: select * from marts.customers']]],
    ['model key', O, [['[customer_id]', '[customer_id, x]']]],
    ['cursor column: a watermark of another column says nothing', O, [['column: updated_at', 'column: loaded_at']]],
    ['missing rows', O, [['{ missing_rows: true }', '{ missing_rows: true, column: gone }']]],
    ['key', P, [['[customerId]', '[customerId, tier]']]],
    ['subject', P, [['data_subject: customerId', 'data_subject: tier']]],
    ['occurred_at', P, [['{ from: updated_at }', '{ from: created_at }']]],
    ['where', P, [['class: profile', 'class: profile\nwhere: "row.x"']]],
    ['on_delete', P, [['class: profile', 'class: profile\non_delete: fact']]],
    ['source of a field', P, [['from: plan_code', 'from: plan']]],
    ['expression', P, [['row.is_active', '!row.is_active']]],
    ['from becomes cel of the same text', P, [['from: plan_code', 'cel: plan_code']]],
    ['values', P, [['gold: GOLD,', 'gold: SILVER,']]],
    ['symbols', P, [['[GOLD, SILVER]', '[GOLD, SILVER, NEW]']]],
    ['type', P, [['type: boolean', 'type: string']]],
    ['optional', P, [['type: boolean', 'type: boolean, optional: true']]],
    ['default', P, [['type: boolean', 'type: boolean, default: true']]],
    ['name of a field', P, [['  active:', '  isActive:']]],
    ['a further field', P, [['  active:', '  more: { const: 1, type: int32 }\n  active:']]],
    ['type of a constant', P, [['cel: "row.is_active", type: boolean', 'const: 1, type: int64']]],
    ['an object', P, [['type: boolean', AB]]],
  ] as const)('tells another %s', async (_what, file, edits) => {
    expect(await digestOf(edited(file, ...edits))).not.toBe(await digestOf(PROJECT));
  });

  test('tells another order of members: it is the order of their text', async () => {
    const ab = await digestOf(edited(P, ['type: boolean', AB]));
    expect(await digestOf(edited(P, ['type: boolean', 'type: { object: { b: string, a: string } }']))).not.toBe(ab);
  });

  test('stays what it is from release to release: another value means that every model is read in full', async () => {
    expect(await digestOf(PROJECT)).toBe('6dfe062259ed0e6610e2f00e19ee8c15');
  });
});

test('canonical JSON: equal values have one text, different ones two', () => {
  const value = fc.jsonValue();
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(JSON.parse(canonicalJson(a))).toEqual(JSON.parse(JSON.stringify(a)));
      expect(canonicalJson(a) === canonicalJson(b)).toBe(
        canonicalJson(JSON.parse(canonicalJson(a))) === canonicalJson(JSON.parse(canonicalJson(b))),
      );
      expect(canonicalJson(reversed(a))).toBe(canonicalJson(a));
    }),
  );
});

/** The same value with the keys of its objects the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}
