import type { Field, ValueSource } from '../config/project.ts';
import { type FieldType, formatFieldType } from '../core/field-type.ts';
import type { ColumnKind, RowValues } from '../core/row.ts';
import { compileExpression } from './cel/expression.ts';
import { ExpressionProblem, shown } from './cel/expression-problem.ts';
import { kindOfType, kindOfValue, textOfValue } from './cel/result.ts';
import { adviceFor } from './conversion-advice.ts';
import { converter } from './convert.ts';
import { LiteralProblem, literalText } from './literal.ts';
import { type Convert, REASONS, REJECT, type Rejection } from './rejection.ts';
import type { CompileScope } from './scope.ts';

/** Where a row's values come from, for the one who reads a rejection. Made once per field. */
export interface Site {
  /** `tier`, `address.city`, `where`, `occurred_at`. */
  readonly field: string;
  readonly columns: readonly string[];
  readonly expression: boolean;
  readonly type: FieldType;
}

export class Failure {
  readonly site: Site;
  readonly rejection: Rejection;

  constructor(site: Site, rejection: Rejection) {
    this.site = site;
    this.rejection = rejection;
  }
}

/** A sentence for a person, without any value of the row. */
export function failureMessage({ site, rejection }: Failure): string {
  const subject = site.expression ? `The expression of \`${site.field}\`` : `The value of column \`${site.columns[0] ?? ''}\``;
  return `${subject} ${REASONS[rejection.reason].replace('{type}', formatFieldType(site.type))}.`;
}

/** One field of one row: its canonical JSON text, or why there is none. */
export type Reader = (values: RowValues) => string | Failure;

/** Builds the closure of a field once; reports what cannot work to the scope. `path` is the field's place in the mapping's document. */
export function compileField(field: Field, name: string, path: string, scope: CompileScope): Reader {
  if (field.members !== undefined) return compileMembers(field.members, name, path, scope);
  if (field.source === undefined) {
    scope.report(path, `The field \`${name}\` has no source.`, 'Give it `from`, `cel`, `const` or `fields`.');
    return broken;
  }
  return compileLeaf(field, field.source, name, path, scope);
}

/** Stands in for what a reported problem made impossible; never called, because compiling throws. */
const broken: Reader = () => {
  throw new Error('a mapping with problems has no mapper');
};

function compileMembers(members: readonly Field[], name: string, path: string, scope: CompileScope): Reader {
  const parts = members.map((member, index) => ({
    label: `${index === 0 ? '{' : ','}${JSON.stringify(member.name)}:`,
    read: compileField(member, `${name}.${member.name}`, `${path}.fields.${member.name}`, scope),
  }));
  return (values) => {
    let text = '';
    for (const part of parts) {
      const member = part.read(values);
      if (typeof member !== 'string') return member;
      text += part.label + member;
    }
    return `${text === '' ? '{' : text}}`;
  };
}

function compileLeaf(field: Field, source: ValueSource, name: string, path: string, scope: CompileScope): Reader {
  if ('const' in source) return compileConst(field, source.const, name, path, scope);
  const whenNull = nullText(field, name, path, scope);
  const replace = replacements(field, path, scope);
  if ('from' in source) return compileColumn(field, source.from, name, path, scope, whenNull, replace);
  return compileCel(field, source.cel, name, path, scope, whenNull, replace);
}

function compileConst(field: Field, value: string | number | boolean | null, name: string, path: string, scope: CompileScope): Reader {
  if (value === null) {
    if (!field.optional)
      scope.report(path, `The field \`${name}\` is always null but not optional.`, 'Add `optional: true`, or leave it out.');
    return () => 'null';
  }
  const text = literalText(value, field.type);
  if (text instanceof LiteralProblem) {
    scope.report(`${path}.const`, text.message);
    return broken;
  }
  return () => text;
}

