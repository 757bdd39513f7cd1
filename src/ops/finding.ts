import { type ErrorCode, HeadraceError } from '../core/errors.ts';

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly check: string;
  readonly subject: string;
  readonly status: 'ok' | 'suspicious' | 'failed';
  readonly message: string;
  /** What to do: a command to copy where there is one. */
  readonly remedy: string | undefined;
  /** Of what failed: its exit code becomes the command's. */
  readonly error: unknown;
}

export function fine(check: string, subject: string, message: string): Finding {
  return { check, subject, status: 'ok', message, remedy: undefined, error: undefined };
}

/** Nothing that stops a run, but worth knowing. */
export function suspicion(check: string, subject: string, message: string, remedy: string): Finding {
  return { check, subject, status: 'suspicious', message, remedy, error: undefined };
}

/** A run would end with this error. Anything but a HeadraceError is a bug, and thrown. */
export function failure(check: string, subject: string, error: unknown): Finding {
  if (!(error instanceof HeadraceError)) throw error;
  return { check, subject, status: 'failed', message: error.message, remedy: error.suggestion, error };
}

/** A failure that nobody threw. */
export function failed(code: ErrorCode, check: string, subject: string, message: string, suggestion: string): Finding {
  return failure(check, subject, new HeadraceError(code, message, { suggestion }));
}
