import { TypeError as CelTypeError, type Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js';
import type { Column, RowValues } from '../../core/row.ts';
import { CEL_BASE, RENAMED_FUNCTIONS, RENAMED_METHODS } from './environment.ts';
import { bare, ExpressionProblem, shown } from './expression-problem.ts';
import { doubt, refusal } from './restrictions.ts';
import { celTypeOf, RowView } from './row-view.ts';
import { columnOf, type SyntaxNode, syntaxOf, walk } from './syntax.ts';

/** The expressions of one mapping share an environment and a view of the row at hand. */
export interface ExpressionScope {
  readonly environment: Environment;
  readonly view: RowView;
  readonly columnNames: readonly string[];
}

export interface Expression {
  readonly columns: readonly string[];
  /** The static type: `bool`, `int`, `decimal`, `double`, `string`, `instant`, `null`, `list…`, `map…`, or `dyn`. */
  readonly type: string;
  /** Throws whenever CEL says that the expression has no value; what it throws may quote the row, so it goes into no message. */
  evaluate(values: RowValues): unknown;
}

/** `indexOf` says where in a row's values each column stands. */
export function createScope(columns: readonly Column[], indexOf: ReadonlyMap<string, number>): ExpressionScope {
  const view = new RowView(columns, indexOf);
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const column of columns) fields[column.name] = celTypeOf(column.kind);
  const environment = CEL_BASE.clone().registerType('Row', { ctor: RowView, fields }).registerVariable('row', 'Row');
  return { environment, view, columnNames: columns.map((column) => column.name) };
}

/** The columns that an expression reads, each once; none if it is not even CEL (compiling it says so). */
export function columnsOfExpression(text: string): string[] {
  try {
    const columns = new Set<string>();
    walk(syntaxOf(CEL_BASE.parse(text).ast), (node) => {
      const column = columnOf(node);
      if (column !== undefined) columns.add(column);
    });
    return [...columns];
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}

/** Parses, restricts and type-checks an expression, so that a mistake is found before any row is read. */
export function compileExpression(text: string, scope: ExpressionScope): Expression | ExpressionProblem {
  try {
    const program = scope.environment.parse(text);
    const ast = syntaxOf(program.ast);
    const refused = refusal(ast, scope.columnNames);
    if (refused !== undefined) return refused;
    walk(ast, rewrite);
    const checked = program.check();
    if (!checked.valid) return celProblem(checked.error);
    const doubtful = doubt(ast);
    if (doubtful !== undefined) return doubtful;
    const context = { row: scope.view };
    return {
      columns: columnsOfExpression(text),
      type: bare(checked.type ?? 'dyn'),
      evaluate: (values) => {
        scope.view.current = values;
        return program(context);
      },
    };
  } catch (error) {
    if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError) return celProblem(error);
    throw error;
  }
}

/** Our exact functions in place of the library's, and `null == x` as `x == null`, which is what the library can look up. */
function rewrite(node: SyntaxNode): void {
  const args = node.args as unknown[];
  if (node.op === 'call') args[0] = RENAMED_FUNCTIONS.get(args[0] as string) ?? args[0];
  if (node.op === 'rcall') args[0] = RENAMED_METHODS.get(args[0] as string) ?? args[0];
  if (node.op === '==' || node.op === '!=') {
    const [left, right] = args as [SyntaxNode, SyntaxNode];
    if (left.op === 'value' && left.args === null) args.splice(0, 2, right, left);
  }
}

function celProblem(error: unknown): ExpressionProblem {
  if (!(error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError)) {
    return new ExpressionProblem(error instanceof Error ? error.message : String(error));
  }
  const at = error.range === undefined ? '' : ` (at character ${error.range.start + 1})`;
  const summary = shown(error.summary)
    .replaceAll(/dyn<([^<>]+)>/g, '$1')
    .replaceAll('hr_', '');
  return new ExpressionProblem(`CEL: ${summary}${at}.`);
}
