import { HeadraceError } from '../core/errors.ts';
import type { Output } from './output.ts';

/** An error in `--json`. */
export interface ErrorBody {
  /** One of ERROR_CODES, or BUG. */
  readonly code: string;
  readonly message: string;
  readonly path: string | null;
  readonly suggestion: string | null;
}

export function describeError(error: unknown): ErrorBody {
  if (!(error instanceof HeadraceError)) return { code: 'BUG', message: messageOf(error), path: null, suggestion: BUG_SUGGESTION };
  const { code, message, path = null, suggestion = null } = error;
  return { code, message, path, suggestion };
}

/** The message, then what to do; of a bug also where it happened. */
export function printError(output: Output, error: unknown): void {
  const { red, dim } = output.errorColors;
  if (!(error instanceof HeadraceError)) {
    output.note(`${red('error')} This is a bug in Headrace: ${messageOf(error)}`);
    if (error instanceof Error && error.stack !== undefined) output.note(dim(stackOf(error)));
    output.note(`  → ${BUG_SUGGESTION}`);
    return;
  }
  output.note(`${red('error')} ${error.message} ${dim(`[${error.code}]`)}`);
  if (error.suggestion !== undefined) output.note(`  → ${error.suggestion}`);
}

const BUG_SUGGESTION =
  'Nothing that was published is lost. Please report it with the lines above, after checking that they hold nothing private.';

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function stackOf(error: Error): string {
  const stack = error.stack?.split('\n').filter((line) => line.trimStart().startsWith('at ')) ?? [];
  return stack.join('\n');
}
