import { HeadraceError } from '../../core/errors.ts';

/** Throws the signal's own HeadraceError, or INTERRUPTED. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof HeadraceError) throw signal.reason;
  throw new HeadraceError('INTERRUPTED', 'Reading the warehouse was interrupted.');
}
