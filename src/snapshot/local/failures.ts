import { HeadraceError } from '../../core/errors.ts';

/** Runs what works on the copy in the folder; whatever fails there is LOCAL_COPY_FAILED, but for errors that already say what they are. */
export function guarded<T>(folder: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw failedCopy(folder, cause);
  }
}

export function failedCopy(folder: string, cause: unknown): HeadraceError {
  if (cause instanceof HeadraceError) return cause;
  return new HeadraceError(
    'LOCAL_COPY_FAILED',
    `The local copy in ${folder} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      suggestion:
        'Check the free space and the permissions of the folder. It is only a cache: deleting it is safe, the next run rebuilds it from Kafka.',
      cause,
    },
  );
}

/** Whether the file holds what no intact copy holds. Other failures (permissions, a full disk) say nothing of that. */
export function isDamage(error: unknown): boolean {
  if (error instanceof HeadraceError) return error.code === 'SNAPSHOT_CORRUPT';
  if (error instanceof SyntaxError || error instanceof RangeError) return true;
  return error instanceof Error && /MDB_(INVALID|CORRUPTED|PAGE_NOTFOUND|VERSION_MISMATCH|PANIC|BAD_)/.test(error.message);
}
