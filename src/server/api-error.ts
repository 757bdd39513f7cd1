import type { z } from 'zod';
import { describeError } from '../cli/error-text.ts';
import { EXIT, HeadraceError } from '../core/errors.ts';
import type { errorShape } from './api-shapes.ts';
import { NotThere } from './route.ts';

type ErrorBody = z.input<typeof errorShape>;
type ApiCode = 'BAD_REQUEST' | 'UNAUTHENTICATED' | 'FORBIDDEN' | 'NOT_FOUND' | 'TOO_MANY_REQUESTS';

/** What is wrong with a request itself. */
export class ApiError extends Error {
  readonly statusCode: number;
  readonly code: ApiCode;
  readonly suggestion: string | undefined;

  constructor(statusCode: number, code: ApiCode, message: string, suggestion?: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.suggestion = suggestion;
  }
}

/** Status and body of an error. Of what was not foreseen nothing is told: it stands in the log. */
export function errorAnswer(error: unknown): { readonly status: number; readonly body: ErrorBody } {
  if (error instanceof ApiError) return { status: error.statusCode, body: bodyOf(error.code, error.message, error.suggestion) };
  if (error instanceof HeadraceError) return { status: statusOf(error), body: { error: { ...describeError(error), code: error.code } } };
  const { statusCode = 500 } = error as { statusCode?: number };
  // fastify's own: a body that is too large, or of another type than JSON.
  if (statusCode >= 400 && statusCode < 500) return { status: statusCode, body: bodyOf('BAD_REQUEST', (error as Error).message) };
  return {
    status: 500,
    body: { error: { code: 'BUG', message: 'This is a bug in Headrace.', path: null, suggestion: 'The log says more.' } },
  };
}

function bodyOf(code: ApiCode, message: string, suggestion?: string): ErrorBody {
  return { error: { code, message, path: null, suggestion: suggestion ?? null } };
}

function statusOf(error: HeadraceError): number {
  if (error instanceof NotThere) return 404;
  if (error.code === 'INTERRUPTED') return 503;
  if (error.exitCode === EXIT.stopped || error.exitCode === EXIT.owned) return 409;
  return error.exitCode === EXIT.invalid ? 400 : 503;
}
