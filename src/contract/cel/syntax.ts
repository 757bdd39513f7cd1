import type { ASTNode } from '@marcbachmann/cel-js';

/** A node of a parsed expression, as this project walks it: macros (`all`, `map` …) appear as `comprehension`, whose arguments are an object. */
export interface SyntaxNode {
  readonly op: string;
  args: unknown;
  /** The whole expression; `start` and `end` are positions in it. */
  readonly input: string;
  readonly start: number;
  readonly end: number;
  /** Set by the type check. */
  readonly checkedType?: { readonly name: string } | undefined;
}

export function syntaxOf(ast: ASTNode): SyntaxNode {
  return ast as unknown as SyntaxNode;
}

/** The nodes directly below. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  collect(node.args, found);
  return found;
}

function collect(value: unknown, found: SyntaxNode[]): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if (isNode(value)) found.push(value);
  else for (const part of Array.isArray(value) ? value : Object.values(value)) collect(part, found);
}

function isNode(value: object): value is SyntaxNode {
  return 'op' in value && typeof value.op === 'string' && 'args' in value;
}

export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  visit(node);
  for (const child of childrenOf(node)) walk(child, visit);
}

/** The column that a node reads: `row.x` or `row["x"]`. */
export function columnOf(node: SyntaxNode): string | undefined {
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [object, name] = node.args as [SyntaxNode, SyntaxNode | string];
  if (object.op !== 'id' || object.args !== 'row') return undefined;
  if (typeof name === 'string') return name;
  return name.op === 'value' && typeof name.args === 'string' ? name.args : undefined;
}