function compileColumn(
  field: Field,
  columnName: string,
  name: string,
  path: string,
  scope: CompileScope,
  whenNull: string | Rejection,
  replace: Convert | undefined,
): Reader {
  const at = scope.column(columnName, `${path}.from`);
  if (at === undefined) return broken;
  const { index, column } = at;
  const convert = replace ?? converter(column.kind, field.type);
  if (convert === undefined) {
    const message = `Column \`${column.name}\` (${column.sourceType}) cannot become ${formatFieldType(field.type)} without loss.`;
    scope.report(`${path}.type`, message, adviceFor(column.kind, field.type, column.name));
    return broken;
  }
  const site: Site = { field: name, columns: [columnName], expression: false, type: field.type };
  const nullResult = typeof whenNull === 'string' ? whenNull : new Failure(site, whenNull);
  return (values) => {
    const value = values[index];
    if (value === null || value === undefined) return nullResult;
    const text = convert(value);
    return typeof text === 'string' ? text : new Failure(site, text);
  };
}

function compileCel(
  field: Field,
  cel: string,
  name: string,
  path: string,
  scope: CompileScope,
  whenNull: string | Rejection,
  replace: Convert | undefined,
): Reader {
  const expression = compileExpression(cel, scope.expressions);
  if (expression instanceof ExpressionProblem) {
    scope.report(`${path}.cel`, expression.message, expression.suggestion);
    return broken;
  }
  const staticKind = kindOfType(expression.type);
  if (staticKind === null || (staticKind !== undefined && replace === undefined && converter(staticKind, field.type) === undefined)) {
    const message = `The expression gives ${shown(expression.type)}, which cannot become ${formatFieldType(field.type)}.`;
    scope.report(`${path}.cel`, message, 'Convert it in the expression, or change the type of the field.');
    return broken;
  }
  const site: Site = { field: name, columns: expression.columns, expression: true, type: field.type };
  const failed = new Failure(site, REJECT.expression_failed);
  const nullResult = typeof whenNull === 'string' ? whenNull : new Failure(site, whenNull);
  const convertValue = valueConverter(field.type, replace);
  return (values) => {
    let text: string | Rejection;
    try {
      const value = expression.evaluate(values);
      if (value === null || value === undefined) return nullResult;
      text = convertValue(value);
    } catch {
      // What CEL throws may quote the row (promise 10); that it failed is all that the quarantine says.
      return failed;
    }
    return typeof text === 'string' ? text : new Failure(site, text);
  };
}

const KINDS: readonly ColumnKind[] = ['string', 'boolean', 'int64', 'decimal', 'float64', 'timestamptz', 'json'];

/** A result of an expression is converted as a column of its kind would be. */
function valueConverter(type: FieldType, replace: Convert | undefined): (value: unknown) => string | Rejection {
  const converters = new Map(KINDS.map((kind) => [kind, replace ?? converter(kind, type)]));
  if (type.kind === 'boolean' && replace === undefined) {
    return (value) => (value === true ? 'true' : value === false ? 'false' : REJECT.wrong_type);
  }
  if (type.kind === 'json' && replace === undefined) return jsonResult(converters.get('json') as Convert);
  return (value) => {
    const kind = kindOfValue(value);
    const convert = kind === undefined ? undefined : converters.get(kind);
    return convert === undefined ? REJECT.wrong_type : convert(textOfValue(value));
  };
}

/** In a `json` field a text of an expression is a JSON string, not JSON to be parsed. */
function jsonResult(canonical: Convert): (value: unknown) => string | Rejection {
  return (value) => {
    if (kindOfValue(value) === 'json') return canonical(textOfValue(value));
    const listed = canonical(textOfValue([value]));
    return typeof listed === 'string' ? listed.slice(1, -1) : listed;
  };
}

/** The text for NULL: the default, null where the field is optional, or the rejection. */
function nullText(field: Field, name: string, path: string, scope: CompileScope): string | Rejection {
  if (field.default !== undefined) {
    const text = literalText(field.default, field.type);
    if (!(text instanceof LiteralProblem)) return text;
    scope.report(`${path}.default`, text.message);
  }
  if (field.optional) return 'null';
  const identifies = scope.mapping.key.includes(name) || scope.mapping.identity.includes(name);
  return identifies ? REJECT.null_in_key : REJECT.null_in_required;
}

function replacements(field: Field, path: string, scope: CompileScope): Convert | undefined {
  if (field.values === undefined) return undefined;
  const texts = new Map<string, string>();
  for (const [from, to] of field.values) {
    const text = literalText(to, field.type);
    if (text instanceof LiteralProblem) scope.report(`${path}.values.${from}`, text.message);
    else texts.set(from, text);
  }
  return (text) => texts.get(text) ?? REJECT.not_in_values;
}
