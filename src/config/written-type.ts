import { z } from 'zod';
import type { FieldType, ObjectMember } from '../core/field-type.ts';
import { suggestName } from '../core/nearest.ts';
import type { Path } from './document.ts';
import type { LeafIssue, Refusal } from './leaf.ts';

/** Field types as they are written: a word, or an object with one key (`{ decimal: [10, 2] }`). */
const WORDS = ['string', 'boolean', 'int32', 'int64', 'float64', 'date', 'timestamp', 'time', 'bytes', 'uuid', 'json'] as const;
const SHAPES = ['decimal', 'enum', 'array', 'object'] as const;
const FORMS = `Types: ${WORDS.join(', ')}, { decimal: [precision, scale] }, { enum: [A, B] }, { array: TYPE }, { object: { member: TYPE } }.`;

const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
export const FIELD_NAME_RULE = 'a field is named with letters, digits and `_`, not beginning with a digit';

type Refuse = (path: Path, refusal: Refusal) => undefined;

export function isFieldName(name: string): boolean {
  return FIELD_NAME.test(name) && name.length <= 128 && !['__proto__', 'constructor', 'prototype'].includes(name);
}

export const FIELD_TYPE_REF = '#/definitions/fieldType';

/** The leaf for `type:`. Its JSON Schema stands once under `definitions`. */
export const fieldType = () =>
  z
    .unknown()
    .transform((written, context): FieldType => {
      const type = parseFieldType(written, [], (path, refusal) => {
        const params: LeafIssue = { leaf: refusal };
        context.addIssue({ code: 'custom', message: refusal.refused, params: { ...params }, path: [...path] });
        return undefined;
      });
      return type ?? z.NEVER;
    })
    .meta({ $ref: FIELD_TYPE_REF });

/** The type, or undefined after at least one refusal. */
function parseFieldType(written: unknown, path: Path, refuse: Refuse): FieldType | undefined {
  if (written === undefined) return refuse(path, { refused: 'is missing', suggestion: FORMS, show: false });
  if (typeof written === 'string') {
    const kind = WORDS.find((word) => word === written);
    if (kind !== undefined) return { kind };
    return refuse(path, { refused: 'is not a type', suggestion: suggestType(written) });
  }
  if (typeof written !== 'object' || written === null || Array.isArray(written))
    return refuse(path, { refused: 'is not a type', suggestion: FORMS, show: false });
  const [entry, ...more] = Object.entries(written);
  if (entry === undefined || more.length > 0) return refuse(path, { refused: 'must have exactly one key', suggestion: FORMS, show: false });
  const [shape, inner] = entry;
  const at = [...path, shape];
  switch (shape) {
    case 'decimal':
      return decimalType(inner, at, refuse);
    case 'enum':
      return enumType(inner, at, refuse);
    case 'array': {
      const items = parseFieldType(inner, at, refuse);
      return items === undefined ? undefined : { kind: 'array', items };
    }
    case 'object':
      return objectType(inner, at, refuse);
    default:
      return refuse(at, { refused: 'is not a type', suggestion: suggestType(shape), show: false });
  }
}

const OTHER_NAMES: Readonly<Record<string, string>> = {
  text: 'string',
  varchar: 'string',
  int: 'int32 or int64',
  integer: 'int32 or int64',
  bigint: 'int64',
  long: 'int64',
  number: '{ decimal: [p, s] } or float64',
  numeric: '{ decimal: [p, s] }',
  float: 'float64',
  double: 'float64',
  bool: 'boolean',
  timestamptz: 'timestamp',
  datetime: 'timestamp',
  binary: 'bytes',
  jsonb: 'json',
};

function suggestType(written: string): string {
  const other = Object.hasOwn(OTHER_NAMES, written.toLowerCase()) ? OTHER_NAMES[written.toLowerCase()] : undefined;
  if (other !== undefined) return `Write ${other}.`;
  const near = suggestName(written, [...WORDS, ...SHAPES]);
  return near?.startsWith('Did') === true ? near : FORMS;
}

function decimalType(written: unknown, path: Path, refuse: Refuse): FieldType | undefined {
  const [precision, scale] = Array.isArray(written) && written.length === 2 ? written.map(Number) : [];
  if (!Number.isInteger(precision) || !Number.isInteger(scale) || precision === undefined || scale === undefined)
    return refuse(path, {
      refused: 'must be [precision, scale]',
      suggestion: 'As { decimal: [10, 2] }: ten digits, two of them behind the point.',
      show: false,
    });
  if (precision < 1 || precision > 38) return refuse(path, { refused: `has precision ${precision}; it must be from 1 to 38`, show: false });
  if (scale < 0 || scale > precision)
    return refuse(path, { refused: `has scale ${scale}; it must be from 0 to the precision, ${precision}`, show: false });
  return { kind: 'decimal', precision, scale };
}

