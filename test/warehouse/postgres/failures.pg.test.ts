import { connect, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { PostgresConfig } from '../../../src/config/project.ts';
import { PostgresWarehouse } from '../../../src/warehouse/postgres/warehouse.ts';
import { readAll } from '../../conformance/warehouse-read.ts';
import { freePort } from '../../systems/free-port.ts';
import { createDatabase, postgresConfig, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
let warehouse: PostgresWarehouse;
const PASSWORD = 'very-secret-word';

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  warehouse = new PostgresWarehouse(database.config);
  await database.execute(`create table big as select i, repeat('x', 100) as t from generate_series(1, 300000) i`);
});
afterAll(async () => {
  await warehouse.close();
  await database.drop();
});

function changed(change: (url: URL) => void, more: Partial<PostgresConfig> = {}): PostgresWarehouse {
  const url = new URL(database.url);
  change(url);
  return new PostgresWarehouse({ ...postgresConfig(url.toString()), ...more });
}

async function failure(of: PostgresWarehouse): Promise<Error> {
  const error = await of.ping().then(
    () => new Error('no error'),
    (e: Error) => e,
  );
  const shown = JSON.stringify([error.message, String(error.cause), error.stack, (error as { suggestion?: string }).suggestion]);
  expect(shown).not.toContain(PASSWORD);
  expect(shown).not.toContain(new URL(database.url).password);
  return error;
}

const signal = (): AbortSignal => new AbortController().signal;
const BIG = { relation: { table: 'big' }, columns: ['i', 't'], keyLength: 1 };

