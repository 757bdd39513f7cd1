import type { DeclaredColumn, DeclaredRelation, Field, Mapping, Model } from '../config/project.ts';
import { suggestName } from '../core/nearest.ts';
import type { Location, Problem } from '../core/problem.ts';
import { columnsOfExpression } from './cel/expression.ts';
import { columnsOfSource } from './columns-read.ts';
import { checkMapping } from './compile.ts';

/**
 * How a mapping fits what dbt declares about its model's relation, known without asking the warehouse: columns that are gone or renamed, types that cannot become the
 * fields', NULLs that would reject rows, a key that dbt does not know as one. Nothing where the model is no `ref`.
 */
export function checkDeclared(mapping: Mapping, model: Model): readonly Problem[] {
  const { declared } = model;
  if (declared === undefined) return [];
  const uses = columnsUsed(mapping, model);
  const byName = new Map(declared.columns.map((column) => [column.name.toLowerCase(), column]));
  const columnOf = (name: string) => byName.get(name.toLowerCase());
  const undeclared = declared.columns.length === 0 ? [] : uses.filter(({ name }) => columnOf(name) === undefined);
  if (undeclared.length > 0) return undeclared.map((use) => undeclaredColumn(use, declared));
  return [
    ...wrongTypes(mapping, model, declared, uses, columnOf),
    ...nullable(mapping, model, declared, columnOf),
    ...keyMismatch(model, declared),
  ];
}

/** A place in a file that reads a column. */
interface Use {
  readonly name: string;
  readonly path: string;
  readonly at: Location;
}

function columnsUsed(mapping: Mapping, model: Model): readonly Use[] {
  const inModel = (path: string, name: string | undefined): Use[] => (name === undefined ? [] : [{ name, path, at: model.locate(path) }]);
  const inMapping = (path: string, names: readonly string[]): Use[] => names.map((name) => ({ name, path, at: mapping.locate(path) }));
  return [
    ...model.key.flatMap((name, index) => inModel(`key[${index}]`, name)),
    ...inModel('cursor.column', model.cursor?.column),
    ...inModel('deletes.column', model.deletes.column),
    ...inMapping('where', mapping.where === undefined ? [] : columnsOfExpression(mapping.where)),
    ...leaves(mapping.fields, 'fields').flatMap(({ field, path }) => {
      const { source } = field;
      return source === undefined ? [] : inMapping(`${path}.${'from' in source ? 'from' : 'cel'}`, columnsOfSource(source));
    }),
    ...inMapping(`occurred_at.${'from' in mapping.occurredAt ? 'from' : 'cel'}`, columnsOfSource(mapping.occurredAt)),
  ];
}

/** Fields that have a source, also inside of objects, with their places. */
function leaves(fields: readonly Field[], path: string): readonly { readonly field: Field; readonly path: string }[] {
  return fields.flatMap((field) => {
    const at = `${path}.${field.name}`;
    return field.members === undefined ? [{ field, path: at }] : leaves(field.members, `${at}.fields`);
  });
}

function undeclaredColumn({ name, path, at }: Use, declared: DeclaredRelation): Problem {
  const suggestion = suggestName(
    name,
    declared.columns.map((column) => column.name),
  );
  if (declared.columnsFrom === 'descriptions')
    return {
      ...at,
      path,
      message: `${title(declared)} does not declare a column \`${name}\` (${declared.file}); it may have it nonetheless.`,
      suggestion: `${suggestion ?? ''} An enforced contract, or \`dbt.catalog\`, would say for certain.`.trim(),
      severity: 'warning',
    };
  const where = declared.columnsFrom === 'contract' ? `its contract is in ${declared.file}` : "as dbt's catalog says";
  return { ...at, path, message: `${title(declared)} has no column \`${name}\` (${where}).`, suggestion, severity: 'error' };
}

/** Only where the types of all columns are known: then the mapping is compiled as it would be against the warehouse. */
function wrongTypes(
  mapping: Mapping,
  model: Model,
  declared: DeclaredRelation,
  uses: readonly Use[],
  columnOf: (name: string) => DeclaredColumn | undefined,
): readonly Problem[] {
  const columns = [...new Set(uses.map(({ name }) => name))].flatMap((name) => {
    const { kind, dataType } = columnOf(name) ?? {};
    return kind === undefined || dataType === undefined ? [] : [{ name, kind, sourceType: dataType }];
  });
  if (declared.columnsFrom === 'descriptions' || columns.length < new Set(uses.map(({ name }) => name)).size) return [];
  return checkMapping(mapping, model, columns).problems;
}

/** A contract says of each column whether it may be NULL; a field that may not be is worth a word. */
function nullable(
  mapping: Mapping,
  model: Model,
  declared: DeclaredRelation,
  columnOf: (name: string) => DeclaredColumn | undefined,
): readonly Problem[] {
  if (declared.columnsFrom !== 'contract') return [];
  const mayBeNull = (name: string) => columnOf(name)?.notNull === false;
  const warn = (at: Location, path: string, column: string, consequence: string, suggestion: string): Problem => ({
    ...at,
    path,
    message: `dbt does not say that \`${column}\` of ${declared.name} is never NULL; ${consequence}.`,
    suggestion,
    severity: 'warning',
  });
  const ofFields = leaves(mapping.fields, 'fields').flatMap(({ field, path }) => {
    if (field.optional || field.default !== undefined || field.source === undefined || !('from' in field.source)) return [];
    const column = field.source.from;
    if (!mayBeNull(column)) return [];
    const suggestion = 'Add a not_null constraint in dbt, or `optional: true` or a `default` here.';
    return [warn(mapping.locate(path), path, column, 'a row where it is will be rejected', suggestion)];
  });
  const ofKey = model.key.flatMap((column, index) =>
    mayBeNull(column)
      ? [warn(model.locate(`key[${index}]`), `key[${index}]`, column, 'it is part of the key', 'Add a not_null constraint in dbt.')]
      : [],
  );
  return [...ofKey, ...ofFields];
}

/** Rows are unique by the key exactly where some set that dbt knows to be unique is part of it. */
function keyMismatch(model: Model, declared: DeclaredRelation): readonly Problem[] {
  const key = new Set(model.key.map((name) => name.toLowerCase()));
  if (declared.unique.length === 0 || declared.unique.some((columns) => columns.every((name) => key.has(name.toLowerCase())))) return [];
  const known = declared.unique.map((columns) => `[${columns.join(', ')}]`).join(' or ');
  return [
    {
      ...model.locate('key'),
      path: 'key',
      message: `dbt knows the rows of ${declared.name} to be unique by ${known}, not by [${model.key.join(', ')}].`,
      suggestion:
        declared.kind === 'snapshot'
          ? 'A snapshot has a row per version of a key: name its dbt_scd_id.'
          : 'Name these columns, or test the uniqueness of your key in dbt.',
      severity: 'warning',
    },
  ];
}

function title({ kind, name, version }: DeclaredRelation): string {
  return `The dbt ${kind} \`${name}\`${version === undefined ? '' : ` (version ${version})`}`;
}
