import fc from 'fast-check';
import type { Field } from '../../src/config/project.ts';
import type { FieldType, ObjectMember } from '../../src/core/field-type.ts';

/** Facts of every type, as their canonical JSON texts (core/fact.ts): by example at the edges, and at random. */

const MONEY: FieldType = { kind: 'decimal', precision: 38, scale: 18 };
const WHOLE: FieldType = { kind: 'decimal', precision: 38, scale: 0 };
const TIER: FieldType = { kind: 'enum', symbols: ['GOLD', 'silver', '_none'] };
const ADDRESS: FieldType = {
  kind: 'object',
  members: [
    { name: 'city', type: { kind: 'string' }, optional: true },
    { name: 'since', type: { kind: 'timestamp' }, optional: false },
    { name: 'tags', type: { kind: 'array', items: { kind: 'string' } }, optional: true },
    { name: 'tier', type: TIER, optional: true },
    { name: 'all', type: { kind: 'json' }, optional: false },
  ],
};

const TYPES: readonly (readonly [string, FieldType])[] = [
  ['text', { kind: 'string' }],
  ['flag', { kind: 'boolean' }],
  ['small', { kind: 'int32' }],
  ['big', { kind: 'int64' }],
  ['money', MONEY],
  ['whole', WHOLE],
  ['ratio', { kind: 'float64' }],
  ['day', { kind: 'date' }],
  ['clock', { kind: 'time' }],
  ['moment', { kind: 'timestamp' }],
  ['blob', { kind: 'bytes' }],
  ['ident', { kind: 'uuid' }],
  ['tier', TIER],
  ['any', { kind: 'json' }],
  ['numbers', { kind: 'array', items: { kind: 'int64' } }],
  ['ratios', { kind: 'array', items: { kind: 'float64' } }],
  ['flags', { kind: 'array', items: { kind: 'boolean' } }],
  ['words', { kind: 'array', items: { kind: 'string' } }],
  ['moments', { kind: 'array', items: { kind: 'timestamp' } }],
  ['tiers', { kind: 'array', items: TIER }],
  ['matrix', { kind: 'array', items: { kind: 'array', items: { kind: 'decimal', precision: 5, scale: 2 } } }],
  ['address', ADDRESS],
  ['addresses', { kind: 'array', items: ADDRESS }],
];

/** Each type required, and once more optional (`opt_…`). */
export const ENCODED_FIELDS: readonly Field[] = TYPES.flatMap(([name, type]) => [
  { name, type, optional: false, source: { from: name } },
  { name: `opt_${name}`, type, optional: true, source: { from: name } },
]);

/** Numbers as a person would give them, also to the members of objects; not in the order of the fields. */
export function fieldsWithNumbers(fields: readonly Field[]): Field[] {
  return fields.map((field, i) => ({ ...field, type: numbered(field.type), number: fields.length - i + (i % 2 === 0 ? 20_000 : 0) }));
}

function numbered(type: FieldType): FieldType {
  if (type.kind === 'array') return { ...type, items: numbered(type.items) };
  if (type.kind !== 'object') return type;
  const members: ObjectMember[] = type.members.map((member, i) => ({ ...member, type: numbered(member.type), number: i + 1 }));
  return { ...type, members };
}

const string = fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text));
const instant = fc
  .tuple(fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }), fc.nat(999))
  .map(([date, micros]) => `"${date.toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}Z"`);

function decimal(precision: number, scale: number): fc.Arbitrary<string> {
  const bound = 10n ** BigInt(precision) - 1n;
  return fc.bigInt({ min: -bound, max: bound }).map((value) => {
    const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
    const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`;
    return `"${value < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${fraction}"`;
  });
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical((value as Record<string, unknown>)[key])}`).join(',')}}`;
}

function textOf(type: FieldType): fc.Arbitrary<string> {
  switch (type.kind) {
    case 'string':
      return string;
    case 'boolean':
      return fc.constantFrom('true', 'false');
    case 'int32':
      return fc.integer().map(String);
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => `"${value}"`);
    case 'decimal':
      return decimal(type.precision, type.scale);
    case 'float64':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => String(value === 0 ? 0 : value));
    case 'date':
      return instant.map((text) => `${text.slice(0, 11)}"`);
    case 'time':
      return instant.map((text) => `"${text.slice(12, 27)}"`);
    case 'timestamp':
      return instant;
    case 'bytes':
      return fc.uint8Array().map((bytes) => `"${Buffer.from(bytes).toString('base64')}"`);
    case 'uuid':
      return fc.uuid().map((text) => `"${text}"`);
    case 'enum':
      return fc.constantFrom(...type.symbols).map((symbol) => JSON.stringify(symbol));
    case 'json':
      return fc.jsonValue({ noUnicodeString: false, maxDepth: 2 }).map((value) => canonical(JSON.parse(JSON.stringify(value))));
    case 'array':
      return fc.array(textOf(type.items), { maxLength: 4 }).map((texts) => `[${texts.join(',')}]`);
    case 'object':
      return fc
        .tuple(...type.members.map((member) => memberText(member.type, member.optional)))
        .map((texts) => `{${texts.map((text, i) => `${JSON.stringify(type.members[i]?.name)}:${text}`).join(',')}}`);
  }
}

