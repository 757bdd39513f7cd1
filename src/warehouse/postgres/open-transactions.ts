import type { Client } from 'pg';

/** What is known, before a scan's snapshot, of the transactions whose rows that snapshot may not show. */
export interface OpenTransactions {
  /**
   * No transaction that is still open can write a `now()` below it: the server's clock, or the start of the oldest transaction that is open in this database.
   * As `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
   */
  readonly bound: string;
  /** The same without a zone, for columns without one: in UTC or in the zone that sessions of this server have unless they choose another, whichever is earlier. */
  readonly localBound: string;
  /** Why the bound may be too high, or why it lies far back, for a person. */
  readonly notes: readonly string[];
}

interface Row {
  readonly bound: string;
  readonly local_bound: string;
  readonly held_for_s: number;
  readonly holder: string | null;
  readonly sees_all: boolean;
  readonly hidden: number;
  readonly is_standby: boolean;
}

/**
 * A session that has begun and not yet written may still write, with a cursor as old as its begin: so each open transaction counts, except vacuum, replication and
 * Headrace's own scans, which are read-only. A session whose statement has arrived and whose transaction is not yet announced counts from the statement's start.
 * pg_prepared_xacts tells when a transaction was prepared, not when it began.
 * https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
 */
const OPEN_TRANSACTIONS = `
with open as (
  select
    coalesce(xact_start, case when state = 'active' and backend_type = 'client backend' then query_start end) as since,
    format('process %s, application "%s"', pid, application_name) as holder
  from pg_catalog.pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and backend_type not in ('autovacuum worker', 'walsender', 'parallel worker')
    and not (application_name = 'headrace' and backend_xid is null)
  union all
  select prepared, format('prepared transaction "%s"', gid)
  from pg_catalog.pg_prepared_xacts where database = current_database()
), oldest as (
  select since, holder from open where since < now() order by since limit 1
)
select
  to_char(coalesce(since, now()) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as bound,
  to_char(least(coalesce(since, now()) at time zone 'UTC', coalesce(since, now())::timestamp), 'YYYY-MM-DD"T"HH24:MI:SS.US') as local_bound,
  coalesce(extract(epoch from now() - since), 0)::int as held_for_s,
  holder,
  pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as sees_all,
  (select count(*)::int from pg_catalog.pg_stat_activity where datname = current_database() and state = 'disabled') as hidden,
  pg_catalog.pg_is_in_recovery() as is_standby
from (values (1)) as one left join oldest on true`;

const LONG_S = 3_600;

/** To be asked outside of the scan's transaction, before its snapshot: a transaction that commits in between is then either counted here, or seen there. */
export async function readOpenTransactions(client: Client): Promise<OpenTransactions> {
  const { rows } = await client.query<Row>(OPEN_TRANSACTIONS);
  const [row] = rows;
  if (row === undefined) throw new Error('a query for one row yielded none');
  return { bound: row.bound, localBound: row.local_bound, notes: notesOn(row, client.user ?? '') };
}

function notesOn(row: Row, user: string): string[] {
  const late = 'A row that is committed longer after its cursor than the lookback is found by the next full comparison only';
  const notes: string[] = [];
  if (row.is_standby) {
    notes.push(`PostgreSQL is a standby, which does not show the transactions that are open on its primary. ${late}.`);
  } else if (!row.sees_all) {
    const grant = `grant pg_monitor to "${user.replaceAll('"', '""')}";`;
    notes.push(
      `The role ${user} may not see since when other roles' transactions are open in PostgreSQL. ${late}. To change that: ${grant}`,
    );
  }
  if (row.hidden > 0)
    notes.push(`${row.hidden} session(s) in PostgreSQL have track_activities off, which hides their transactions. ${late}.`);
  if (row.held_for_s >= LONG_S && row.holder !== null) {
    const hours = (row.held_for_s / 3_600).toFixed(1);
    notes.push(
      `A transaction is open in PostgreSQL for ${hours} h (${row.holder}): until it ends, each run reads again what changed since then.`,
    );
  }
  return notes;
}
