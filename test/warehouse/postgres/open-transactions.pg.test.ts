import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { PostgresWarehouse } from '../../../src/warehouse/postgres/warehouse.ts';
import type { ScanRequest } from '../../../src/warehouse/warehouse.ts';
import { startPostgres } from '../../systems/postgres.ts';
import { createDatabase, postgresConfig, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
const clients: pg.Client[] = [];
const warehouses: PostgresWarehouse[] = [];
const ROLE = `reader_${process.pid}`;

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  await database.execute('create table rows (id int primary key, at timestamptz, local timestamp, day date, number bigint)');
  await database.execute(`create role ${ROLE} login password 'word'; grant select on rows to ${ROLE}`);
});
afterAll(async () => {
  for (const client of clients) await client.end();
  for (const warehouse of warehouses) await warehouse.close();
  await database.execute(`drop owned by ${ROLE}; drop role ${ROLE}`);
  await database.drop();
});

async function connect(applicationName = 'writer'): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url, application_name: applicationName });
  await client.connect();
  clients.push(client);
  return client;
}

function warehouse(url = database.url): PostgresWarehouse {
  const made = new PostgresWarehouse(postgresConfig(url));
  warehouses.push(made);
  return made;
}

function asReader(): PostgresWarehouse {
  return warehouse(Object.assign(new URL(database.url), { username: ROLE, password: 'word' }).toString());
}

const request = (column: string): ScanRequest => ({
  relation: { table: 'rows' },
  columns: ['id'],
  keyLength: 1,
  cursor: { column, nulls: true, from: undefined },
});

async function look(of: PostgresWarehouse, column = 'at') {
  const scan = await of.openScan(request(column), new AbortController().signal);
  await scan.close();
  return { now: scan.now, notes: scan.notes ?? [] };
}

/** Begins, and says since when, as a time of the server. */
async function begin(client: pg.Client, how = 'begin'): Promise<{ at: string; local: string; day: string }> {
  await client.query(`${how}; set local timezone = 'UTC'`);
  const { rows } = await client.query('select now()::text as at, now()::timestamp::text as local, now()::date::text as day');
  return rows[0];
}

describe('the bound of a time cursor', () => {
  test('is the start of the oldest open transaction, even if it has not written yet; afterwards the clock again', async () => {
    const writer = await connect();
    const since = await begin(writer);
    const younger = await connect();
    await begin(younger);
    expect(await look(warehouse())).toEqual({ now: since.at, notes: [] });
    expect((await look(warehouse(), 'local')).now).toBe(since.local);
    expect((await look(warehouse(), 'day')).now).toBe(since.day);
    expect((await look(warehouse(), 'number')).now).toBeNull();
    await writer.query('insert into rows (id, at) values (1, now())');
    expect((await look(warehouse())).now).toBe(since.at);
    await writer.query('commit');
    await younger.query('rollback');
    expect((await look(warehouse())).now).not.toBe(since.at);
  });

  test('for a timestamp without a zone it is in the zone that sessions have here, where that lies behind UTC', async () => {
    const writer = await connect();
    const since = await begin(writer);
    await database.execute(
      `do $$ begin execute format('alter database %I set timezone = ''America/New_York''', current_database()); end $$`,
    );
    const { now } = await look(warehouse(), 'local');
    const hours = (Date.parse(`${since.local}Z`) - Date.parse(`${now}Z`)) / 3_600_000;
    expect([4, 5]).toContain(hours);
    expect((await look(warehouse(), 'at')).now).toBe(since.at);
    await database.execute(`do $$ begin execute format('alter database %I reset timezone', current_database()); end $$`);
    await writer.query('rollback');
  });

  test('a prepared transaction counts from its PREPARE', async () => {
    const server = await startPostgres({ settings: { max_prepared_transactions: '5' } });
    const client = new pg.Client({ connectionString: server.url });
    try {
      await client.connect();
      await client.query('create table rows (id int primary key, at timestamptz)');
      await client.query(`begin; insert into rows values (1, now()); prepare transaction 'two-phase'`);
      const { rows } = await client.query(`select (prepared at time zone 'UTC')::text || '+00' as at from pg_prepared_xacts`);
      expect((await look(warehouse(server.url))).now).toBe(rows[0].at);
    } finally {
      await client.end();
      await server.stop();
    }
  });

  test('is not held back by scans of Headrace itself, nor by other databases', async () => {
    const scan = await connect('headrace');
    const since = await begin(scan, 'begin transaction read only');
    const elsewhere = new pg.Client({ connectionString: inject('postgresUrl') });
    await elsewhere.connect();
    clients.push(elsewhere);
    await begin(elsewhere);
    expect((await look(warehouse())).now?.localeCompare(since.at)).toBeGreaterThan(0);
    await scan.query('rollback');
    await elsewhere.query('rollback');
  });

  test('a session that writes counts whatever it calls itself', async () => {
    const writer = await connect('headrace');
    const since = await begin(writer);
    await writer.query('insert into rows (id, at) values (2, now())');
    expect((await look(warehouse())).now).toBe(since.at);
    await writer.query('rollback');
  });
});

describe('what cannot be known is said', () => {
  test('a role without pg_monitor sees no transaction of others: the clock holds, with a note that names the grant', async () => {
    const writer = await connect();
    const since = await begin(writer);
    const blind = await look(asReader());
    expect(blind.now?.localeCompare(since.at)).toBeGreaterThan(0);
    expect(blind.notes).toEqual([expect.stringContaining(`grant pg_monitor to "${ROLE}"`)]);
    expect((await asReader().ping()).notes).toEqual(blind.notes);
    // A cursor that is no time has no such bound, and needs no grant.
    expect((await look(asReader(), 'number')).notes).toEqual([]);

    await database.execute(`grant pg_monitor to ${ROLE}`);
    expect(await look(asReader())).toEqual({ now: since.at, notes: [] });
    expect((await asReader().ping()).notes).toEqual([]);
    await writer.query('rollback');
  });

  test('a session that hides its activity', async () => {
    const writer = await connect();
    await writer.query('set track_activities = off');
    expect((await look(warehouse())).notes).toEqual([expect.stringContaining('1 session(s) in PostgreSQL have track_activities off')]);
    await writer.end();
    clients.splice(clients.indexOf(writer), 1);
  });
});