describe('a PostgreSQL that cannot be reached', () => {
  it('a wrong password', async () => {
    const error = await failure(changed((url) => Object.assign(url, { password: PASSWORD })));
    expect(error).toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', message: expect.stringMatching(/127\.0\.0\.1:\d+ refuses the login/) });
  });

  it('a missing database', async () => {
    expect(await failure(changed((url) => Object.assign(url, { pathname: '/nowhere' })))).toMatchObject({
      code: 'WAREHOUSE_UNREACHABLE',
      suggestion: expect.stringContaining('nowhere'),
    });
  });

  it('a port where nobody listens', async () => {
    const port = await freePort();
    const error = await failure(changed((url) => Object.assign(url, { port: String(port), password: PASSWORD })));
    expect(error).toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', message: expect.stringContaining(`127.0.0.1:${port}`) });
  });

  it('a host that does not exist', async () => {
    expect(await failure(changed((url) => Object.assign(url, { hostname: 'no-such-host.invalid' })))).toMatchObject({
      code: 'WAREHOUSE_UNREACHABLE',
      message: expect.stringContaining('no-such-host.invalid'),
    });
  });

  it('a host that accepts and says nothing, within connectTimeoutMs', async () => {
    const sockets: Socket[] = [];
    const server: Server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const started = Date.now();
    const error = await failure(changed((url) => Object.assign(url, { port: String(port) }), { connectTimeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', message: expect.stringContaining('connectTimeoutMs') });
    expect(Date.now() - started).toBeLessThan(8_000);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('a url that is none', async () => {
    const broken = new PostgresWarehouse(postgresConfig(`postgres://user:${PASSWORD}@host:not-a-port/db`));
    expect(await failure(broken)).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('a server without TLS, where TLS is configured', async () => {
    expect(await failure(changed(() => undefined, { tls: { rejectUnauthorized: true } }))).toMatchObject({
      code: 'WAREHOUSE_UNREACHABLE',
      message: expect.stringContaining('SSL'),
    });
  });
});

describe('a missing grant', () => {
  it('is WAREHOUSE_DENIED, with the statement that gives it', async () => {
    await database.execute(`create role "test-reader" login password '${PASSWORD}'; create schema marts; create table marts.t (i integer)`);
    const reader = changed((url) => Object.assign(url, { username: 'test-reader', password: PASSWORD }));
    const read = (relation: { table: string }) => readAll(reader, { relation, columns: ['i'], keyLength: 1 });
    await expect(read({ table: 'big' })).rejects.toMatchObject({
      code: 'WAREHOUSE_DENIED',
      suggestion: expect.stringContaining('grant select on big to "test-reader"'),
    });
    await expect(read({ table: 'marts.t' })).rejects.toMatchObject({
      code: 'WAREHOUSE_DENIED',
      suggestion: expect.stringContaining('grant usage on schema marts to "test-reader"'),
    });
    await database.execute('drop owned by "test-reader"; drop role "test-reader"');
  });
});

describe('in the middle of a scan', () => {
  it('rows that are inserted, changed or deleted meanwhile are not seen', async () => {
    await database.execute('create table live as select i, 0 as v from generate_series(1, 100000) i');
    const scan = await warehouse.openScan({ relation: { table: 'live' }, columns: ['i', 'v'], keyLength: 1 }, signal());
    await database.execute(
      'insert into live select i, 1 from generate_series(100001, 200000) i; update live set v = 2 where i % 2 = 0; delete from live where i % 3 = 0',
    );
    let count = 0;
    for await (const batch of scan.batches()) {
      for (let row = 0; row < batch.count; row++) expect(batch.values(row)[1]).toBe('0');
      count += batch.count;
    }
    await scan.close();
    expect(count).toBe(100_000);
  });

  it('a column that is dropped after the scan was opened waits for it', async () => {
    await database.execute('create table retyped as select i, i as v from generate_series(1, 10) i');
    const scan = await warehouse.openScan({ relation: { table: 'retyped' }, columns: ['i', 'v'], keyLength: 1 }, signal());
    const altering = database.execute('alter table retyped drop column v');
    let count = 0;
    for await (const batch of scan.batches()) count += batch.count;
    await scan.close();
    await altering;
    expect(count).toBe(10);
  });

  it('a connection that the server ends throws, and never ends normally', async () => {
    const scan = await warehouse.openScan(BIG, signal());
    let count = 0;
    const reading = (async () => {
      for await (const batch of scan.batches()) {
        if (count === 0) {
          const killed = await database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'headrace' and datname = current_database()",
          );
          expect(killed.length).toBe(1);
        }
        count += batch.count;
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'WAREHOUSE_UNREACHABLE' });
    await scan.close();
    expect(count).toBeLessThan(300_000);
  });

  it('a query that somebody cancels throws', async () => {
    const scan = await warehouse.openScan(
      { relation: { sql: 'select i from generate_series(1, 5) i, pg_sleep(20)' }, columns: ['i'], keyLength: 1 },
      signal(),
    );
    setTimeout(
      () =>
        void database.execute(
          "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'headrace' and datname = current_database()",
        ),
      300,
    );
    await expect(scan.batches()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'WAREHOUSE_FAILED' });
    await scan.close();
  });

  it('a row that fails after many good ones throws', async () => {
    const sql = 'select i, 1 / (200000 - i) as t from generate_series(1, 300000) i';
    await expect(readAll(warehouse, { relation: { sql }, columns: ['i', 't'], keyLength: 1 })).rejects.toMatchObject({
      code: 'WAREHOUSE_FAILED',
    });
  });

  it('a network that swallows everything ends the scan a few seconds after the statement timeout', async () => {
    const { port: serverPort } = new URL(database.url);
    const sockets: Socket[] = [];
    let frozen = false;
    const proxy = createServer((near) => {
      const far = connect(Number(serverPort), '127.0.0.1');
      sockets.push(near, far);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (data) => frozen || to.write(data)).on('error', () => undefined);
      }
    });
    const port = await freePort();
    await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve));
    const through = changed((url) => Object.assign(url, { port: String(port) }), { statementTimeoutMs: 1_000 });
    const scan = await through.openScan(BIG, signal());
    const started = Date.now();
    const reading = (async () => {
      for await (const _ of scan.batches()) frozen = true;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'WAREHOUSE_UNREACHABLE' });
    expect(Date.now() - started).toBeLessThan(40_000);
    await scan.close();
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });

  it('an abort ends the query on the server, too', async () => {
    const controller = new AbortController();
    const scan = await warehouse.openScan(
      { relation: { sql: 'select 1 as i from pg_sleep(60)' }, columns: ['i'], keyLength: 1 },
      controller.signal,
    );
    setTimeout(() => controller.abort(), 200);
    await expect(scan.batches()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await scan.close();
    await expect
      .poll(
        () => database.execute("select pid from pg_stat_activity where application_name = 'headrace' and datname = current_database()"),
        { timeout: 3_000 },
      )
      .toEqual([]);
  });

  it('leaves no connection behind', async () => {
    await readAll(warehouse, { ...BIG, relation: { sql: 'select 1 as i, 2 as t' } });
    await warehouse.describe({ table: 'big' });
    await expect
      .poll(
        () => database.execute("select pid from pg_stat_activity where application_name = 'headrace' and datname = current_database()"),
        { timeout: 3_000 },
      )
      .toEqual([]);
  });
});

describe('keys', () => {
  it('of equal numbers are equal, whatever their scale or sign of zero', async () => {
    const sql = `select * from (values (1.10, '-0'::double precision), (1.1, '0'), (1.100, '0')) as v(n, f)`;
    const rows = await readAll(warehouse, { relation: { sql }, columns: ['n', 'f'], keyLength: 2 });
    expect(new Set(rows.map((row) => row.key)).size).toBe(1);
  });
});

describe('a database in SQL_ASCII', () => {
  it('yields valid UTF-8, or an error, never a replaced character', async () => {
    const ascii = await createDatabase(inject('postgresUrl'), "encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'");
    const of = new PostgresWarehouse(ascii.config);
    const read = (hex: string) =>
      readAll(of, { relation: { sql: `select 1 as i, convert_from('\\x${hex}', 'SQL_ASCII') as t` }, columns: ['i', 't'], keyLength: 1 });
    expect((await read('c3a9'))[0]?.values).toEqual(['1', 'é']);
    await expect(read('e9')).rejects.toMatchObject({ code: 'WAREHOUSE_FAILED', message: expect.stringContaining('not valid UTF-8') });
    await ascii.drop();
  });
});

it('loads pg only when it connects', async () => {
  expect(typeof pg.Client).toBe('function');
  const { execFileSync } = await import('node:child_process');
  const script = `await import('./src/warehouse/postgres/warehouse.ts'); const m = (await import('node:module')).default; console.log(Object.keys(m._cache).filter((f) => /node_modules\\/(pg|pg-copy-streams)\\//.test(f)).length);`;
  expect(execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' }).trim()).toBe('0');
});
