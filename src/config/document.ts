import type { Location, Problem } from '../core/problem.ts';

/** A path in a document: keys of mappings and indexes of lists. */
export type Path = readonly (string | number)[];

/** `fields.tier.from`, `key[0]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`), '');
}

/** Where a node stands, and how a scalar is written in the file, before its variables are replaced. */
export interface Mark {
  readonly line: number;
  readonly column: number;
  readonly written?: string | undefined;
}

/** What one YAML file says: plain values with variables replaced, and where each of them stands. */
export class SourceDocument {
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly #marks: ReadonlyMap<string, Mark>;

  constructor(file: string, value: Readonly<Record<string, unknown>>, marks: ReadonlyMap<string, Mark>) {
    this.file = file;
    this.value = value;
    this.#marks = marks;
  }

  /** The place of a path, or of its nearest ancestor that exists. */
  locate(path: string): Location {
    for (let at = path; at !== ''; at = parentOf(at)) {
      const mark = this.#marks.get(at);
      if (mark !== undefined) return { file: this.file, line: mark.line, column: mark.column };
    }
    const root = this.#marks.get('');
    return { file: this.file, line: root?.line ?? 1, column: root?.column ?? 1 };
  }

  /** A scalar as it is written: `${NAME}` where a variable stands, never its value. Undefined for anything but a scalar. */
  written(path: Path): string | undefined {
    return this.#marks.get(formatPath(path))?.written;
  }

  problem(path: Path, message: string, suggestion?: string, severity: Problem['severity'] = 'error'): Problem {
    const { line, column } = this.locate(formatPath(path));
    return { file: this.file, line, column, path: formatPath(path), message, suggestion, severity };
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.'), path.lastIndexOf('[')));
}
