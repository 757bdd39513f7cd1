import type { FieldType } from '../core/field-type.ts';
import { suggestName } from '../core/nearest.ts';
import type { Problem } from '../core/problem.ts';
import { type Constant, misfit } from './constant.ts';
import type { Path, SourceDocument } from './document.ts';
import type { WrittenField } from './mapping-schema.ts';
import type { Deprecation, Field, ValueSource } from './project.ts';
import { FIELD_NAME_RULE, isFieldName } from './written-type.ts';

type Report = (problem: Problem) => void;

/** Fields in the order of the file; those that are wrong are reported and left out. */
export function compileFields(
  written: Readonly<Record<string, WrittenField>>,
  path: Path,
  document: SourceDocument,
  report: Report,
): readonly Field[] {
  const fields: Field[] = [];
  for (const [name, field] of Object.entries(written)) {
    const at = [...path, name];
    if (!isFieldName(name)) report(document.problem(at, `This name does not fit: ${FIELD_NAME_RULE}.`));
    const compiled =
      field.fields === undefined
        ? compileLeaf(name, field, at, document, report)
        : compileNested(name, field, field.fields, at, document, report);
    if (compiled !== undefined) fields.push(compiled);
  }
  checkAliases(written, path, document, report);
  return fields;
}

function compileNested(
  name: string,
  written: WrittenField,
  inner: Readonly<Record<string, WrittenField>>,
  path: Path,
  document: SourceDocument,
  report: Report,
): Field | undefined {
  for (const key of ['from', 'cel', 'const', 'type', 'optional', 'default', 'values'] as const) {
    if (written[key] !== undefined)
      report(
        document.problem([...path, key], `\`${key}\` cannot stand beside \`fields\`: the members have their own.`, `Remove \`${key}\`.`),
      );
  }
  const members = compileFields(inner, [...path, 'fields'], document, report);
  if (members.length === 0) {
    if (Object.keys(inner).length === 0) report(document.problem([...path, 'fields'], 'The object has no members.'));
    return undefined;
  }
  const type = {
    kind: 'object',
    members: members.map(({ name, type, optional, number, default: replacement, description, aliases }) => ({
      name,
      type,
      optional,
      number,
      default: replacement,
      description,
      aliases,
    })),
  } as const;
  return { name, members, type, optional: false, ...noticesOf(written) };
}

function compileLeaf(name: string, written: WrittenField, path: Path, document: SourceDocument, report: Report): Field | undefined {
  const source = sourceOf(written, path, document, report);
  const { type } = written;
  if (type === undefined) {
    report(document.problem(path, 'The type is missing.', 'Add `type`, such as string, int64, timestamp or { decimal: [10, 2] }.'));
    return undefined;
  }
  const check = (at: Path, value: Constant) => {
    const reason = misfit(type, value);
    if (reason !== undefined)
      report(document.problem(at, `\`${document.written(at)}\` ${reason}.`, suggestSymbol(type, value, path, document)));
  };
  const optional = written.optional ?? false;
  if (written.const === null && !optional)
    report(document.problem([...path, 'const'], 'A field that is always null must be optional.', 'Add `optional: true`.'));
  if (written.const !== undefined && written.const !== null) check([...path, 'const'], written.const);
  if (written.default !== undefined) check([...path, 'default'], written.default);
  for (const [text, value] of Object.entries(written.values ?? {})) check([...path, 'values', text], value);
  checkCombination(written, path, document, report);
  if (source === undefined) return undefined;
  const values = written.values === undefined ? undefined : new Map(Object.entries(written.values));
  return { name, source, values, type, optional, default: written.default, ...noticesOf(written) };
}

/** What a field says to people, and to readers of earlier versions. */
function noticesOf({
  description,
  number,
  aliases,
  deprecated,
}: WrittenField): Pick<Field, 'description' | 'number' | 'aliases' | 'deprecated'> {
  return { description, number, aliases, deprecated: compileDeprecation(deprecated) };
}

export function compileDeprecation(written: WrittenField['deprecated']): Deprecation | undefined {
  return typeof written === 'string' ? { reason: written.trim() } : written;
}

/** A former name belongs to one field, and to none that is here now. */
function checkAliases(written: Readonly<Record<string, WrittenField>>, path: Path, document: SourceDocument, report: Report): void {
  const owners = new Map(Object.keys(written).map((name) => [name, name]));
  for (const [name, { aliases }] of Object.entries(written)) {
    for (const [index, alias] of (aliases ?? []).entries()) {
      const at = [...path, name, 'aliases', index];
      const owner = owners.get(alias);
      if (!isFieldName(alias)) report(document.problem(at, `This name does not fit: ${FIELD_NAME_RULE}.`));
      else if (owner === alias) report(document.problem(at, 'An alias is a former name, and this field exists now.', 'Remove the alias.'));
      else if (owner !== undefined) report(document.problem(at, `The field \`${owner}\` has this alias, too.`, 'Remove one of the two.'));
      else owners.set(alias, name);
    }
  }
}

/** Symbols are named only where they are written literally: a problem never shows what a variable holds. */
function suggestSymbol(type: FieldType, value: Constant, path: Path, document: SourceDocument): string | undefined {
  if (type.kind !== 'enum') return undefined;
  const literal = type.symbols.every((symbol, index) => document.written([...path, 'type', 'enum', index]) === symbol);
  return literal ? suggestName(String(value), type.symbols) : undefined;
}

function sourceOf(written: WrittenField, path: Path, document: SourceDocument, report: Report): ValueSource | undefined {
  const given = (['from', 'cel', 'const'] as const).filter((key) => written[key] !== undefined);
  if (given.length === 1) {
    if (written.from !== undefined) return { from: written.from };
    if (written.cel !== undefined) return { cel: written.cel };
    if (written.const !== undefined) return { const: written.const };
  }
  const found = given.length === 0 ? 'none of them stands here' : `${given.join(' and ')} stand here`;
  const at = given[1] === undefined ? path : [...path, given[1]];
  report(
    document.problem(
      at,
      `A field has exactly one of from, cel, const and fields; ${found}.`,
      given.length === 0 ? 'Add `from: column_name`.' : undefined,
    ),
  );
  return undefined;
}

function checkCombination(written: WrittenField, path: Path, document: SourceDocument, report: Report): void {
  const complain = (key: string, message: string, suggestion?: string) => report(document.problem([...path, key], message, suggestion));
  if (written.const !== undefined && written.values !== undefined)
    complain('values', '`values` replaces what a source gives; a constant has none.', 'Write the result as the constant.');
  if (written.const !== undefined && written.default !== undefined)
    complain('default', 'A constant is never NULL, so it needs no default.', 'Remove `default`.');
  if (written.values !== undefined && Object.keys(written.values).length === 0)
    complain('values', '`values` is empty: every row would be rejected.');
}
