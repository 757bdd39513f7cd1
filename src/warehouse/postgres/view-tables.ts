import { createHash } from 'node:crypto';
import type { PostgresConfig } from '../../config/project.ts';
import type { RowMark } from '../../core/change.ts';
import { ENTRY_STATES, type EntryState, isRefused, mustBeConfirmed } from '../../core/entry.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { KnownRow } from '../../core/row.ts';
import type { StoredViewState, TableEntry, ViewCounts, ViewPlace, ViewTables, ViewWrite } from '../../core/view-tables.ts';
import { VIEW_LAYOUT } from '../view-names.ts';
import { connect, type PostgresConnection, SESSION_SETTINGS } from './connection.ts';
import { type BinaryField, copyIn, int2, int8 } from './copy-in.ts';
import { postgresError } from './errors.ts';
import { each, nullable, queryPacked, takeNullable } from './packed-query.ts';
import { VERDICTS, verdictOf } from './verdicts.ts';
import { grantTexts, type QualifiedNames, qualifiedNames, schemaText, tableTexts } from './view-ddl.ts';

/** States, as SQL's list of their codes. */
const codesOf = (isMeant: (state: EntryState) => boolean) =>
  `(${ENTRY_STATES.flatMap((state, code) => (isMeant(state) ? [code] : [])).join(', ')})`;
const CONFIRMABLE = codesOf(mustBeConfirmed);
const REFUSED = codesOf(isRefused);
const PAGE = 10_000;
const HASH_BYTES = 16;

interface StateRow {
  readonly layout: number;
  readonly topic: string;
  readonly position: string;
  readonly entries: string;
  readonly confirmable: string;
  readonly quarantined: string;
  readonly rows: string;
  readonly stamp: string;
  readonly state: string;
  readonly files: string;
  readonly digest: string;
}

