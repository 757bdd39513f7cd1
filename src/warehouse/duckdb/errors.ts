import { HeadraceError } from '../../core/errors.ts';

/** Kinds of DuckDB's errors (the word before the colon) that speak of the query, and never of the value of a row. */
const OF_THE_QUERY = /^(Parser|Syntax|Catalog|Binder|Not implemented|Permission) Error: /;

/** An error of DuckDB as one of ours. Messages that may hold values of rows are left out. */
export function duckdbError(error: unknown, path: string): HeadraceError {
  if (error instanceof HeadraceError) return error;
  const message = firstParagraph(error);
  if (OF_THE_QUERY.test(message)) {
    return new HeadraceError('QUERY_INVALID', `DuckDB (${path}) refuses the query: ${message}`, {
      suggestion: "Check the model's `table` or `sql`.",
      cause: new Error(message),
    });
  }
  if (/^(IO|Out of Memory) Error: /.test(message)) {
    return new HeadraceError('WAREHOUSE_FAILED', `DuckDB (${path}) failed: ${message}`, {
      suggestion: 'Check the disk and the memory of this machine. Nothing was changed; the next run reads again.',
      cause: new Error(message),
    });
  }
  // A conversion error quotes the value that it fails on: only its kind is passed on.
  const kind = /^([A-Za-z ]+ Error): /.exec(message)?.[1] ?? 'an error';
  return new HeadraceError('WAREHOUSE_FAILED', `DuckDB (${path}) failed on the query with ${kind}.`, {
    suggestion: "Run the model's query in DuckDB's shell to see the value that it fails on.",
  });
}

/** The error of opening the file. */
export function openError(error: unknown, path: string): HeadraceError {
  const message = firstParagraph(error);
  if (/does not exist|No such file/i.test(message)) {
    return new HeadraceError('WAREHOUSE_UNREACHABLE', `There is no DuckDB file at ${path}.`, {
      suggestion: 'Check `path` of the warehouse, or build the file first (with dbt: dbt build).',
      cause: error,
    });
  }
  if (isLocked(error)) {
    const holder = /PID (\d+)/.exec(message)?.[1];
    const who = holder === undefined ? 'another process' : `process ${holder}`;
    return new HeadraceError('WAREHOUSE_UNREACHABLE', `The DuckDB file ${path} is being written by ${who}, which locks it.`, {
      suggestion: 'Run again when the writer has closed it, or let the writer build a copy that is renamed into place.',
      cause: error,
    });
  }
  return new HeadraceError('WAREHOUSE_UNREACHABLE', `The DuckDB file ${path} cannot be opened: ${message}`, {
    suggestion: 'Check that it is a DuckDB database of a version that this Headrace reads (1.5), and that this user may read it.',
    cause: error,
  });
}

export function isLocked(error: unknown): boolean {
  return /Could not set lock|Conflicting lock/i.test(firstParagraph(error));
}

/** Of a file that was let go, and that a statement of this process still looks at. */
export function isLettingGo(error: unknown): boolean {
  return /Unique file handle conflict/i.test(firstParagraph(error));
}

/** Of a file that this user, or this disk, lets nobody write. */
export function isUnwritable(error: unknown): boolean {
  return /Permission denied|Read-only file system/i.test(firstParagraph(error));
}

/** Of a file whose content is not what DuckDB wrote, or what this version cannot read. */
export function isDamaged(error: unknown): boolean {
  return /not a valid DuckDB database|corrupt|checksum|storage version|version number/i.test(firstParagraph(error));
}

export function isInterrupt(error: unknown): boolean {
  return /^INTERRUPT Error/i.test(firstParagraph(error));
}

/** Behind the first empty line, DuckDB quotes the query. */
function firstParagraph(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split(/\n\s*\n|\nLINE /)[0] ?? '')
    .replace(/^Failed to [a-z ]+: /, '')
    .replaceAll('\n', ' ')
    .trim();
}
