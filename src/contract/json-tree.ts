import { isLosslessNumber, type LosslessNumber, parse } from 'lossless-json';
import { REJECT, Rejection } from './rejection.ts';

/** JSON as it was written: numbers keep their digits. Objects have own properties only; read them by `Object.keys` and `Object.hasOwn`. */
export type JsonTree = string | boolean | null | LosslessNumber | readonly JsonTree[] | { readonly [key: string]: JsonTree };

/** Deeper nesting is rejected, so that no process's stack size decides about a row. */
const MAX_DEPTH = 200;

class DuplicateKey extends Error {}

/** Strict JSON. A key that stands twice with different values is rejected. */
export function parseJson(text: string): JsonTree | Rejection {
  try {
    const tree = parse(text, null, {
      onDuplicateKey: () => {
        throw new DuplicateKey();
      },
    }) as JsonTree;
    return depthExceeds(tree, MAX_DEPTH) ? REJECT.json_too_deep : tree;
  } catch (error) {
    if (error instanceof DuplicateKey) return REJECT.duplicate_json_key;
    if (error instanceof RangeError) return REJECT.json_too_deep;
    if (error instanceof SyntaxError) return REJECT.not_json;
    throw error;
  }
}

/** No white space, keys sorted by UTF-16 code units (RFC 8785 section 3.2.3), numbers as they were written. */
export function canonicalJson(tree: JsonTree): string {
  if (typeof tree === 'string') return JSON.stringify(tree);
  if (tree === null || typeof tree === 'boolean') return String(tree);
  if (isLosslessNumber(tree)) return tree.value;
  if (isArray(tree)) return `[${tree.map(canonicalJson).join(',')}]`;
  const members = Object.keys(tree)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(tree[key] as JsonTree)}`);
  return `{${members.join(',')}}`;
}

/** Canonical text of a JSON text. */
export function canonicalJsonText(text: string): string | Rejection {
  const tree = parseJson(text);
  return tree instanceof Rejection ? tree : canonicalJson(tree);
}

export function isArray(tree: JsonTree): tree is readonly JsonTree[] {
  return Array.isArray(tree);
}

export function isObject(tree: JsonTree): tree is { readonly [key: string]: JsonTree } {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree) && !isLosslessNumber(tree);
}

function depthExceeds(tree: JsonTree, left: number): boolean {
  if (typeof tree !== 'object' || tree === null || isLosslessNumber(tree)) return false;
  if (left === 0) return true;
  const children = isArray(tree) ? tree : Object.values(tree);
  return children.some((child) => depthExceeds(child, left - 1));
}
