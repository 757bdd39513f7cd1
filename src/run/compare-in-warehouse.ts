import { mustBeConfirmed } from '../core/entry.ts';
import { HeadraceError } from '../core/errors.ts';
import type { ComparedRows, MarkedRow } from '../core/row.ts';
import type { Fingerprints } from '../snapshot/fingerprints.ts';
import type { PlacedEntry, RemoteView, SnapshotView } from '../snapshot/view.ts';
import type { ComparedScan } from '../warehouse/warehouse.ts';
import type { ChangeSet } from './change-set.ts';
import type { Comparison } from './comparison/comparison.ts';
import { lookAhead } from './comparison/look-ahead.ts';
import { textOf } from './comparison/text-of.ts';
import { UnreadAccount } from './comparison/unread-account.ts';
import type { Job } from './job.ts';
import type { Watermark } from './watermark.ts';

/** Entries that are looked up at once. */
const PAGE = 5_000;

export interface RemoteParts {
  readonly view: SnapshotView;
  readonly remote: RemoteView;
  readonly fingerprints: Fingerprints;
  readonly comparison: Comparison;
  readonly watermark: Watermark;
  readonly scan: ComparedScan;
  /** Rows that are as they were stay in the warehouse. */
  readonly changedOnly: boolean;
  /** The whole model is covered. */
  readonly complete: boolean;
  readonly changes: ChangeSet;
  /** Returns whether everything that was found is published and applied. */
  readonly onBatch?: ((changes: ChangeSet) => Promise<boolean>) | undefined;
  readonly onRows?: ((batch: ComparedRows) => void) | undefined;
  readonly onProgress: () => void;
}

/**
 * Steps 5 to 7 where the view lies beside the model: the warehouse keeps the rows that are as they were, and the others go the way of all rows. What the comparison of a
 * batch asks the view for is loaded before it. What the warehouse kept is accounted for at the end, and must add up.
 */
export async function compareInWarehouse(job: Job, parts: RemoteParts): Promise<void> {
  const { comparison, scan, remote } = parts;
  const account = new UnreadAccount();
  for await (const batch of scan.batches()) {
    job.signal.throwIfAborted();
    const ahead = await lookAhead(batch, comparison, parts);
    account.note(batch.count, ahead.known, batch.unmatched);
    comparison.compareBatch(batch, ahead.mapped);
    parts.onRows?.(batch);
    await publishFound(parts);
    await remote.settle();
    parts.onProgress();
    await job.reach('while_mapping');
  }
  if (parts.changedOnly) await settleAccount(parts, account);
  else if (parts.complete && parts.view.rowCount > 0) {
    for await (const page of scan.missing()) {
      account.noteMissing(page);
      await forgetMissing(parts, page);
    }
  }
  // Promise 2: what was looked up must not be what somebody else has written.
  if (!(await remote.isUnmoved())) throw movedMeanwhile(job, remote);
  const { takenOver, ended } = comparison.waitingSlots;
  remote.releaseLoaded();
  await remote.loadEntries([...takenOver, ...ended]);
  if (parts.changedOnly) for (const slot of takenOver) confirmHolder(parts, account, slot);
  comparison.settle(parts.complete);
  if (parts.complete && comparison.vanished > 0) await publishVanished(parts, account);
}

async function publishFound({ comparison, remote, changes, onBatch }: RemoteParts): Promise<void> {
  if (!(await onBatch?.(changes))) return;
  // A row that the view knows under an entry that is not over yet must not be taken for a new one.
  await remote.loadRows(comparison.waitingRows.flatMap(({ handle }) => handle ?? []));
  comparison.forgetPublished();
}

/** Counts the rows that stayed in the warehouse, and lets go of those that are gone. Throws KEY_INVALID; LOCAL_COPY_FAILED where it does not add up. */
async function settleAccount(parts: RemoteParts, account: UnreadAccount): Promise<void> {
  const { scan, comparison, watermark, remote } = parts;
  const totals = await scan.totals();
  watermark.note(totals.cursor.highest);
  watermark.note(totals.cursor.any);
  for (const page of account.missing(PAGE)) await forgetMissing(parts, page);
  if (!account.isBalanced(totals)) {
    for await (const batch of scan.repeated()) {
      const { mapped } = await lookAhead(batch, comparison, parts);
      comparison.compareBatch(batch, mapped);
    }
    throw new HeadraceError('LOCAL_COPY_FAILED', `The view in ${remote.address} does not hold what it says it holds.`, {
      suggestion: 'It is only a cache: `headrace state rebuild <mapping>` makes it anew from the snapshot topic. Nothing was published.',
    });
  }
  comparison.passUnread(account.unread(totals));
}

/** Promise 1: rows that are gone leave the view before anything about them is published: if one comes back as it was, no mark may say that nothing happened. */
async function forgetMissing({ view, remote }: RemoteParts, gone: readonly MarkedRow[]): Promise<void> {
  view.forgetRows(gone.map(({ handle }) => handle));
  await remote.settle();
}

/** A fact that another row claims now: whether the row behind it stayed in the warehouse as it was. */
function confirmHolder({ view, remote, comparison }: RemoteParts, account: UnreadAccount, slot: Uint8Array): void {
  const stored = view.findEntry(slot);
  const holder = remote.holderOf(slot);
  if (stored === undefined || holder === null || holder === 'absent' || account.isAccountedFor(stored.ordinal)) return;
  comparison.confirmUnread(stored.ordinal);
}

async function publishVanished(parts: RemoteParts, account: UnreadAccount): Promise<void> {
  const { comparison, remote, view } = parts;
  const isUnconfirmed = ({ entry, ordinal }: PlacedEntry) => mustBeConfirmed(entry.state) && !comparison.isConfirmed(ordinal);
  let left = comparison.vanished;
  if (parts.changedOnly) {
    for (const ordinals of account.pages(PAGE, (ordinal) => !comparison.isConfirmed(ordinal))) {
      const bySlot = new Map((await remote.entriesAt(ordinals)).map((placed) => [textOf(placed.slot), placed]));
      const entries = [...bySlot.values()].filter(isUnconfirmed);
      left -= entries.length;
      comparison.publishVanished(entries);
      await remote.settle();
    }
    // Behind the others there is no row at all.
    if (left <= 0) return;
  }
  for await (const page of remote.confirmable(parts.changedOnly ? 'without a row' : 'all')) {
    const slots = page.filter(({ ordinal }) => !comparison.isConfirmed(ordinal) && !(parts.changedOnly && account.isAccountedFor(ordinal)));
    remote.releaseLoaded();
    await remote.loadEntries(slots.map(({ slot }) => slot));
    const entries = slots.flatMap(({ slot }) => {
      const stored = view.findEntry(slot);
      return stored === undefined ? [] : [{ slot, ...stored }];
    });
    comparison.publishVanished(entries.filter(isUnconfirmed));
    await remote.settle();
  }
}

function movedMeanwhile(job: Job, { address }: RemoteView): HeadraceError {
  return new HeadraceError('LOCAL_COPY_FAILED', `${job.mapping.name}: another process wrote to the view in ${address} meanwhile.`, {
    suggestion: 'Nothing was published. Run again.',
  });
}
