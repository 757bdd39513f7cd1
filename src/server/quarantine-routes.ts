import { groupByCause, type RowSelection, refusedRows, repairQuarantine } from '../ops/quarantine.ts';
import type { QuarantineAction } from '../run/quarantine.ts';
import { ApiError } from './api-error.ts';
import { mappingParams } from './api-shapes.ts';
import type { Daemon } from './daemon.ts';
import {
  quarantineShape,
  type RepairBody,
  type RowsQuery,
  refusedRowsShape,
  repairBody,
  repairedShape,
  rowsQuery,
} from './quarantine-shapes.ts';
import { type Call, known, ofMapping, type Route } from './route.ts';
import { iso } from './views.ts';

const of = `${ofMapping}/quarantine`;

/** Refused rows, as `headrace quarantine` shows and repairs them. */
export const QUARANTINE_ROUTES: readonly Route[] = [
  {
    id: 'getQuarantine',
    method: 'GET',
    path: of,
    right: 'read',
    summary: 'The rows that are refused now, by field and cause.',
    params: mappingParams,
    status: 200,
    answer: quarantineShape,
    handle: async (daemon, { mapping }) => {
      const rows = await rowsOf(daemon, mapping, {});
      return { mapping, rows: rows.length, causes: groupByCause(rows).map(timed) };
    },
  },
  {
    id: 'listRefusedRows',
    method: 'GET',
    path: `${of}/rows`,
    right: 'read',
    summary: 'Each row that is refused now, by its hashed key.',
    params: mappingParams,
    query: rowsQuery,
    status: 200,
    answer: refusedRowsShape,
    handle: async (daemon, { mapping, query }) => {
      const { row, field, cause, limit } = query as RowsQuery;
      const rows = await rowsOf(daemon, mapping, { rows: row === undefined ? undefined : [row], field, reason: cause });
      return { mapping, count: rows.length, rows: rows.slice(0, limit).map(timed) };
    },
  },
  repairRoute('retryRefusedRows', 'retry', 'Have the next run try refused rows again although they did not change. It compares in full.'),
  repairRoute('discardRefusedRows', 'discard', 'Leave rows refused without a word until they change.'),
];

function repairRoute(id: string, action: QuarantineAction, summary: string): Route {
  return {
    id,
    method: 'POST',
    path: `${of}/${action}`,
    right: 'operate',
    summary,
    params: mappingParams,
    body: repairBody,
    status: 200,
    answer: repairedShape,
    handle: (daemon, call) => repaired(daemon, call, action),
  };
}

async function repaired(daemon: Daemon, { mapping: name, body, by }: Call, action: QuarantineAction): Promise<unknown> {
  const mapping = known(daemon, name);
  const { rows, field, cause, all, reason = null } = body as RepairBody;
  if (all === undefined && rows === undefined && field === undefined && cause === undefined)
    throw new ApiError(400, 'BAD_REQUEST', 'Which rows? One of rows, field, cause and all is needed.');
  const selection = { rows, field, reason: cause };
  return { action, ...(await daemon.repair(mapping, (job) => repairQuarantine(job, action, selection, { user: by, reason }))) };
}

function rowsOf(daemon: Daemon, name: string, selection: RowSelection) {
  const mapping = known(daemon, name);
  return daemon.look('quarantine', async (system, project) => refusedRows(await daemon.jobOf(system, project, mapping), selection));
}

function timed<T extends { readonly firstSeenAt: number | null; readonly lastSeenAt: number | null }>(seen: T) {
  return { ...seen, firstSeenAt: iso(seen.firstSeenAt), lastSeenAt: iso(seen.lastSeenAt) };
}
