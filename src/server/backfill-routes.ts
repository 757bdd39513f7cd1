import { describeError } from '../cli/error-text.ts';
import type { Mapping } from '../config/project.ts';
import { DEFAULT_SLICE_ROWS } from '../ops/backfill.ts';
import type { HandedOrder } from '../ops/backfill-orders.ts';
import { orderText, type ToldBackfill } from '../run/backfill/order.ts';
import { GUARD_NAMES } from '../run/guards.ts';
import { ApiError } from './api-error.ts';
import { mappingParams } from './api-shapes.ts';
import {
  type BackfillBody,
  backfillBody,
  type CancelBody,
  cancelBody,
  cancelledShape,
  type HandedView,
  handedShape,
  type StateView,
} from './backfill-shapes.ts';
import type { Daemon } from './daemon.ts';
import { known, ofMapping, type Route } from './route.ts';
import { iso } from './views.ts';

const of = `${ofMapping}/backfill`;
/** Keys may be many. */
const ORDER_LIMIT_BYTES = 8 * 1024 * 1024;

/** Backfills that the daemon executes in slices between the runs of a mapping. */
export const BACKFILL_ROUTES: readonly Route[] = [
  {
    id: 'getBackfill',
    method: 'GET',
    path: of,
    right: 'read',
    summary: 'The backfill that was handed to this daemon last, and how far it is.',
    params: mappingParams,
    status: 200,
    answer: handedShape,
    handle: (daemon, { mapping }) => handedView(daemon, known(daemon, mapping)),
  },
  {
    id: 'beginBackfill',
    method: 'POST',
    path: of,
    right: 'operate',
    summary: 'Read rows of the model again, in slices between its runs, and publish what differs. The same order again goes on.',
    params: mappingParams,
    body: backfillBody,
    bodyLimitBytes: ORDER_LIMIT_BYTES,
    status: 202,
    answer: handedShape,
    handle: async (daemon, { mapping: name, body, by }) => {
      const mapping = known(daemon, name);
      await daemon.backfills.accept(mapping, orderOf(name, body as BackfillBody, by));
      return handedView(daemon, mapping);
    },
  },
  {
    id: 'cancelBackfill',
    method: 'POST',
    path: `${of}/cancel`,
    right: 'operate',
    summary: 'End the backfill of a mapping where it stands. What it published stays.',
    params: mappingParams,
    body: cancelBody,
    status: 200,
    answer: cancelledShape,
    handle: async (daemon, { mapping: name, body, by }) => {
      const state = await daemon.backfills.cancel(known(daemon, name), by, (body as CancelBody).reason ?? null);
      return { mapping: name, backfill: state === null ? null : stateView(state) };
    },
  },
];

function orderOf(mapping: string, { rows, force, id, slice, rate, pauseMs, allow, reason }: BackfillBody, by: string): HandedOrder {
  if ('from' in rows && rows.from === null && rows.to === null)
    throw new ApiError(400, 'BAD_REQUEST', 'Which rows? One of from and to is needed.');
  for (const guard of allow)
    if (!GUARD_NAMES.some((name) => name === guard)) throw new ApiError(400, 'BAD_REQUEST', `There is no guard named \`${guard}\`.`);
  return {
    mapping,
    order: { rows, force, name: id ?? null },
    rows: slice ?? DEFAULT_SLICE_ROWS,
    pace: { pauseMs, ...(rate === undefined ? {} : { rate }) },
    allow,
    by,
    reason: reason ?? null,
    at: Date.now(),
  };
}

function handedView(daemon: Daemon, { name, model }: Mapping): HandedView {
  const handed = daemon.backfills.of(name);
  if (handed === undefined) return { mapping: name, state: null, what: null, by: null, at: null, progress: null, error: null };
  const { ordered, state, progress, error } = handed;
  const described = error === undefined ? null : describeError(error);
  return {
    mapping: name,
    state,
    what: orderText(ordered.order, daemon.project.models.get(model) ?? {}),
    by: ordered.by,
    at: iso(ordered.at),
    progress: progress === null ? null : stateView(progress),
    error: described === null ? null : { ...described, code: described.code as NonNullable<HandedView['error']>['code'] },
  };
}

function stateView({ id, name, what, force, slices, total, counts, end }: ToldBackfill): StateView {
  return { id, name, what, force, slices, total, counts, end: end ?? null };
}
