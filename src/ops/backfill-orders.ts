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

/** Of mappings with an order that cannot be understood. */
export interface UnreadableOrder {
  readonly mapping: string;
  readonly file: string;
}

/** All that were handed over and are not at their end. Throws LOCAL_COPY_FAILED. */
export function handedOrders(project: Project): {
  readonly orders: readonly HandedOrder[];
  readonly unreadable: readonly UnreadableOrder[];
} {
  const files = filesOf(project);
  const orders: HandedOrder[] = [];
  const unreadable: UnreadableOrder[] = [];
  for (const [mapping, found] of files.read()) {
    const { order, rows, pace, allow = [], by = 'unknown', reason = null, at = 0 } = found ?? {};
    if (order === undefined || rows === undefined || pace === undefined) unreadable.push({ mapping, file: files.fileOf(mapping) });
    else orders.push({ mapping, order, rows, pace, allow, by, reason, at });
  }
  return { orders, unreadable };
}

export function keepOrder(project: Project, order: HandedOrder): void {
  filesOf(project).write(order.mapping, order);
}

export function dropOrder(project: Project, mapping: string): void {
  filesOf(project).remove(mapping);
}