/** A view's tables in PostgreSQL: one connection, opened when it is first needed; after an error, anew. */
export class PostgresViewTables implements ViewTables {
  readonly #config: PostgresConfig;
  readonly #place: ViewPlace;
  readonly #names: QualifiedNames;
  readonly #onOpen: (connection: PostgresConnection) => void;
  #connection: PostgresConnection | undefined;
  #user = '';
  #serverAddress: string;
  /** One statement or transaction at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(config: PostgresConfig, place: ViewPlace, onOpen: (connection: PostgresConnection) => void) {
    this.#config = config;
    this.#place = place;
    this.#names = qualifiedNames(place);
    this.#onOpen = onOpen;
    this.#serverAddress = config.name;
  }

  get address(): string {
    return `schema ${this.#place.schema} of PostgreSQL at ${this.#serverAddress}`;
  }

  async prepare(): Promise<void> {
    await this.#use(async ({ client }) => {
      const { views, entries, rows } = this.#names;
      const found = await this.#presence(client);
      if (found.views) {
        const stored = await this.#stateRow(client);
        if (stored !== undefined && stored.layout > VIEW_LAYOUT) throw this.#later(stored.layout);
        if (found.entries && found.rows && (stored === undefined || stored.layout === VIEW_LAYOUT)) return;
      }
      try {
        await client.query('begin');
        // Two mappings that start at once would both create the schema.
        await client.query(`select pg_advisory_xact_lock(hashtext('headrace ' || $1))`, [this.#place.schema]);
        if (!found.views) for (const text of schemaText(this.#names)) await client.query(text);
        const stored = await this.#stateRow(client);
        if (stored !== undefined && stored.layout < VIEW_LAYOUT) {
          await client.query(`drop table if exists ${entries}, ${rows}`);
          await client.query(`delete from ${views} where project = $1 and mapping = $2`, this.#key);
        }
        for (const text of tableTexts(this.#place)) await client.query(text);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback').catch(() => undefined);
        if ((error as { code?: unknown }).code !== '42501') throw error;
        throw this.#denied(error);
      }
    });
  }

  async check(): Promise<void> {
    await this.readState();
    const { views, entries, rows } = this.#names;
    const { rows: found } = await this.#query<{ missing: string | null }>(
      `
with present as (select to_regclass($1) as views, to_regclass($2) as entries, to_regclass($3) as rows, to_regnamespace($4) as schema)
select case
  when not has_database_privilege(current_database(), 'TEMPORARY') then 'temporary on the database'
  when views is null and schema is null and not has_database_privilege(current_database(), 'CREATE') then 'create on the database'
  when (views is null or entries is null or rows is null) and schema is not null and not has_schema_privilege(schema, 'CREATE') then 'create on the schema'
  when schema is not null and not has_schema_privilege(schema, 'USAGE') then 'usage on the schema'
  when views is not null and not (has_table_privilege(views, 'SELECT') and has_table_privilege(views, 'INSERT') and has_table_privilege(views, 'UPDATE'))
    then 'select, insert and update on table views'
  when exists (
    select 1 from unnest(array[entries, rows]) as t, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as p
    where t is not null and not has_table_privilege(t, p)
  ) then 'select, insert, update, delete and truncate on the tables of the mapping'
end as missing from present`,
      [views, entries, rows, this.#names.schema],
    );
    const missing = found[0]?.missing;
    if (missing != null) throw this.#denied(new Error(`the right is missing: ${missing}`));
  }

  async readState(): Promise<StoredViewState | undefined> {
    return this.#use(async ({ client }) => {
      const found = await this.#presence(client);
      if (!found.views) return undefined;
      const row = await this.#stateRow(client);
      if (row === undefined) return undefined;
      if (row.layout > VIEW_LAYOUT) throw this.#later(row.layout);
      const hasTables = found.entries && found.rows && row.layout === VIEW_LAYOUT;
      const counts = countsOf(row);
      const isWhole = row.digest === digestOf(row);
      const isIntact = hasTables && isWhole && (row.files === found.files || (await this.#holds(client, counts)));
      return { stamp: row.stamp, topic: row.topic, offset: Number(row.position), counts, state: row.state, isIntact };
    });
  }

  async write(write: ViewWrite): Promise<ViewCounts | undefined> {
    return this.#use(async ({ client }) => {
      await client.query('begin');
      try {
        const counts = await this.#writeWithin(client, write);
        await client.query(counts === undefined ? 'rollback' : 'commit');
        return counts;
      } catch (error) {
        await client.query('rollback').catch(() => undefined);
        // Both found that nothing was there.
        if (write.expected === null && (error as { code?: unknown }).code === '23505') return undefined;
        throw error;
      }
    });
  }

  async findEntries(slots: readonly Uint8Array[]): Promise<readonly TableEntry[]> {
    return this.#entriesWhere(`join ${each(HASH_BYTES)} on given.item = e.slot`, Buffer.concat(slots));
  }

  async findByOrdinal(ordinals: readonly number[]): Promise<readonly TableEntry[]> {
    const text = Buffer.from(ordinals.join(','));
    return this.#entriesWhere(
      `join (select unnest(string_to_array(convert_from($1::bytea, 'UTF8'), ',')::bigint[]) as item) as given on given.item = e.ordinal`,
      text,
    );
  }

  async findRows(handles: readonly Uint8Array[]): Promise<readonly KnownRow[]> {
    const rest = `from ${this.#names.rows} join ${each(HASH_BYTES)} on given.item = handle`;
    const parameter = Buffer.concat(handles);
    return (await this.#use(({ client }) => queryPacked(client, PACKED_ROW, rest, parameter))).map(unpackRow);
  }

  async *confirmable(which: 'all' | 'without a row'): AsyncIterable<readonly Pick<TableEntry, 'slot' | 'ordinal'>[]> {
    const { entries, rows } = this.#names;
    const orphaned = which === 'all' ? '' : ` and not exists (select 1 from ${rows} r where r.ordinal = e.ordinal and r.verdict <> 1)`;
    for await (const page of this.#pages<{ slot: Buffer; ordinal: string }>(
      (after) =>
        `select slot, ordinal from ${entries} e where slot > ${after} and state in ${CONFIRMABLE}${orphaned} order by slot limit ${PAGE}`,
    ))
      yield page.map(({ slot, ordinal }) => ({ slot, ordinal: Number(ordinal) }));
  }

  async *entries(): AsyncIterable<readonly TableEntry[]> {
    for await (const page of this.#pages<{ slot: Buffer; ordinal: string; bytes: Buffer }>(
      (after) => `select slot, ordinal, bytes from ${this.#names.entries} where slot > ${after} order by slot limit ${PAGE}`,
    ))
      yield page.map(({ slot, ordinal, bytes }) => ({ slot, ordinal: Number(ordinal), bytes, row: null }));
  }

  async analyze(): Promise<void> {
    // What is not ours to analyze is skipped with a warning.
    await this.#query(`analyze ${this.#names.entries}, ${this.#names.rows}`);
  }

  async close(): Promise<void> {
    await this.#queue.catch(() => undefined);
    await this.#connection?.end();
    this.#connection = undefined;
  }

  get #key(): string[] {
    return [this.#place.project, this.#place.mapping];
  }

  async #writeWithin(client: Client, write: ViewWrite): Promise<ViewCounts | undefined> {
    const { views, entries, rows } = this.#names;
    const before = await this.#stateRow(client, ' for update');
    // Promise 2: compare and set. The tables belong to whoever wrote to them last.
    if ((before?.stamp ?? null) !== write.expected) return undefined;
    if (write.clear) await client.query(`truncate ${entries}, ${rows}`);
    const was = before === undefined || write.clear ? { entries: 0, confirmable: 0, quarantined: 0, rows: 0 } : countsOf(before);
    const counts = await this.#merge(client, write, was);
    const { files } = await this.#presence(client);
    const row: Omit<StateRow, 'digest'> = {
      layout: VIEW_LAYOUT,
      topic: this.#place.topic,
      position: String(write.offset),
      entries: String(counts.entries),
      confirmable: String(counts.confirmable),
      quarantined: String(counts.quarantined),
      rows: String(counts.rows),
      stamp: write.stamp,
      state: write.state,
      files,
    };
    const columns = [...Object.entries(row), ['digest', digestOf(row)] as const];
    const values = columns.map(([, value]) => value);
    if (before === undefined) {
      const names = columns.map(([name]) => name).join(', ');
      const places = columns.map((_, i) => `$${i + 3}`).join(', ');
      await client.query(`insert into ${views} (project, mapping, written_at, ${names}) values ($1, $2, now(), ${places})`, [
        ...this.#key,
        ...values,
      ]);
    } else {
      const sets = columns.map(([name], i) => `${name} = $${i + 3}`).join(', ');
      await client.query(`update ${views} set written_at = now(), ${sets} where project = $1 and mapping = $2`, [...this.#key, ...values]);
    }
    return counts;
  }

  async #merge(client: Client, write: ViewWrite, was: ViewCounts): Promise<ViewCounts> {
    const entries = await this.#mergeEntries(client, write);
    const rows = await this.#mergeRows(client, write);
    return {
      entries: was.entries + entries.entries,
      confirmable: was.confirmable + entries.confirmable,
      quarantined: was.quarantined + entries.quarantined,
      rows: was.rows + rows,
    };
  }

  async #mergeEntries(client: Client, { entries: updates, relinks }: ViewWrite): Promise<Omit<ViewCounts, 'rows'>> {
    const { entries } = this.#names;
    let change = { entries: 0, confirmable: 0, quarantined: 0 };
    if (updates.length > 0) {
      await client.query(
        'create temporary table headrace_entries (slot bytea, ordinal bigint, new_ordinal bigint, state smallint, row_hash bytea, bytes bytea) on commit drop',
      );
      await copyIn(client, 'headrace_entries', updates, (update) => [
        update.slot,
        int8(update.ordinal),
        int8(update.newOrdinal),
        int2(ENTRY_STATES.indexOf(update.state)),
        update.rowHash,
        update.bytes,
      ]);
      await client.query('analyze headrace_entries');
      const { rows } = await client.query<{ entries: number; confirmable: number; quarantined: number }>(`
with before as (
  select count(*)::int as entries, count(*) filter (where e.state in ${CONFIRMABLE})::int as confirmable, count(*) filter (where e.state in ${REFUSED})::int as quarantined
  from headrace_entries s join ${entries} e on e.slot = s.slot
), after as (
  select count(*)::int as entries, count(*) filter (where state in ${CONFIRMABLE})::int as confirmable, count(*) filter (where state in ${REFUSED})::int as quarantined
  from headrace_entries where bytes is not null
)
select a.entries - b.entries as entries, a.confirmable - b.confirmable as confirmable, a.quarantined - b.quarantined as quarantined from before b, after a`);
      change = rows[0] ?? change;
      await client.query(`delete from ${entries} e using headrace_entries s where e.slot = s.slot and s.bytes is null`);
      await client.query(`
insert into ${entries} (slot, ordinal, state, row_hash, bytes)
select s.slot, coalesce(s.ordinal, case when e.row_hash = s.row_hash then e.ordinal end, s.new_ordinal), s.state, s.row_hash, s.bytes
from headrace_entries s left join ${entries} e on e.slot = s.slot
where s.bytes is not null
on conflict (slot) do update set ordinal = excluded.ordinal, state = excluded.state, row_hash = excluded.row_hash, bytes = excluded.bytes`);
    }
    if (relinks.length > 0)
      await client.query(
        `update ${entries} e set ordinal = s.ordinal from unnest($1::bytea[], $2::bigint[]) as s(slot, ordinal) where e.slot = s.slot`,
        [relinks.map(({ slot }) => Buffer.from(slot)), relinks.map(({ ordinal }) => ordinal)],
      );
    return change;
  }

  async #mergeRows(client: Client, { rows: marks, forget }: ViewWrite): Promise<number> {
    const { rows } = this.#names;
    let change = 0;
    for (let at = 0; at < forget.length; at += PAGE) {
      const handles = forget.slice(at, at + PAGE).map((handle) => Buffer.from(handle));
      change -= (await client.query(`delete from ${rows} where handle = any($1::bytea[])`, [handles])).rowCount ?? 0;
    }
    if (marks.length === 0) return change;
    await client.query(
      'create temporary table headrace_rows (handle bytea, ordinal bigint, verdict smallint, raw bytea, slot bytea) on commit drop',
    );
    await copyIn(client, 'headrace_rows', marks, markFields);
    const { rows: inserted } = await client.query<{ added: number }>(`
with merged as (
  insert into ${rows} as r (handle, ordinal, verdict, raw, slot) select handle, ordinal, verdict, raw, slot from headrace_rows
  on conflict (handle) do update set ordinal = excluded.ordinal, verdict = excluded.verdict, raw = excluded.raw, slot = excluded.slot
  returning (r.xmax = 0) as is_new
)
select count(*) filter (where is_new)::int as added from merged`);
    return change + (inserted[0]?.added ?? 0);
  }

  async #presence(client: Client): Promise<{ views: boolean; entries: boolean; rows: boolean; files: string }> {
    const { views, entries, rows } = this.#names;
    const { rows: found } = await client.query<{ views: boolean; entries: string | null; rows: string | null }>(
      'select to_regclass($1) is not null as views, pg_relation_filenode(to_regclass($2))::text as entries, pg_relation_filenode(to_regclass($3))::text as rows',
      [views, entries, rows],
    );
    const [row] = found;
    return { views: row?.views === true, entries: row?.entries != null, rows: row?.rows != null, files: `${row?.entries}/${row?.rows}` };
  }

  /** The files of the tables are others (restored, truncated, rewritten): whether they hold what the state says. */
  async #holds(client: Client, counts: ViewCounts): Promise<boolean> {
    const { entries, rows } = this.#names;
    const { rows: found } = await client.query<Record<keyof ViewCounts, string>>(`
select count(*) as entries, count(*) filter (where state in ${CONFIRMABLE}) as confirmable, count(*) filter (where state in ${REFUSED}) as quarantined,
  (select count(*) from ${rows}) as rows
from ${entries}`);
    const [row] = found;
    return row !== undefined && (Object.keys(counts) as (keyof ViewCounts)[]).every((name) => Number(row[name]) === counts[name]);
  }

  async #stateRow(client: Client, lock = ''): Promise<StateRow | undefined> {
    const { rows } = await client.query<StateRow>(
      `select layout, topic, position, entries, confirmable, quarantined, rows, stamp, state, files, digest from ${this.#names.views} where project = $1 and mapping = $2${lock}`,
      this.#key,
    );
    return rows[0];
  }

  async #entriesWhere(join: string, parameter: Buffer): Promise<readonly TableEntry[]> {
    const { entries, rows } = this.#names;
    const rest = `from ${entries} e ${join} left join ${rows} r on r.ordinal = e.ordinal`;
    return (await this.#use(({ client }) => queryPacked(client, PACKED_ENTRY, rest, parameter))).map(unpackEntry);
  }

  async *#pages<R extends { slot: Buffer }>(text: (after: string) => string): AsyncIterable<readonly R[]> {
    let after = Buffer.alloc(0);
    for (;;) {
      const { rows } = await this.#query<R>(text('$1'), [after]);
      if (rows.length > 0) yield rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      after = Buffer.from(last.slot);
    }
  }

  async #query<R extends object>(text: string, values: unknown[] = []): Promise<{ rows: R[] }> {
    return this.#use(({ client }) => client.query<R>(text, values));
  }

  #use<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const result = this.#queue.then(
      () => this.#with(work),
      () => this.#with(work),
    );
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #with<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const connection = this.#connection ?? (await this.#open());
    const { statementTimeoutMs, connectTimeoutMs } = this.#config;
    const silent = setTimeout(() => connection.destroy(), statementTimeoutMs + connectTimeoutMs);
    try {
      return await work(connection);
    } catch (error) {
      connection.destroy();
      this.#connection = undefined;
      if (error instanceof HeadraceError) throw error;
      throw this.#viewError(error, connection);
    } finally {
      clearTimeout(silent);
    }
  }

  async #open(): Promise<PostgresConnection> {
    const connection = await connect(this.#config);
    this.#onOpen(connection);
    connection.client.once('end', () => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#user = connection.context.user;
    this.#serverAddress = connection.context.address;
    // A view may lose its last writes without harm: what is lost is read from the topic again.
    const settings = [
      ...SESSION_SETTINGS,
      ['statement_timeout', String(Math.ceil(this.#config.statementTimeoutMs))],
      ['synchronous_commit', 'off'],
    ];
    try {
      await connection.client.query(settings.map(([name, value]) => `set ${name} = '${value}'`).join('; '));
    } catch (error) {
      connection.destroy();
      throw postgresError(error, connection.context);
    }
    this.#connection = connection;
    return connection;
  }

  #viewError(error: unknown, { context }: PostgresConnection): HeadraceError {
    const code = (error as { code?: unknown }).code;
    if (code === '42P01' || code === '3F000') return droppedTables(this.address, error);
    if (code === '42501') return this.#denied(error);
    return postgresError(error, context);
  }

  #denied(cause: unknown): HeadraceError {
    const { message } = cause as Error;
    return new HeadraceError(
      'WAREHOUSE_DENIED',
      `The view in ${this.address} cannot be created or written to as ${this.#user}: ${message}.`,
      {
        suggestion: `Run what \`headrace state ddl\` prints as somebody who may create the schema; or grant: ${grantTexts([this.#place], this.#user).join('; ')}; grant temporary on the database. Or set \`snapshot.view: local\`.`,
        cause: new Error(message),
      },
    );
  }

  #later(layout: number): HeadraceError {
    return new HeadraceError(
      'CONFIG_INVALID',
      `The view in ${this.address} has layout ${layout}, and this version of Headrace knows layouts up to ${VIEW_LAYOUT}.`,
      { suggestion: 'Run the version that made it, or another `snapshot.schema`. Nothing was changed.' },
    );
  }
}

