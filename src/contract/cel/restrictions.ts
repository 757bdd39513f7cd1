import { suggestName } from '../../core/nearest.ts';
import { FUNCTIONS, METHODS } from './environment.ts';
import { bare, ExpressionProblem, shown } from './expression-problem.ts';
import { childrenOf, columnOf, type SyntaxNode, walk } from './syntax.ts';

const MAX_NESTED_MACROS = 2;
const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

/** Calls beyond the language of mappings, unknown columns, `row` as a value, and macros nested too deeply. */
export function refusal(node: SyntaxNode, columnNames: readonly string[], depth = 0): ExpressionProblem | undefined {
  const column = columnOf(node);
  if (column !== undefined) {
    if (columnNames.includes(column)) return undefined;
    return new ExpressionProblem(`The model has no column \`${column}\`.`, suggestName(column, columnNames));
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
    const found = refusal(child, columnNames, isMacro && child !== receiver ? depth + 1 : depth);
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

const ARITHMETIC: ReadonlySet<string> = new Set(['<', '<=', '>', '>=', '==', '!=', '+', '-', '*']);
const NUMBERS: ReadonlySet<string> = new Set(['int', 'double', 'decimal']);
const SCALARS: ReadonlySet<string> = new Set([...NUMBERS, 'bool', 'string', 'instant']);

/** What the library's type check lets through: comparisons that cannot be true, floats beside decimals, lists that grow. For a checked expression. */
export function doubt(ast: SyntaxNode): ExpressionProblem | undefined {
  return firstMismatch(ast) ?? growth(ast, false);
}

function firstMismatch(ast: SyntaxNode): ExpressionProblem | undefined {
  let found: ExpressionProblem | undefined;
  walk(ast, (node) => {
    if (found !== undefined || !(ARITHMETIC.has(node.op) || node.op === 'in')) return;
    const [left, right] = node.args as [SyntaxNode, SyntaxNode];
    const leftType = bare(left.checkedType?.name ?? 'dyn');
    let rightType = bare(right.checkedType?.name ?? 'dyn');
    if (node.op === 'in') rightType = bare(/^list<(.+)>$/.exec(rightType)?.[1] ?? 'dyn');
    const double = meetsDecimal(leftType, rightType) ? right : meetsDecimal(rightType, leftType) ? left : undefined;
    if (double !== undefined && (node.op === 'in' || !isShortLiteral(double))) {
      found = new ExpressionProblem(
        `A decimal, or a number of JSON, meets a floating point value, which is not exact (at character ${node.start + 1}).`,
        'Use a literal of at most 15 digits, or decimal("…").',
      );
      return;
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

/** Numbers of JSON are decimals or ints; which, only the row tells. */
function meetsDecimal(type: string, other: string): boolean {
  return other === 'double' && (type === 'decimal' || type === 'dyn');
}

/** A literal with so few digits that the double reads back as exactly what is written. */
function isShortLiteral(node: SyntaxNode): boolean {
  if (node.op === '-_') return isShortLiteral(node.args as SyntaxNode);
  if (node.op !== 'value' || typeof node.args !== 'number') return false;
  const written = node.input.slice(node.start, node.end);
  return /^[\d.]+$/.test(written) && written.replace('.', '').length <= 15;
}
