import { TypeError as CelTypeError, type Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js';
import { suggestName } from '../../core/nearest.ts';
import type { Column, RowValues } from '../../core/row.ts';
import { CEL_BASE, FUNCTIONS, METHODS, RENAMED_FUNCTIONS, RENAMED_METHODS } from './environment.ts';
import { celTypeOf, RowView } from './row-view.ts';
import { childrenOf, columnOf, type SyntaxNode, syntaxOf, walk } from './syntax.ts';

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

/** What is wrong with an expression. */
export class ExpressionProblem {
  readonly message: string;
  readonly suggestion: string | undefined;

  constructor(message: string, suggestion?: string) {
    this.message = message;
    this.suggestion = suggestion;
  }
}

const MAX_NESTED_MACROS = 2;
const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

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
    const refused = refusal(ast, scope, 0);
    if (refused !== undefined) return refused;
    walk(ast, rewrite);
    const checked = program.check();
    if (!checked.valid) return celProblem(checked.error);
    const doubtful = firstDoubt(ast) ?? growth(ast, false);
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

/** Calls beyond the language of mappings, unknown columns, `row` as a value, and macros nested too deeply. */
function refusal(node: SyntaxNode, scope: ExpressionScope, depth: number): ExpressionProblem | undefined {
  const column = columnOf(node);
  if (column !== undefined) {
    if (scope.columnNames.includes(column)) return undefined;
    return new ExpressionProblem(`The model has no column \`${column}\`.`, suggestName(column, scope.columnNames));
  }
  if (node.op === 'id' && node.args === 'row') {
    return new ExpressionProblem('`row` stands alone; an expression reads single columns.', 'Write `row.column` or `row["column"]`.');
  }
  if (node.op === 'call' || node.op === 'rcall') {
    const [name] = node.args as [string];
    const known = node.op === 'call' ? FUNCTIONS : METHODS;
    if (!known.has(name)) {
      const near = suggestName(name, known);
      return new ExpressionProblem(`Expressions have no ${node.op === 'call' ? 'function' : 'method'} \`${name}\`.`, near);
    }
  }
  if (node.op === 'map' && !hasPlainKeys(node)) {
    return new ExpressionProblem(
      'A map literal has a key that is no literal text, stands twice, or is reserved.',
      'Build the object with `fields` instead.',
    );
  }
  const macro = node.op === 'rcall' ? (node.args as [string])[0] : '';
  const isMacro = MACROS.has(macro);
  if (depth === MAX_NESTED_MACROS && isMacro) {
    return new ExpressionProblem(`all and exists may be nested ${MAX_NESTED_MACROS} deep.`, 'Compute the value in the model’s SQL.');
  }
  if (depth > 0 && (macro === 'map' || macro === 'filter')) {
    return new ExpressionProblem(`${macro} may not stand inside another macro.`, 'Filter first, or compute the value in the model’s SQL.');
  }
  const receiver = isMacro ? (node.args as [string, SyntaxNode])[1] : undefined;
  for (const child of childrenOf(node)) {
    const found = refusal(child, scope, isMacro && child !== receiver ? depth + 1 : depth);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The library drops keys of these names without a word. */
const DROPPED_KEYS: ReadonlySet<unknown> = new Set(['__proto__', 'constructor', 'prototype']);

function hasPlainKeys(node: SyntaxNode): boolean {
  const keys = (node.args as [SyntaxNode, SyntaxNode][]).map(([key]) => (key.op === 'value' ? key.args : undefined));
  return new Set(keys).size === keys.length && keys.every((key) => typeof key === 'string' && !DROPPED_KEYS.has(key));
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

const ARITHMETIC: ReadonlySet<string> = new Set(['<', '<=', '>', '>=', '==', '!=', '+', '-', '*']);
const NUMBERS: ReadonlySet<string> = new Set(['int', 'double', 'decimal']);
const SCALARS: ReadonlySet<string> = new Set([...NUMBERS, 'bool', 'string', 'instant']);

/** What type-checks, and yet cannot mean what it says. */
function firstDoubt(ast: SyntaxNode): ExpressionProblem | undefined {
  let found: ExpressionProblem | undefined;
  walk(ast, (node) => {
    if (found !== undefined || !(ARITHMETIC.has(node.op) || node.op === 'in')) return;
    const [left, right] = node.args as [SyntaxNode, SyntaxNode];
    const leftType = bare(left.checkedType?.name ?? 'dyn');
    let rightType = bare(right.checkedType?.name ?? 'dyn');
    if (node.op === 'in') rightType = bare(/^list<(.+)>$/.exec(rightType)?.[1] ?? 'dyn');
    if (ARITHMETIC.has(node.op)) {
      const double =
        leftType === 'decimal' && rightType === 'double' ? right : leftType === 'double' && rightType === 'decimal' ? left : undefined;
      if (double !== undefined && !isShortLiteral(double)) {
        found = new ExpressionProblem(
          'A decimal meets a floating point value, which is not exact.',
          'Use a literal of at most 15 digits, or decimal("…").',
        );
      }
    }
    if ((node.op === '==' || node.op === '!=' || node.op === 'in') && SCALARS.has(leftType) && SCALARS.has(rightType)) {
      const comparable = leftType === rightType || (node.op !== 'in' && NUMBERS.has(leftType) && NUMBERS.has(rightType));
      if (!comparable) {
        found = new ExpressionProblem(
          `${shown(leftType)} is never equal to ${shown(rightType)} (at character ${node.start + 1}).`,
          'Compare values of one type; convert with timestamp(…), decimal(…), int(…) or string(…).',
        );
      }
    }
  });
  return found;
}

/** Lists that are joined again for every element could fill the memory: inside a macro `+` is for scalars. */
function growth(node: SyntaxNode, inMacro: boolean): ExpressionProblem | undefined {
  if (node.op === '+' && inMacro) {
    const [left, right] = node.args as [SyntaxNode, SyntaxNode];
    if (![left, right].some((side) => SCALARS.has(bare(side.checkedType?.name ?? 'dyn')))) {
      return new ExpressionProblem(
        `Inside a macro, \`+\` needs to know the type of one side (at character ${node.start + 1}).`,
        'Write int(…), decimal(…) or string(…) around it.',
      );
    }
  }
  const isMacro = node.op === 'rcall' && MACROS.has((node.args as [string])[0]);
  for (const child of childrenOf(node)) {
    const found = growth(child, inMacro || isMacro);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A literal with so few digits that its double reads back as exactly these digits. */
function isShortLiteral(node: SyntaxNode): boolean {
  if (node.op === '-_') return isShortLiteral(node.args as SyntaxNode);
  if (node.op !== 'value' || typeof node.args !== 'number') return false;
  const text = String(node.args);
  return !text.includes('e') && text.replace(/\D/g, '').length <= 15;
}

/** `dyn<int>` says only that a column may be null. */
function bare(type: string): string {
  return /^dyn<(.+)>$/.exec(type)?.[1] ?? type;
}

/** The name that docs/mapping.md gives a type. */
export function shown(type: string): string {
  return type.replaceAll(/\binstant\b/g, 'timestamp');
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
