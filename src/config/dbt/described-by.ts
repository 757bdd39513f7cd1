import type { DeclaredRelation, Field } from '../project.ts';

/** Fields that take a column as it is have its description from dbt, unless they have one of their own. */
export function describedBy(declared: DeclaredRelation, fields: readonly Field[]): readonly Field[] {
  const descriptions = new Map(declared.columns.map((column) => [column.name.toLowerCase(), column.description]));
  const describe = (field: Field): Field => {
    if (field.members !== undefined) return { ...field, members: field.members.map(describe) };
    if (field.description !== undefined || field.source === undefined || !('from' in field.source)) return field;
    return { ...field, description: descriptions.get(field.source.from.toLowerCase()) };
  };
  return fields.map(describe);
}
