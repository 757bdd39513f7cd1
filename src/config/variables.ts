// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

/**
 * Variables in string scalars: `${NAME}`, `${NAME:-default}`, `${file:/path}`; `$${NAME}` is the text `${NAME}`.
 * They are replaced once, in values only, never in keys; what they give is not looked at for further variables.
 */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'env'; readonly name: string; readonly fallback: string | undefined }
  | { readonly kind: 'file'; readonly path: string }
  /** Starts like a variable and is none. */
  | { readonly kind: 'broken' };

export interface VariableSource {
  readonly env: NodeJS.ProcessEnv;
  /** Folder that relative `${file:…}` paths start from. */
  readonly root: string;
}

export type Resolved = { readonly text: string } | { readonly failures: readonly VariableFailure[] };

export interface VariableFailure {
  readonly message: string;
  readonly suggestion: string;
}

const MAX_FILE_BYTES = 1024 * 1024;

export function parseTemplate(written: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const match of written.matchAll(/(\$?)\$\{([^}]*)(\}?)/g)) {
    const [whole, prefix, content = '', close] = match;
    if (match.index > end) parts.push({ kind: 'text', text: written.slice(end, match.index) });
    end = match.index + whole.length;
    const variable = close === '}' ? parseVariable(content) : undefined;
    if (variable === undefined) parts.push({ kind: 'broken' });
    else if (prefix === '$') parts.push({ kind: 'text', text: whole.slice(1) });
    else parts.push(variable);
  }
  if (end < written.length) parts.push({ kind: 'text', text: written.slice(end) });
  return parts;
}

/** Whether the text holds a variable, so that its value must not be shown. */
export function hasVariable(written: string): boolean {
  return parseTemplate(written).some((part) => part.kind !== 'text');
}

/** The text with its variables replaced, or every reason why one could not be. No failure holds a value. */
export function resolveVariables(written: string, source: VariableSource): Resolved {
  const failures: VariableFailure[] = [];
  let text = '';
  for (const part of parseTemplate(written)) {
    const value = valueOfPart(part, source);
    if (typeof value === 'string') text += value;
    else failures.push(value);
  }
  return failures.length > 0 ? { failures } : { text };
}

function parseVariable(content: string): TemplatePart | undefined {
  const file = /^file:(.+)$/s.exec(content);
  if (file?.[1] !== undefined) return { kind: 'file', path: file[1].trim() };
  const env = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(content);
  return env?.[1] === undefined ? undefined : { kind: 'env', name: env[1], fallback: env[2] };
}

function valueOfPart(part: TemplatePart, source: VariableSource): string | VariableFailure {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'file':
      return fileText(part.path, source.root);
    case 'broken':
      return {
        message: 'This text starts like a variable, but is none.',
        suggestion:
          'Write ${NAME}, ${NAME:-default} or ${file:/path}; $${NAME} stands for the text ${NAME}. SQL in a file (sql_file) is taken as it is.',
      };
    case 'env': {
      const value = source.env[part.name];
      if (part.fallback !== undefined) return value === undefined || value === '' ? part.fallback : value;
      if (value !== undefined) return value;
      return {
        message: `The environment variable ${part.name} is not set.`,
        suggestion: `Set it, or give a default: \${${part.name}:-default}.`,
      };
    }
  }
}

/** One line end at the end is dropped: editors and `echo` add it, secrets do not have it. */
function fileText(path: string, root: string): string | VariableFailure {
  const absolute = isAbsolute(path) ? path : resolve(root, path);
  const failure = (message: string): VariableFailure => ({
    message: `The file ${path} ${message}`,
    suggestion: 'Check the path in ${file:…}.',
  });
  try {
    const stat = statSync(absolute);
    if (!stat.isFile()) return failure('is not a regular file.');
    if (stat.size > MAX_FILE_BYTES) return failure('is larger than 1 MiB.');
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(absolute)).replace(/\r?\n$/, '');
  } catch (cause) {
    if (cause instanceof TypeError) return failure('is not UTF-8 text.');
    return failure(`cannot be read (${errorWord(cause)}).`);
  }
}

/** `ENOENT`, `EACCES`: the system's word for what happened. */
export function errorWord(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unreadable';
}
