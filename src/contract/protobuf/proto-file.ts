import { type FieldType, type ObjectMember, symbolNumbers } from '../../core/field-type.ts';
import { pascalCase, protoSymbol, upperSnakeCase } from '../../core/proto-names.ts';
import type { FactShape } from '../fact-shape.ts';

/** A .proto file as a tree: its text, its descriptor and the codec are all made of it, so that they cannot disagree. */
export interface ProtoFile {
  readonly package: string;
  readonly message: ProtoMessage;
}

export interface ProtoMessage {
  readonly name: string;
  readonly description: string | undefined;
  readonly fields: readonly ProtoField[];
}

export interface ProtoField {
  readonly name: string;
  readonly number: number;
  readonly description: string | undefined;
  readonly label: 'required' | 'optional' | 'repeated';
  readonly type: ProtoType;
}

/** Messages and enums are declared where they are used, inside the message of the field. */
export type ProtoType =
  | { readonly kind: 'scalar'; readonly scalar: 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes'; readonly of: FieldType }
  /** google.protobuf.Timestamp. */
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly ProtoEnumValue[] }
  | { readonly kind: 'message'; readonly message: ProtoMessage }
  /** A message whose only field, `items`, is repeated: a list that may be absent, or that stands in another list. */
  | { readonly kind: 'list'; readonly message: ProtoMessage };

export interface ProtoEnumValue {
  readonly name: string;
  readonly number: number;
  /** The symbol of the contract; undefined for the value 0. */
  readonly symbol: string | undefined;
}

export function protoFileOfShape(shape: FactShape): ProtoFile {
  return { package: shape.namespace, message: messageOf(shape.name, shape.description || undefined, shape.members, []) };
}

function messageOf(
  name: string,
  description: string | undefined,
  members: readonly ObjectMember[],
  ancestors: readonly string[],
): ProtoMessage {
  const names = new Set([...ancestors, name]);
  const scope = [...ancestors, name];
  return { name, description, fields: members.map((member) => fieldOf(member, names, scope)) };
}

function fieldOf(member: ObjectMember, names: Set<string>, scope: readonly string[]): ProtoField {
  const { name, type, optional, description } = member;
  const number = member.number;
  if (number === undefined) throw new Error(`the field ${name} has no number, which validation demands`);
  const field = { name, number, description };
  if (type.kind !== 'array') return { ...field, label: optional ? 'optional' : 'required', type: typeOf(type, name, names, scope) };
  if (optional) return { ...field, label: 'optional', type: listOf(type.items, name, names, scope) };
  return { ...field, label: 'repeated', type: typeOf(type.items, name, names, scope) };
}

function typeOf(type: FieldType, field: string, names: Set<string>, scope: readonly string[]): ProtoType {
  switch (type.kind) {
    case 'boolean':
      return { kind: 'scalar', scalar: 'bool', of: type };
    case 'int32':
    case 'int64':
    case 'bytes':
      return { kind: 'scalar', scalar: type.kind, of: type };
    case 'float64':
      return { kind: 'scalar', scalar: 'double', of: type };
    case 'timestamp':
      return { kind: 'timestamp' };
    case 'enum':
      return enumOf(type, freeName(pascalCase(field), names), field);
    case 'array':
      return listOf(type.items, field, names, scope);
    case 'object':
      return { kind: 'message', message: messageOf(freeName(pascalCase(field), names), undefined, type.members, scope) };
    default:
      return { kind: 'scalar', scalar: 'string', of: type };
  }
}

function listOf(items: FieldType, field: string, names: Set<string>, scope: readonly string[]): ProtoType {
  const name = freeName(`${pascalCase(field)}List`, names);
  const inner = [...scope, name];
  const innerNames = new Set(inner);
  // An element is named after the list's field: `items` would say nothing.
  const type = typeOf(items, field, innerNames, inner);
  return {
    kind: 'list',
    message: { name, description: undefined, fields: [{ name: 'items', number: 1, description: undefined, label: 'repeated', type }] },
  };
}

function enumOf(type: Extract<FieldType, { kind: 'enum' }>, name: string, field: string): ProtoType {
  const numbers = symbolNumbers(type);
  const values = type.symbols.map((symbol, i) => ({ name: protoSymbol(field, symbol), number: numbers[i] as number, symbol }));
  return { kind: 'enum', name, values: [{ name: `${upperSnakeCase(field)}_UNSPECIFIED`, number: 0, symbol: undefined }, ...values] };
}

/** Beside its siblings, and not that of a message around it: classes of Java that are nested cannot share a name. */
function freeName(wanted: string, names: Set<string>): string {
  let name = wanted;
  while (names.has(name)) name += '_';
  names.add(name);
  return name;
}
