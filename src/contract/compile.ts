import type { Mapping, Model } from '../config/project.ts';
import type { Absent, Fact, FactMapper, Mapped, Rejected } from '../core/fact.ts';
import type { FieldType } from '../core/field-type.ts';
import { type Problem, problemsError } from '../core/problem.ts';
import type { Column, RowValues } from '../core/row.ts';
import { compileExpression } from './cel/expression.ts';
import { ExpressionProblem, shown } from './cel/expression-problem.ts';
import { compileField, Failure, failureMessage, type Reader } from './field-reader.ts';
import { identityText, keyFault } from './identity.ts';
import { unquote } from './quote.ts';
import { REJECT } from './rejection.ts';
import { type CompileScope, createCompileScope } from './scope.ts';

export interface CompiledMapping {
  readonly mapper: FactMapper;
  /** How many of `mapper.columns` are the model key. */
  readonly keyLength: number;
}

/**
 * Builds the pure function from a row to a fact, once per run. `columns` are what the warehouse says of the model's relation.
 * Throws every problem at once (CONFIG_INVALID).
 */
export function compileMapping(mapping: Mapping, model: Model, columns: readonly Column[]): CompiledMapping {
  const { compiled, problems } = checkMapping(mapping, model, columns);
  if (problems.length > 0) throw problemsError(problems);
  return compiled;
}

/** The same for `validate`, which reports the problems of all mappings together. `compiled` is usable only where there are none. */
export function checkMapping(
  mapping: Mapping,
  model: Model,
  columns: readonly Column[],
): { readonly compiled: CompiledMapping; readonly problems: readonly Problem[] } {
  const scope = createCompileScope(mapping, model, columns);
  checkModel(scope);
  const fields = mapping.fields.map((field) => guardKey(compileField(field, field.name, `fields.${field.name}`, scope), field.name, scope));
  const fieldNames = mapping.fields.map((field) => field.name);
  const key = positions('key', mapping.key, scope);
  const identity = positions('identity', mapping.identity, scope);
  const subject = mapping.dataSubject === undefined ? undefined : positions('data_subject', [mapping.dataSubject], scope)[0];
  const mapRow = rowMapper({
    softDeleted: compileDeleted(scope),
    where: compileWhere(scope),
    fields,
    occurredAt: compileOccurredAt(scope),
    key,
    identity,
    sameIdentity: mapping.key.length === mapping.identity.length && mapping.key.every((name, i) => name === mapping.identity[i]),
    subject,
  });
  const mapper: FactMapper = { columns: scope.columnNames, fieldNames, mapRow };
  return { compiled: { mapper, keyLength: scope.keyLength }, problems: scope.problems };
}

/** Everything that a row goes through, compiled. Numbers are positions in `fields`. */
interface Parts {
  readonly softDeleted: ((values: RowValues) => boolean) | undefined;
  readonly where: ((values: RowValues) => boolean | Failure) | undefined;
  readonly fields: readonly Reader[];
  readonly occurredAt: Reader;
  readonly key: readonly number[];
  readonly identity: readonly number[];
  readonly sameIdentity: boolean;
  readonly subject: number | undefined;
}

function rowMapper(parts: Parts): (values: RowValues) => Mapped {
  const { softDeleted, where, fields, occurredAt, key, identity, sameIdentity, subject } = parts;
  const identityOf = (values: RowValues): string | null => {
    const texts: string[] = [];
    for (const position of identity) {
      const text = (fields[position] as Reader)(values);
      if (typeof text !== 'string') return null;
      texts.push(text);
    }
    return identityText(texts);
  };
  const absent = (outcome: Absent['outcome'], values: RowValues): Absent => ({ outcome, identity: identityOf(values) });
  const rejected = (failure: Failure, values: RowValues): Rejected => ({
    outcome: 'rejected',
    identity: identityOf(values),
    field: failure.site.field,
    columns: failure.site.columns,
    reason: failure.rejection.reason,
    message: failureMessage(failure),
  });
  return (values): Mapped => {
    if (softDeleted?.(values)) return absent('soft_deleted', values);
    if (where !== undefined) {
      const inScope = where(values);
      if (inScope === false) return absent('left_scope', values);
      if (inScope !== true) return rejected(inScope, values);
    }
    const texts = new Array<string>(fields.length);
    for (let i = 0; i < fields.length; i++) {
      const text = (fields[i] as Reader)(values);
      if (typeof text !== 'string') return rejected(text, values);
      texts[i] = text;
    }
    const at = occurredAt(values);
    if (typeof at !== 'string') return rejected(at, values);
    const keyText = identityText(key.map((position) => texts[position] as string));
    const subjectText = subject === undefined ? undefined : (texts[subject] as string);
    const fact: Fact = {
      outcome: 'fact',
      identity: sameIdentity ? keyText : identityText(identity.map((position) => texts[position] as string)),
      key: keyText,
      occurredAt: at.slice(1, -1),
      subject: subjectText === undefined || subjectText === 'null' ? null : unquote(subjectText),
      fields: texts,
    };
    return fact;
  };
}