function enumType(written: unknown, path: Path, refuse: Refuse): FieldType | undefined {
  if (typeof written === 'object' && written !== null && !Array.isArray(written)) return numberedEnum(written, path, refuse);
  if (!Array.isArray(written) || written.length === 0)
    return refuse(path, { refused: 'must be a list of symbols', suggestion: 'As { enum: [GOLD, SILVER] }.', show: false });
  const symbols: string[] = [];
  for (const [index, symbol] of written.entries()) {
    const at = [...path, index];
    if (typeof symbol !== 'string') refuse(at, { refused: 'must be text', suggestion: 'Put the symbol in quotes.' });
    else if (symbol === '' || /\p{Cc}/u.test(symbol)) refuse(at, { refused: 'must be printable text, not empty', show: false });
    else if (symbols.includes(symbol)) refuse(at, { refused: 'stands twice among the symbols' });
    else symbols.push(symbol);
  }
  return symbols.length === written.length ? { kind: 'enum', symbols } : undefined;
}

/** `{ enum: { GOLD: 1, SILVER: 2 } }`: with the numbers that the symbols have in Protobuf. */
function numberedEnum(written: object, path: Path, refuse: Refuse): FieldType | undefined {
  const entries = Object.entries(written);
  const type = enumType(
    entries.map(([symbol]) => symbol),
    path,
    refuse,
  );
  const seen = new Set<number>();
  let valid = true;
  for (const [symbol, number] of entries) {
    const isNumber = Number.isInteger(number) && number >= 1 && number <= 2_147_483_647;
    if (isNumber && !seen.has(number)) seen.add(number);
    else {
      valid = false;
      refuse([...path, symbol], {
        refused: isNumber ? 'is the number of another symbol' : 'must be a whole number from 1 on',
        suggestion: '0 is kept for symbols that a reader does not know.',
        show: false,
      });
    }
  }
  return valid && type?.kind === 'enum' ? { ...type, numbers: entries.map(([, number]) => number as number) } : undefined;
}

function objectType(written: unknown, path: Path, refuse: Refuse): FieldType | undefined {
  if (typeof written !== 'object' || written === null || Array.isArray(written) || Object.keys(written).length === 0)
    return refuse(path, {
      refused: 'must hold members',
      suggestion: 'As { object: { name: string, age: { type: int32, optional: true } } }.',
      show: false,
    });
  const members: ObjectMember[] = [];
  for (const [name, inner] of Object.entries(written)) {
    const at = [...path, name];
    if (!isFieldName(name)) refuse(at, { refused: `does not fit: ${FIELD_NAME_RULE}`, show: false });
    else {
      const member = memberOf(name, inner, at, refuse);
      if (member !== undefined) members.push(member);
    }
  }
  return members.length === Object.keys(written).length ? { kind: 'object', members } : undefined;
}

/** `TYPE`, or `{ type: TYPE, optional: true, number: 3 }`. */
function memberOf(name: string, written: unknown, path: Path, refuse: Refuse): ObjectMember | undefined {
  if (typeof written !== 'object' || written === null || !('type' in written)) {
    const type = parseFieldType(written, path, refuse);
    return type === undefined ? undefined : { name, type, optional: false };
  }
  const unknown = Object.keys(written).find((key) => !['type', 'optional', 'number'].includes(key));
  if (unknown !== undefined)
    return refuse([...path, unknown], {
      refused: 'is not known here',
      suggestion: suggestName(unknown, ['type', 'optional', 'number']),
      show: false,
    });
  const optional = 'optional' in written ? written.optional : false;
  if (typeof optional !== 'boolean') return refuse([...path, 'optional'], { refused: 'must be true or false' });
  const number = 'number' in written ? written.number : undefined;
  if (number !== undefined && !(typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= 536_870_911))
    return refuse([...path, 'number'], { refused: 'must be a whole number from 1 to 536870911' });
  const type = parseFieldType(written.type, [...path, 'type'], refuse);
  return type === undefined ? undefined : { name, type, optional, number };
}

/** JSON Schema of the written form. */
export const FIELD_TYPE_JSON_SCHEMA = {
  description: 'The type that consumers may rely on.',
  anyOf: [
    { enum: [...WORDS] },
    shapeSchema('decimal', {
      description: '[precision, scale]: at most so many digits, exactly so many behind the point.',
      type: 'array',
      items: [
        { type: 'integer', minimum: 1, maximum: 38 },
        { type: 'integer', minimum: 0, maximum: 38 },
      ],
      minItems: 2,
      maxItems: 2,
    }),
    shapeSchema('enum', {
      description: 'The allowed symbols; with their numbers where the encoding is protobuf.',
      anyOf: [
        { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, uniqueItems: true },
        { type: 'object', minProperties: 1, additionalProperties: { type: 'integer', minimum: 1 } },
      ],
    }),
    shapeSchema('array', { $ref: FIELD_TYPE_REF }),
    shapeSchema('object', {
      description: 'The members of a JSON object.',
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: FIELD_NAME.source },
      additionalProperties: {
        anyOf: [
          { $ref: FIELD_TYPE_REF },
          {
            type: 'object',
            properties: { type: { $ref: FIELD_TYPE_REF }, optional: { type: 'boolean' }, number: { type: 'integer', minimum: 1 } },
            required: ['type'],
            additionalProperties: false,
          },
        ],
      },
    }),
  ],
};

function shapeSchema(name: (typeof SHAPES)[number], schema: Readonly<Record<string, unknown>>) {
  return { type: 'object', properties: { [name]: schema }, required: [name], additionalProperties: false };
}
