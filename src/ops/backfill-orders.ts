import type { Project } from '../config/project.ts';
import type { BackfillOrder } from '../run/backfill/order.ts';
import type { Pace } from './backfill.ts';
import { StateFiles } from './state-files.ts';

/** A backfill that somebody has handed to the daemon: it goes on after a restart. How far it is stands in the control record. */
export interface HandedOrder {
  readonly mapping: string;
  readonly order: BackfillOrder;
  /** Rows of a slice, at most. */
  readonly rows: number;
  readonly pace: Pace;
  readonly allow: readonly string[];
  /** The name of the API's token. */
  readonly by: string;
  readonly reason: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

function filesOf(project: Project): StateFiles<HandedOrder> {
  return new StateFiles(project, '_backfills', 'It holds the backfills that were handed to headrace serve.');
}

/** By mapping; those that cannot be understood are left out. Throws LOCAL_COPY_FAILED. */
export function handedOrders(project: Project): readonly HandedOrder[] {
  return [...filesOf(project).read()].flatMap(([mapping, found]) => {
    const { order, rows, pace, allow = [], by = 'unknown', reason = null, at = 0 } = found ?? {};
    return order === undefined || rows === undefined || pace === undefined ? [] : [{ mapping, order, rows, pace, allow, by, reason, at }];
  });
}

export function keepOrder(project: Project, order: HandedOrder): void {
  filesOf(project).write(order.mapping, order);
}

export function dropOrder(project: Project, mapping: string): void {
  filesOf(project).remove(mapping);
}
