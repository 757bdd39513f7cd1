import { formatVersion } from '../contract/contract.ts';
import { HeadraceError } from '../core/errors.ts';
import type { ControlRecord, RollbackState } from '../snapshot/changelog.ts';
import type { LedgerRecord } from './chunk-records.ts';
import type { Job } from './job.ts';

/** What the control records of a run say of rollbacks: those before the last chunk, and the last one. */
export interface RollbackStates {
  readonly during: RollbackState | undefined;
  readonly after: RollbackState | undefined;
}

/** Contracts go back, or forward again, by `contracts rollback` alone: a scheduled run must not undo that. Throws ROLLED_BACK; nothing was published then. */
export function refuseRolledBack({ mapping, rollback }: Job, control: ControlRecord | null): void {
  if (control?.rollback === undefined || rollback !== undefined) return;
  const [here, working, state] = [control.contractVersion, formatVersion(mapping.version), control.rollback];
  const command = `headrace contracts rollback ${mapping.name} --to`;
  if (!state.complete) {
    throw new HeadraceError('ROLLED_BACK', `${mapping.name}: its move from version ${state.from} to ${here} was interrupted.`, {
      suggestion: `Nothing was changed. Complete it with \`${command} ${here}\`, or move to another version in the same way.`,
    });
  }
  if (!isAbove(working, here) || isAbove(working, state.upTo)) return;
  throw new HeadraceError(
    'ROLLED_BACK',
    `${mapping.name}: version ${state.upTo} was rolled back to ${here}, and the mapping says ${working}.`,
    {
      path: mapping.location.file,
      suggestion:
        `Nothing was changed. Set ${mapping.location.file} back to ${here}, as contracts/${mapping.name}/${here}.yml holds it, and it runs on; correct it as a version ` +
        `above ${state.upTo}; or publish ${working} again with \`${command} ${working}\`.`,
    },
  );
}

/** Throws CONFIG_INVALID where there is nothing whole to go back from. */
export function requirePublished({ mapping }: Pick<Job, 'mapping'>, control: ControlRecord | null): ControlRecord {
  if (control?.fullComparisonAt != null) return control;
  const what = control === null ? 'nothing was published yet' : 'its initial load is not complete';
  throw new HeadraceError('CONFIG_INVALID', `${mapping.name}: ${what}: there is nothing to roll back.`, {
    suggestion: `Nothing was changed. Set the mapping back, and run it: headrace run ${mapping.name}.`,
  });
}

/** Pure: follows from what was committed last. */
export function rollbackStates({ mapping, rollback }: Job, control: ControlRecord | null): RollbackStates {
  const version = formatVersion(mapping.version);
  const before = control?.rollback;
  if (rollback === undefined) {
    // A version above all that was rolled back is a new decision.
    const kept = before === undefined || isAbove(version, before.upTo) ? undefined : before;
    return { during: kept, after: kept };
  }
  const published = requirePublished({ mapping }, control).contractVersion;
  const upTo = before !== undefined && isAbove(before.upTo, published) ? before.upTo : published;
  const from = before !== undefined && isResumed(control, version) ? before.from : published;
  // Until the last chunk the facts are of two versions: whichever is higher stays barred.
  const highest = isAbove(version, upTo) ? version : upTo;
  return {
    during: { from, upTo: highest, complete: false },
    after: isAbove(upTo, version) ? { from, upTo, complete: true } : undefined,
  };
}

/** Whether the move to the version was begun before, and not completed. */
export function isResumed(control: ControlRecord | null, version: string): boolean {
  return control?.rollback?.complete === false && control.contractVersion === version;
}

/** What a rollback adds to the ledger. */
export function rollbackEntry({ rollback, mapping, host }: Job, states: RollbackStates): Pick<LedgerRecord, 'origin' | 'rollback'> {
  if (rollback === undefined || states.during === undefined) return { origin: 'live' };
  return { origin: 'undo', rollback: { from: states.during.from, to: formatVersion(mapping.version), host, ...rollback } };
}

/** What a rollback adds to each event. */
export function rollbackHeaders({ rollback, options }: Job): { readonly origin?: 'undo'; readonly approval?: string | undefined } {
  return rollback === undefined ? { approval: options.approval } : { origin: 'undo', approval: rollback.approval };
}

/** Of two versions as they are written: `1.10` is above `1.9`. */
export function isAbove(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA > majorB || (majorA === majorB && minorA > minorB);
}
