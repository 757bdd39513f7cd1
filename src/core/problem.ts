import { HeadraceError } from './errors.ts';

/** One thing that is wrong with what a person wrote. Validation collects all of them before it reports. */
export interface Problem {
  /** The file, relative to the project's folder. */
  readonly file: string;
  /** 1-based; absent where the file itself is the problem. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** Where in the document, as `fields.tier.from`. */
  readonly path: string;
  /** What is wrong, and why. */
  readonly message: string;
  /** What to do: the nearest name, the missing key, the command. */
  readonly suggestion?: string | undefined;
  /** A warning does not make the project invalid. */
  readonly severity: 'error' | 'warning';
}

/** A place in a file that a person wrote. */
export interface Location {
  readonly file: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** `file:line:column path: message (suggestion)`: the form that editors and terminals can jump to. */
export function formatProblem(p: Problem): string {
  const at = p.line === undefined ? p.file : `${p.file}:${p.line}:${p.column ?? 1}`;
  const where = p.path === '' ? at : `${at}  ${p.path}`;
  return p.suggestion === undefined ? `${where}: ${p.message}` : `${where}: ${p.message} ${p.suggestion}`;
}

/** All problems as the one error that a command ends with. */
export function problemsError(problems: readonly Problem[]): HeadraceError {
  const errors = problems.filter((p) => p.severity === 'error');
  const [first] = errors;
  const message =
    errors.length === 1 && first !== undefined
      ? formatProblem(first)
      : `${errors.length} problems:\n${errors.map((p) => `  ${formatProblem(p)}`).join('\n')}`;
  return new HeadraceError('CONFIG_INVALID', message);
}