export function droppedTables(address: string, cause: unknown): HeadraceError {
  return new HeadraceError('QUERY_INVALID', `The tables of the view in ${address} were dropped or renamed while they were in use.`, {
    suggestion: 'Nothing is lost: run again, and they are made anew from the snapshot topic.',
    cause: new Error((cause as Error).message),
  });
}

type Client = PostgresConnection['client'];

const PACKED_ENTRY = 'e.slot || int8send(e.ordinal) || int2send(coalesce(r.verdict, -1::smallint)) || e.bytes';
const PACKED_ROW = `handle || int8send(ordinal) || int2send(verdict) || ${nullable('raw')} || ${nullable('slot')}`;

function unpackEntry(packed: Buffer): TableEntry {
  const verdict = packed.readInt16BE(24);
  return {
    slot: packed.subarray(0, HASH_BYTES),
    ordinal: Number(packed.readBigInt64BE(HASH_BYTES)),
    row: verdict < 0 ? null : verdictOf(verdict),
    bytes: packed.subarray(26),
  };
}

function unpackRow(packed: Buffer): KnownRow {
  const raw = takeNullable(packed, 26, HASH_BYTES);
  return {
    handle: packed.subarray(0, HASH_BYTES),
    ordinal: Number(packed.readBigInt64BE(HASH_BYTES)),
    verdict: verdictOf(packed.readInt16BE(24)),
    raw: raw.value,
    slot: takeNullable(packed, raw.next, HASH_BYTES).value,
  };
}

function markFields({ handle, ordinal, verdict, raw, slot }: RowMark): readonly BinaryField[] {
  if (handle === undefined) throw new Error('a row of a view in the warehouse has a handle');
  return [handle, int8(ordinal), int2(VERDICTS.indexOf(verdict)), raw, slot];
}

function countsOf(row: Pick<StateRow, keyof ViewCounts>): ViewCounts {
  return {
    entries: Number(row.entries),
    confirmable: Number(row.confirmable),
    quarantined: Number(row.quarantined),
    rows: Number(row.rows),
  };
}

/** Whoever changes a part of the state by hand does not change this. */
function digestOf(row: Omit<StateRow, 'digest'>): string {
  const parts = [
    row.layout,
    row.topic,
    row.position,
    row.entries,
    row.confirmable,
    row.quarantined,
    row.rows,
    row.stamp,
    row.state,
    row.files,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