function memberText(type: FieldType, optional: boolean): fc.Arbitrary<string> {
  return optional ? fc.option(textOf(type), { nil: 'null', freq: 2 }) : textOf(type);
}

export const factTexts: fc.Arbitrary<readonly string[]> = fc.tuple(
  ...ENCODED_FIELDS.map(({ type, optional }) => memberText(type, optional)),
);

const LOWEST: Readonly<Record<string, string>> = {
  text: '""',
  flag: 'false',
  small: '-2147483648',
  big: '"-9223372036854775808"',
  money: '"-99999999999999999999.999999999999999999"',
  whole: '"-99999999999999999999999999999999999999"',
  ratio: '-1.7976931348623157e+308',
  day: '"0001-01-01"',
  clock: '"00:00:00.000000"',
  moment: '"0001-01-01T00:00:00.000000Z"',
  blob: '""',
  ident: '"00000000-0000-0000-0000-000000000000"',
  tier: '"_none"',
  any: 'null',
  numbers: '[]',
  ratios: '[]',
  flags: '[]',
  words: '[]',
  moments: '[]',
  tiers: '[]',
  matrix: '[]',
  address: '{"city":null,"since":"1969-12-31T23:59:59.999999Z","tags":null,"tier":null,"all":null}',
  addresses: '[]',
};

const HIGHEST: Readonly<Record<string, string>> = {
  text: JSON.stringify('é e\u0301 🙂 "quoted" \\ \n \u2028 \u0001'),
  flag: 'true',
  small: '2147483647',
  big: '"9223372036854775807"',
  money: '"99999999999999999999.999999999999999999"',
  whole: '"99999999999999999999999999999999999999"',
  ratio: '5e-324',
  day: '"9999-12-31"',
  clock: '"23:59:59.999999"',
  moment: '"9999-12-31T23:59:59.999999Z"',
  blob: '"AP8="',
  ident: '"ffffffff-ffff-4fff-bfff-ffffffffffff"',
  tier: '"GOLD"',
  any: '{"a":[1.10,9007199254740993,null,1e400],"🙂":"x"}',
  numbers: '["9223372036854775807","-9223372036854775808","0"]',
  ratios: '[0,0.1,1e+21,-5e-324]',
  flags: '[true,false,true]',
  words: '["","🙂"]',
  moments: '["1970-01-01T00:00:00.000000Z","0001-01-01T00:00:00.000001Z"]',
  tiers: '["GOLD","silver","_none"]',
  matrix: '[["1.10","-0.01"],[],["999.99"]]',
  address: '{"city":"","since":"9999-12-31T23:59:59.999999Z","tags":[],"tier":"silver","all":[null]}',
  addresses: '[{"city":"x","since":"1970-01-01T00:00:00.000000Z","tags":["a",""],"tier":null,"all":{"n":9007199254740993}}]',
};

const row = (values: Readonly<Record<string, string>>, absent: boolean): string[] =>
  ENCODED_FIELDS.map(({ name }) => (name.startsWith('opt_') && absent ? 'null' : (values[name.replace('opt_', '')] as string)));

export const EXTREMES: readonly (readonly [string, readonly string[]])[] = [
  ['lowest', row(LOWEST, false)],
  ['highest', row(HIGHEST, false)],
  ['lowest, optional ones absent', row(LOWEST, true)],
  ['highest, optional ones absent', row(HIGHEST, true)],
];
