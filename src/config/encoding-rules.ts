import type { FieldType, ObjectMember } from '../core/field-type.ts';
import type { Problem } from '../core/problem.ts';
import { protoFolded, protoSymbol, upperSnakeCase } from '../core/proto-names.ts';
import type { Path, SourceDocument } from './document.ts';
import type { Encoding, Field } from './project.ts';

const AVRO_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PROTO_SYMBOL = /^[A-Za-z0-9_]+$/;
/** https://protobuf.dev/programming-guides/proto3/#assigning */
const [RESERVED_FROM, RESERVED_TO] = [19_000, 19_999];

type Complain = (path: Path, message: string, suggestion?: string) => void;

/** What an encoding demands of names, symbols and numbers: found here, and not by a registry on the day of the first run. */
export function checkEncoding(
  encoding: Encoding,
  fields: readonly Field[],
  document: SourceDocument,
  report: (problem: Problem) => void,
): void {
  const complain: Complain = (path, message, suggestion) => report(document.problem(path, message, suggestion));
  if (encoding === 'avro') for (const field of fields) checkSymbols(field, ['fields', field.name], complain);
  if (encoding === 'protobuf') checkMessage(fields, ['fields'], complain);
}

/** Avro specification, "Names": a symbol is a name. */
function checkSymbols(member: ObjectMember & Pick<Field, 'members'>, path: Path, complain: Complain): void {
  if (member.members !== undefined) {
    for (const inner of member.members) checkSymbols(inner, [...path, 'fields', inner.name], complain);
    return;
  }
  eachEnum(member.type, [...path, 'type'], (type, at) => {
    for (const symbol of type.symbols)
      if (!AVRO_NAME.test(symbol))
        complain(
          [...at, 'enum'],
          `The symbol \`${symbol}\` is no name in Avro, which wants letters, digits and \`_\`, not beginning with a digit.`,
          'Map the texts to such names with `values`, or declare the field as string.',
        );
  });
}

function eachEnum(type: FieldType, path: Path, visit: (type: Extract<FieldType, { kind: 'enum' }>, path: Path) => void): void {
  if (type.kind === 'enum') visit(type, path);
  else if (type.kind === 'array') eachEnum(type.items, [...path, 'array'], visit);
  else if (type.kind === 'object') for (const { name, type: inner } of type.members) eachEnum(inner, [...path, 'object', name], visit);
}

type Member = ObjectMember & Pick<Field, 'members'>;

/** One Protobuf message: its fields, and those of the messages in it. */
function checkMessage(members: readonly Member[], path: Path, complain: Complain): void {
  checkNumbers(members, path, complain);
  const names = new Map<string, string>();
  const symbols = new Map<string, string>();
  for (const member of members) {
    const at = [...path, member.name];
    const folded = protoFolded(member.name);
    const other = names.get(folded);
    if (other !== undefined)
      complain(at, `In Protobuf \`${member.name}\` and \`${other}\` are one name: case and \`_\` do not count.`, 'Rename one of them.');
    if (!/^_*[A-Za-z]/.test(member.name))
      complain(at, `\`${member.name}\` begins with no letter, so no names in Protobuf can be made of it.`, 'Rename it.');
    names.set(folded, member.name);
    if (member.members !== undefined) checkMessage(member.members, [...at, 'fields'], complain);
    else checkType(member.type, member.name, [...at, ...(path.at(-1) === 'fields' ? ['type'] : [])], symbols, complain);
  }
}

function checkType(type: FieldType, name: string, path: Path, symbols: Map<string, string>, complain: Complain): void {
  if (type.kind === 'array') checkType(type.items, name, [...path, 'array'], symbols, complain);
  else if (type.kind === 'object') checkMessage(type.members, [...path, 'object'], complain);
  else if (type.kind === 'enum') {
    for (const symbol of type.symbols) {
      if (!PROTO_SYMBOL.test(symbol))
        complain(
          [...path, 'enum'],
          `The symbol \`${symbol}\` is no name in Protobuf, which wants letters, digits and \`_\`.`,
          'Map the texts to such names with `values`, or declare the field as string.',
        );
      const value = protoFolded(protoSymbol(name, symbol));
      const isTaken =
        protoFolded(symbol) === 'unspecified' ? `${upperSnakeCase(name)}_UNSPECIFIED, which has the number 0` : symbols.get(value);
      if (isTaken !== undefined)
        complain(
          [...path, 'enum'],
          `In Protobuf the symbol \`${symbol}\` falls together with ${isTaken}: case and \`_\` do not count.`,
          'Rename one of them with `values`.',
        );
      symbols.set(value, protoSymbol(name, symbol));
    }
  }
}

function checkNumbers(members: readonly Member[], path: Path, complain: Complain): void {
  const used = new Map<number, string>();
  let highest = Math.max(0, ...members.map(({ number }) => number ?? 0));
  const next = () => {
    highest = highest + 1 >= RESERVED_FROM && highest < RESERVED_TO ? RESERVED_TO + 1 : highest + 1;
    return highest;
  };
  for (const { name, number } of members) {
    if (number === undefined) {
      complain(
        [...path, name],
        `\`${name}\` has no number: Protobuf knows fields by number, and a number must never move to another field.`,
        `Add \`number: ${next()}\`, or the next one that was never used.`,
      );
      continue;
    }
    const other = used.get(number);
    if (other !== undefined)
      complain([...path, name, 'number'], `The number ${number} is that of \`${other}\`, too.`, `Write number: ${next()}.`);
    if (number >= RESERVED_FROM && number <= RESERVED_TO)
      complain(
        [...path, name, 'number'],
        `Protobuf keeps the numbers from ${RESERVED_FROM} to ${RESERVED_TO} for itself.`,
        `Write number: ${next()}.`,
      );
    used.set(number, name);
  }
}
