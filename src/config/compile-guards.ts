import type { z } from 'zod';
import type { Guards, ShareGuard } from './project.ts';
import type { guardsSchema } from './project-schema.ts';

/** What stops a run unless the project or the mapping says otherwise: docs/configuration.md. */
export const DEFAULT_GUARDS: Guards = {
  updated: { share: 0.3, atLeast: 100 },
  deleted: { share: 0.05, atLeast: 100 },
  quarantined: { share: 0.1, atLeast: 100 },
  emptySource: 'stop',
};

type Written = z.output<typeof guardsSchema>;

/** Written guards over the ones that they override, member by member. */
export function compileGuards(written: Written, base: Guards): Guards {
  return {
    updated: shareGuard(written?.updated, base.updated),
    deleted: shareGuard(written?.deleted, base.deleted),
    quarantined: shareGuard(written?.quarantined, base.quarantined),
    emptySource: written?.empty_source ?? base.emptySource,
  };
}

function shareGuard(
  written: { readonly share?: number | undefined; readonly at_least?: number | undefined } | undefined,
  base: ShareGuard,
): ShareGuard {
  return { share: written?.share ?? base.share, atLeast: written?.at_least ?? base.atLeast };
}
