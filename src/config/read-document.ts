import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseDocument, type Scalar } from 'yaml';
import type { Problem } from '../core/problem.ts';
import { formatPath, type Mark, type Path, SourceDocument } from './document.ts';
import { errorWord, resolveVariables, type VariableSource } from './variables.ts';

/** Bounds that no honest configuration reaches: a file that passes one is refused before it can exhaust memory. */
const MAX_BYTES = 1024 * 1024;
const MAX_NODES = 50_000;
const MAX_DEPTH = 40;

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

export interface ReadResult {
  readonly document: SourceDocument | undefined;
  readonly problems: readonly Problem[];
}

/** Reads one YAML file (path relative to the root) into plain values; every problem of syntax, keys and variables is collected. Never throws for what a file holds. */
export async function readDocument(file: string, source: VariableSource): Promise<ReadResult> {
  const text = await readText(join(source.root, file), file);
  return typeof text === 'string' ? parseYaml(text, file, source) : { document: undefined, problems: [text] };
}

/** A text file, or the problem that it is. */
export async function readText(absolute: string, file: string): Promise<string | Problem> {
  const problem = (message: string, suggestion?: string): Problem => ({ file, path: '', message, suggestion, severity: 'error' });
  try {
    const stats = await stat(absolute);
    if (stats.isDirectory()) return problem('This is a folder, not a file.', 'Remove it, or rename it.');
    if (!stats.isFile()) return problem('This is not a regular file.');
    if (stats.size > MAX_BYTES) return problem(`The file has ${stats.size} bytes; at most ${MAX_BYTES} are read.`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(absolute));
  } catch (cause) {
    if (cause instanceof TypeError) return problem('The file is not UTF-8 text.', 'Save it as UTF-8.');
    return problem(`The file cannot be read (${errorWord(cause)}).`);
  }
}

export function parseYaml(text: string, file: string, source: VariableSource): ReadResult {
  const lines = new LineCounter();
  const at = (offset: number, message: string, suggestion?: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), path: '', message, suggestion, severity: 'error' };
  };
  try {
    const parsed = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, intAsBigInt: true });
    const faults = [...parsed.errors, ...parsed.warnings];
    if (faults.length > 0)
      return {
        document: undefined,
        problems: faults.slice(0, 20).map((fault) => at(fault.pos[0], yamlMessage(fault.code, fault.message))),
      };
    if (!isMap(parsed.contents)) {
      const message = parsed.contents === null ? 'The file is empty.' : 'The file must hold keys with values (`key: value`).';
      return { document: undefined, problems: [at(parsed.contents?.range[0] ?? 0, message)] };
    }
    return new Conversion(file, source, lines, (node) => (isAlias(node) ? node.resolve(parsed) : node)).run(parsed.contents);
  } catch (cause) {
    if (cause instanceof RangeError) return { document: undefined, problems: [at(0, 'The file is nested too deeply.')] };
    throw cause;
  }
}

function yamlMessage(code: string, message: string): string {
  return code === 'MULTIPLE_DOCS' ? 'The file holds several documents (`---`); only one is read.' : `YAML: ${message.replace(/\.?$/, '.')}`;
}

/** Walks the YAML nodes once: values with variables replaced, the place of each path, and what is wrong with keys, numbers and texts. */
class Conversion {
  readonly #file: string;
  readonly #source: VariableSource;
  readonly #lines: LineCounter;
  readonly #resolve: (node: Node) => Node | undefined;
  readonly #marks = new Map<string, Mark>();
  readonly #problems: Problem[] = [];
  #nodes = 0;

  constructor(file: string, source: VariableSource, lines: LineCounter, resolve: (node: Node) => Node | undefined) {
    this.#file = file;
    this.#source = source;
    this.#lines = lines;
    this.#resolve = resolve;
  }

