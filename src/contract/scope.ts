import type { Mapping, Model } from '../config/project.ts';
import { suggestName } from '../core/nearest.ts';
import type { Location, Problem } from '../core/problem.ts';
import type { Column } from '../core/row.ts';
import { createScope, type ExpressionScope } from './cel/expression.ts';
import { columnsRead } from './columns-read.ts';

/** What compiling one mapping shares: the columns, the expressions' scope, and the problems found so far. */
export interface CompileScope {
  readonly mapping: Mapping;
  readonly model: Model;
  /** In the order that `mapRow` expects. */
  readonly columnNames: readonly string[];
  readonly keyLength: number;
  readonly expressions: ExpressionScope;
  /** A column by its exact name; reports a problem at `path` if there is none. */
  column(name: string, path: string, at?: Location): ColumnAt | undefined;
  report(path: string, message: string, suggestion?: string, at?: Location): void;
  readonly problems: Problem[];
}

export interface ColumnAt {
  readonly column: Column;
  /** Position in a row's values. */
  readonly index: number;
}

export function createCompileScope(mapping: Mapping, model: Model, described: readonly Column[]): CompileScope {
  const read = columnsRead(mapping, model);
  const indexOf = new Map(read.columns.map((name, index) => [name, index]));
  const byName = new Map(described.map((column) => [column.name, column]));
  const names = [...byName.keys()];
  const problems: Problem[] = [];
  const report: CompileScope['report'] = (path, message, suggestion, at = mapping.locate(path)) => {
    problems.push({ ...at, path, message, suggestion, severity: 'error' });
  };
  return {
    mapping,
    model,
    columnNames: read.columns,
    keyLength: read.keyLength,
    expressions: createScope([...byName.values()], indexOf),
    problems,
    report,
    column: (name, path, at) => {
      const column = byName.get(name);
      const index = indexOf.get(name);
      if (column === undefined || index === undefined) {
        report(path, `The model \`${model.name}\` has no column \`${name}\`.`, suggestName(name, names), at);
        return undefined;
      }
      if (described.filter((other) => other.name === name).length > 1) {
        report(path, `The model \`${model.name}\` yields two columns named \`${name}\`.`, 'Give one of them another name in its SQL.', at);
      }
      return { column, index };
    },
  };
}
