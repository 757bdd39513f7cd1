import type { Field, Mapping, Model, ValueSource } from '../config/project.ts';
import { columnsOfExpression } from './cel/expression.ts';

/** The columns of a scan. */
export interface ColumnsRead {
  /** Model key, cursor, soft-delete column, then whatever else the mapping reads; each once. `mapRow` expects this order. */
  readonly columns: readonly string[];
  /** How many of the leading ones are the model key. */
  readonly keyLength: number;
}

/** Needs no connection; names that the model does not have are included, so that `compileMapping` can report them. */
export function columnsRead(mapping: Mapping, model: Model): ColumnsRead {
  const key = new Set(model.key);
  const columns = new Set(key);
  if (model.cursor !== undefined) columns.add(model.cursor.column);
  if (model.deletes.column !== undefined) columns.add(model.deletes.column);
  const expressions = mapping.where === undefined ? [] : columnsOfExpression(mapping.where);
  const sources = [mapping.occurredAt, ...mapping.fields.flatMap(sourcesOf)];
  for (const column of [...expressions, ...sources.flatMap(columnsOfSource)]) columns.add(column);
  return { columns: [...columns], keyLength: key.size };
}

function sourcesOf(field: Field): ValueSource[] {
  if (field.members !== undefined) return field.members.flatMap(sourcesOf);
  return field.source === undefined ? [] : [field.source];
}

/** The columns that a source reads. */
export function columnsOfSource(source: ValueSource): string[] {
  if ('from' in source) return [source.from];
  return 'cel' in source ? columnsOfExpression(source.cel) : [];
}
