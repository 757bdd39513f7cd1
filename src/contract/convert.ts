import { isLosslessNumber } from 'lossless-json';
import type { FieldType, ObjectMember } from '../core/field-type.ts';
import type { ColumnKind } from '../core/row.ts';
import { canonicalJson, canonicalJsonText, isArray, isObject, type JsonTree, parseJson } from './json-tree.ts';
import { plainNumber, textToFloat64, toDecimal, toFloat64, toInt32, toInt64 } from './numbers.ts';
import { quote } from './quote.ts';
import { type Convert, REJECT, Rejection } from './rejection.ts';
import { textToTimestamp, timestampToTimestamp, timestamptzToTimestamp, toDate, toTime } from './times.ts';

/**
 * Promise 5: the conversion from a column kind to a field type; undefined where it would lose or invent something (docs/mapping.md has the table).
 * Texts from string columns are parsed strictly: the canonical text that a column of the field's own kind would have.
 */
export function converter(kind: ColumnKind, type: FieldType): Convert | undefined {
  switch (type.kind) {
    case 'string':
      return TEXT_KINDS.has(kind) ? quote : undefined;
    case 'boolean':
      return kind === 'boolean' || kind === 'string' ? toBoolean : undefined;
    case 'int32':
      return EXACT_NUMBERS.has(kind) ? toInt32 : undefined;
    case 'int64':
      return EXACT_NUMBERS.has(kind) ? toInt64 : undefined;
    case 'decimal':
      return EXACT_NUMBERS.has(kind) ? toDecimal(type.precision, type.scale) : undefined;
    case 'float64':
      if (kind === 'float64' || kind === 'int32') return toFloat64;
      return kind === 'string' ? textToFloat64 : undefined;
    case 'date':
      return kind === 'date' || kind === 'string' ? toDate : undefined;
    case 'time':
      return kind === 'time' || kind === 'string' ? toTime : undefined;
    case 'timestamp':
      if (kind === 'timestamptz') return timestamptzToTimestamp;
      if (kind === 'timestamp') return timestampToTimestamp;
      return kind === 'string' ? textToTimestamp : undefined;
    case 'bytes':
      return kind === 'bytes' || kind === 'string' ? toBytes : undefined;
    case 'uuid':
      return kind === 'uuid' || kind === 'string' ? toUuid : undefined;
    case 'enum':
      return ENUM_KINDS.has(kind) ? toEnum(type.symbols) : undefined;
    case 'json':
      return JSON_KINDS.has(kind) ? canonicalJsonText : undefined;
    case 'array':
    case 'object':
      return (kind === 'json' || kind === 'string' || (kind === 'array' && type.kind === 'array')) && treeConverterExists(type)
        ? fromTree(treeConverter(type))
        : undefined;
  }
}

const TEXT_KINDS: ReadonlySet<ColumnKind> = new Set<ColumnKind>([
  'string',
  'boolean',
  'int32',
  'int64',
  'decimal',
  'float64',
  'date',
  'time',
  'uuid',
  'other',
]);
const EXACT_NUMBERS: ReadonlySet<ColumnKind> = new Set<ColumnKind>(['int32', 'int64', 'decimal', 'string']);
const ENUM_KINDS: ReadonlySet<ColumnKind> = new Set<ColumnKind>(['string', 'other', 'boolean', 'int32', 'int64']);
const JSON_KINDS: ReadonlySet<ColumnKind> = new Set<ColumnKind>(['json', 'array', 'string']);

const toBoolean: Convert = (text) => (text === 'true' || text === 'false' ? text : REJECT.not_a_boolean);

const HEX = /^(?:[0-9a-fA-F]{2})*$/;
/** Hexadecimal digits → base64 with padding (RFC 4648 section 4). */
const toBytes: Convert = (text) => (HEX.test(text) ? `"${Buffer.from(text, 'hex').toString('base64')}"` : REJECT.not_bytes);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const toUuid: Convert = (text) => (UUID.test(text) ? `"${text.toLowerCase()}"` : REJECT.not_a_uuid);

function toEnum(symbols: readonly string[]): Convert {
  const texts = new Map(symbols.map((symbol) => [symbol, JSON.stringify(symbol)]));
  return (text) => texts.get(text) ?? REJECT.not_in_enum;
}

/** From one value inside JSON. JSON null never arrives here. */
type ConvertTree = (tree: JsonTree) => string | Rejection;

function fromTree(convert: ConvertTree): Convert {
  return (text) => {
    const tree = parseJson(text);
    return tree instanceof Rejection ? tree : convert(tree);
  };
}

function treeConverterExists(type: FieldType): boolean {
  if (type.kind === 'array') return treeConverterExists(type.items);
  return type.kind === 'object' ? type.members.every((member) => treeConverterExists(member.type)) : true;
}

function treeConverter(type: FieldType): ConvertTree {
  switch (type.kind) {
    case 'json':
      return canonicalJson;
    case 'array':
      return arrayConverter(treeConverter(type.items), type.items);
    case 'object':
      return objectConverter(type.members);
    case 'boolean':
      return (tree) => (typeof tree === 'boolean' ? String(tree) : REJECT.not_a_boolean);
    case 'float64':
      return (tree) => (isLosslessNumber(tree) ? textToFloat64(tree.value) : REJECT.not_a_float64);
    default: {
      const fromText = converter('string', type) as Convert;
      const wantsNumber = type.kind === 'int32' || type.kind === 'int64' || type.kind === 'decimal';
      return (tree) => {
        if (typeof tree === 'string') return fromText(tree);
        if (wantsNumber && isLosslessNumber(tree)) return fromText(plainNumber(tree.value) ?? '');
        return wantsNumber ? fromText('') : REJECT.not_a_string;
      };
    }
  }
}

function arrayConverter(item: ConvertTree, itemType: FieldType): ConvertTree {
  const nullAllowed = itemType.kind === 'json';
  return (tree) => {
    if (!isArray(tree)) return REJECT.not_an_array;
    let text = '[';
    for (const [index, element] of tree.entries()) {
      if (element === null && !nullAllowed) return REJECT.null_in_required;
      const converted = item(element);
      if (typeof converted !== 'string') return converted;
      text += index === 0 ? converted : `,${converted}`;
    }
    return `${text}]`;
  };
}

/** Members in the order of the mapping; members of the JSON that the type does not name are left out. */
function objectConverter(members: readonly ObjectMember[]): ConvertTree {
  const parts = members.map((member) => ({ ...member, convert: treeConverter(member.type), label: `${JSON.stringify(member.name)}:` }));
  return (tree) => {
    if (!isObject(tree)) return REJECT.not_an_object;
    let text = '{';
    for (const [index, part] of parts.entries()) {
      const value = Object.hasOwn(tree, part.name) ? (tree[part.name] as JsonTree) : null;
      let converted: string | Rejection;
      if (value !== null) converted = part.convert(value);
      else if (part.optional || (part.type.kind === 'json' && Object.hasOwn(tree, part.name))) converted = 'null';
      else return REJECT.null_in_required;
      if (typeof converted !== 'string') return converted;
      text += (index === 0 ? '' : ',') + part.label + converted;
    }
    return `${text}}`;
  };
}