  run(root: ParsedNode): ReadResult {
    this.#mark([], root);
    const value = this.#convert(root, []);
    const tooMany = this.#nodes > MAX_NODES;
    if (tooMany)
      this.#report([], root, `The file holds more than ${MAX_NODES} values once its aliases are expanded.`, 'Use fewer aliases (`*name`).');
    const document = tooMany ? undefined : new SourceDocument(this.#file, value as Readonly<Record<string, unknown>>, this.#marks);
    return { document, problems: this.#problems };
  }

  #convert(written: Node | null | undefined, path: Path): unknown {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES || written === null || written === undefined) return null;
    const node = this.#resolve(written);
    if (node === undefined)
      return this.#report(path, written, 'This alias names no anchor (`&name`) above it.', 'Put text that begins with `*` in quotes.');
    if (path.length > MAX_DEPTH) return this.#report(path.slice(0, MAX_DEPTH), written, `Values are nested more than ${MAX_DEPTH} deep.`);
    if (isMap(node)) return this.#map(node.items as readonly { key: unknown; value: unknown }[], path);
    if (isSeq(node)) return node.items.map((item, index) => this.#item(item as Node | null, [...path, index]));
    return isScalar(node) ? this.#scalar(node, written, path) : null;
  }

  #item(node: Node | null, path: Path): unknown {
    this.#mark(path, node);
    return this.#convert(node, path);
  }

  #map(items: readonly { key: unknown; value: unknown }[], path: Path): unknown {
    const result: Record<string, unknown> = Object.create(null);
    for (const { key: keyNode, value } of items) {
      const node = keyNode as Node | null;
      const key = keyText(node);
      if (key === undefined) {
        this.#report(
          path,
          node,
          'A key must be a name or a number.',
          node !== null && isMap(node) ? 'Put quotes around text that begins with `{`, such as a variable.' : undefined,
        );
        continue;
      }
      const at = [...path, key];
      if (FORBIDDEN_KEYS.has(key)) {
        this.#report(at, node, `\`${key}\` cannot be a key.`, 'Choose another name.');
      } else if (Object.hasOwn(result, key)) {
        this.#report(
          at,
          node,
          `\`${key}\` stands here twice.`,
          `It is also on line ${this.#marks.get(formatPath(at))?.line ?? 1}; keep one of them.`,
        );
      } else {
        this.#mark(at, node);
        result[key] = this.#convert(value as Node | null, at);
      }
    }
    return result;
  }

  #scalar(node: Scalar, written: Node, path: Path): unknown {
    const mark = this.#marks.get(formatPath(path));
    if (mark !== undefined) this.#marks.set(formatPath(path), { ...mark, written: node.source ?? String(node.value) });
    const { value } = node;
    if (typeof value === 'bigint') {
      if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
      return this.#report(path, written, 'The number is too large to be read exactly.', 'Put it in quotes.');
    }
    if (typeof value === 'number') {
      if (Number.isFinite(value) && significantDigits(node.source ?? '') <= 15) return value;
      return this.#report(path, written, 'The number cannot be read exactly.', 'Put it in quotes.');
    }
    return typeof value === 'string' ? this.#string(value, written, path) : value;
  }

  #string(value: string, node: Node, path: Path): unknown {
    if (value.includes('\0') || /\p{Surrogate}/u.test(value))
      return this.#report(path, node, 'The text holds a NUL character or half a character.', 'Remove it.');
    const resolved = resolveVariables(value, this.#source);
    if ('text' in resolved) return resolved.text;
    for (const failure of resolved.failures) this.#report(path, node, failure.message, failure.suggestion);
    return UNRESOLVED;
  }

  #mark(path: Path, node: Node | null): void {
    const { line, col } = this.#lines.linePos(node?.range?.[0] ?? 0);
    this.#marks.set(formatPath(path), { line: Math.max(1, line), column: Math.max(1, col) });
  }

  #report(path: Path, node: Node | null, message: string, suggestion?: string): symbol {
    const { line, col } = this.#lines.linePos(node?.range?.[0] ?? 0);
    this.#problems.push({
      file: this.#file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      path: formatPath(path),
      message,
      suggestion,
      severity: 'error',
    });
    return UNRESOLVED;
  }
}

/** Stands for a value that was already reported as a problem: nothing further is said about it. */
export const UNRESOLVED: unique symbol = Symbol('reported');

/** Keys of `values` are the source's texts: a number stays as it is written (1.10 is not 1.1). */
function keyText(node: Node | null): string | undefined {
  if (node === null || !isScalar(node)) return undefined;
  if (typeof node.value === 'string') return node.value;
  if (typeof node.value === 'bigint' || typeof node.value === 'boolean') return String(node.value);
  return typeof node.value === 'number' ? node.source : undefined;
}

function significantDigits(source: string): number {
  return source
    .replace(/e.*$/i, '')
    .replaceAll(/[^0-9]/g, '')
    .replace(/^0+/, '').length;
}