const KEY_KINDS: ReadonlySet<FieldType['kind']> = new Set<FieldType['kind']>([
  'string',
  'boolean',
  'int32',
  'int64',
  'decimal',
  'date',
  'time',
  'timestamp',
  'bytes',
  'uuid',
  'enum',
]);

/** Where the named fields stand; reports those that are unknown, optional or of a type that is no key. */
function positions(path: 'key' | 'identity' | 'data_subject', names: readonly string[], scope: CompileScope): number[] {
  return names.map((name) => {
    const position = scope.mapping.fields.findIndex((field) => field.name === name);
    const field = scope.mapping.fields[position];
    if (field === undefined) scope.report(path, `\`${path}\` names the field \`${name}\`, which the mapping does not have.`);
    else if (!KEY_KINDS.has(field.type.kind) || field.members !== undefined) {
      scope.report(
        path,
        `The field \`${name}\` of type ${field.type.kind} cannot be part of \`${path}\`.`,
        'Use a text, a whole number, a date …',
      );
    } else if (field.optional && path !== 'data_subject') {
      scope.report(path, `The field \`${name}\` is optional, so it cannot be part of \`${path}\`.`, 'Remove `optional`.');
    }
    return position;
  });
}

/** Fields of key and identity are neither null nor empty nor broken text. */
function guardKey(read: Reader, name: string, scope: CompileScope): Reader {
  const { mapping } = scope;
  if (!mapping.key.includes(name) && !mapping.identity.includes(name)) return read;
  const field = mapping.fields.find((candidate) => candidate.name === name);
  if (field?.source === undefined) return read;
  const { source, type } = field;
  const columns = 'from' in source ? [source.from] : [];
  const site = { field: name, columns, expression: 'cel' in source, type };
  return (values) => {
    const text = read(values);
    if (typeof text !== 'string') return text;
    const fault = keyFault(text);
    return fault === undefined ? text : new Failure(site, fault);
  };
}

function checkModel(scope: CompileScope): void {
  const { model } = scope;
  for (const name of model.key) scope.column(name, 'key', model.locate('key'));
  if (model.cursor !== undefined) scope.column(model.cursor.column, 'cursor.column', model.locate('cursor.column'));
}

/** True (boolean), not zero (number), not null (anything else). */
function compileDeleted(scope: CompileScope): ((values: RowValues) => boolean) | undefined {
  const name = scope.model.deletes.column;
  if (name === undefined) return undefined;
  const at = scope.column(name, 'deletes.column', scope.model.locate('deletes.column'));
  if (at === undefined) return undefined;
  const { index, column } = at;
  switch (column.kind) {
    case 'boolean':
      return (values) => values[index] === 'true';
    case 'int32':
    case 'int64':
    case 'decimal':
    case 'float64':
      return (values) => {
        const text = values[index];
        return text !== null && text !== undefined && Number(text) !== 0;
      };
    default:
      return (values) => values[index] !== null && values[index] !== undefined;
  }
}

function compileWhere(scope: CompileScope): ((values: RowValues) => boolean | Failure) | undefined {
  if (scope.mapping.where === undefined) return undefined;
  const expression = compileExpression(scope.mapping.where, scope.expressions);
  if (expression instanceof ExpressionProblem) {
    scope.report('where', expression.message, expression.suggestion);
    return undefined;
  }
  if (expression.type !== 'bool' && expression.type !== 'dyn') {
    scope.report('where', `The condition gives ${shown(expression.type)}, not true or false.`);
    return undefined;
  }
  const site = { field: 'where', columns: expression.columns, expression: true, type: { kind: 'boolean' } as const };
  const failed = new Failure(site, REJECT.expression_failed);
  return (values) => {
    try {
      const result = expression.evaluate(values);
      return typeof result === 'boolean' ? result : failed;
    } catch {
      // What CEL throws may quote the row (promise 10).
      return failed;
    }
  };
}

function compileOccurredAt(scope: CompileScope): Reader {
  const field = { name: 'occurred_at', source: scope.mapping.occurredAt, type: { kind: 'timestamp' }, optional: false } as const;
  return compileField(field, 'occurred_at', 'occurred_at', scope);
}
