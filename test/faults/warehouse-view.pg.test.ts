import { describe, expect, test } from 'vitest';
import { composeSystem } from '../../src/compose.ts';
import { viewPlaceOf } from '../../src/ops/create-job.ts';
import type { SnapshotView } from '../../src/snapshot/view.ts';
import { viewNames } from '../../src/warehouse/view-names.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { ACCOUNTS, type Accounts, accountsOf, FLIP, TWIN } from './accounts.ts';

const FILES: WorldFiles = { ...ACCOUNTS.files, view: 'warehouse' };

async function withTables(
  act: (world: World, accounts: Accounts, tables: { readonly entries: string; readonly rows: string }) => Promise<void>,
  files: WorldFiles = FILES,
  table: string = ACCOUNTS.table,
): Promise<void> {
  const world = await World.create(table, files);
  try {
    await act(world, accountsOf(world), tablesOf(world, 'account'));
  } finally {
    await world.close();
  }
}

function tablesOf(world: World, mapping: string): { readonly entries: string; readonly rows: string } {
  const { schema, entries, rows } = viewNames(viewPlaceOf(world.project, world.mapping(mapping)));
  return { entries: `${schema}.${entries}`, rows: `${schema}.${rows}` };
}

type Tables = ReturnType<typeof tablesOf>;

const backup = ({ entries, rows }: Tables) =>
  `create schema backup; create table backup.entries as select * from ${entries}; create table backup.rows as select * from ${rows}; create table backup.views as select * from headrace.views;`;
const restore = ({ entries, rows }: Tables) =>
  `delete from ${entries}; insert into ${entries} select * from backup.entries; delete from ${rows}; insert into ${rows} select * from backup.rows; delete from headrace.views; insert into headrace.views select * from backup.views;`;

/** Two days of work, and the tables saved on the evening between them. */
async function twoDays(world: World, accounts: Accounts, tables: Tables): Promise<number> {
  await world.run('account');
  await accounts.touch(FLIP, 'number <= 10');
  await world.run('account');
  await world.sql(backup(tables));
  await world.sql(`delete from accounts where number between 20 and 29`);
  await accounts.touch(FLIP, 'number between 100 and 150');
  await world.run('account', { full: true, chunk: { changes: 20, bytes: 1e6 } });
  return 200 + 10 + 10 + 51;
}

describe.concurrent('whatever happens to the tables, no fact is published again and none is taken for new', () => {
  const DAMAGED = /was damaged, or is another mapping's; it is rebuilt/;
  test.each<[string, (tables: Tables) => string, RegExp | undefined]>([
    ['the schema is dropped', () => 'drop schema headrace cascade', undefined],
    ['both tables are dropped', ({ entries, rows }) => `drop table ${entries}, ${rows}`, DAMAGED],
    ['the rows are dropped', ({ rows }) => `drop table ${rows}`, DAMAGED],
    ['the entries are truncated', ({ entries }) => `truncate ${entries}`, DAMAGED],
    ['the rows are truncated', ({ rows }) => `truncate ${rows}`, DAMAGED],
    ['the rows are deleted, one by one', ({ rows }) => `delete from ${rows}`, undefined],
    ['the state is deleted', () => 'delete from headrace.views', undefined],
    ['they are those of yesterday', restore, undefined],
    [
      'the state alone is that of yesterday',
      () => 'delete from headrace.views; insert into headrace.views select * from backup.views',
      undefined,
    ],
    ['the offset is moved ahead', () => 'update headrace.views set position = position + 1', DAMAGED],
    ['the offset is moved back', () => 'update headrace.views set position = position - 40', DAMAGED],
    [
      'the tables are written anew',
      ({ entries, rows }) => `cluster ${entries} using "${entries.split('.')[1]}_pkey"; cluster ${rows} using "${rows.split('.')[1]}_pkey"`,
      undefined,
    ],
  ])('%s', async (_, damage, warning) => {
    await withTables(async (world, accounts, tables) => {
      const records = await twoDays(world, accounts, tables);
      await world.sql(damage(tables));
      await accounts.touch(FLIP, 'number = 7');
      expect(await world.run('account')).toMatchObject({ published: 1, scope: 'incremental' });
      if (warning === undefined) expect(world.warnings).toEqual([]);
      else expect(world.warnings.join('\n')).toMatch(warning);
      await world.sql(`delete from accounts where number = 8`);
      expect((await world.run('account', { full: true })).published).toBe(1);
      expect((await world.expectFacts('account', await accounts.expected())).records).toBe(records + 2);
    });
  });

  test('the tables of another mapping, under the name of this one', async () => {
    await withTables(
      async (world, accounts, tables) => {
        await world.run('twin');
        await world.run('account');
        const twin = tablesOf(world, 'twin');
        await world.sql(`delete from ${tables.entries}; insert into ${tables.entries} select * from ${twin.entries};
          delete from ${tables.rows}; insert into ${tables.rows} select * from ${twin.rows};
          delete from headrace.views where mapping = 'account'; update headrace.views set mapping = 'account' where mapping = 'twin'`);
        expect((await world.run('account', { full: true })).published).toBe(0);
        expect(world.warnings.join('\n')).toMatch(DAMAGED);
        await world.expectFacts('account', await accounts.expected());
      },
      { ...FILES, mappings: { ...FILES.mappings, twin: TWIN } },
    );
  });

  test('an entry that somebody deleted by hand is not published as version 1 again: the run stops, and a rebuild mends it', async () => {
    await withTables(async (world, accounts, tables) => {
      await world.run('account');
      await world.sql(`delete from ${tables.entries}`);
      await accounts.touch(FLIP, 'number = 7');
      await expect(world.run('account', { full: true })).rejects.toMatchObject({
        code: 'LOCAL_COPY_FAILED',
        suggestion: expect.stringContaining('headrace state rebuild'),
      });
      const { rebuildState } = await import('../../src/ops/state.ts');
      expect((await rebuildState(await world.job('account'), () => undefined)).entries).toBe(200);
      expect((await world.run('account', { full: true })).published).toBe(1);
      await world.expectFacts('account', await accounts.expected());
    });
  });
});

describe.concurrent('one line of headrace.yml', () => {
  test('from local to warehouse and back: nothing is published, and each goes on from the topic', async () => {
    await withTables(
      async (world, accounts) => {
        await world.run('account');
        const remote = await world.edited(FILES);
        expect((await remote.run('account', { full: true })).published).toBe(0);
        await accounts.touch(FLIP, 'number <= 20');
        await world.sql(`delete from accounts where number = 30`);
        expect((await remote.run('account', { full: true })).counts).toMatchObject({ updated: 20, deleted: 1, rows: 199 });
        expect((await remote.run('account', { full: true })).counts).toMatchObject({ rows: 199, unchanged: 199 });
        const local = await world.edited({ ...FILES, view: 'local' });
        expect((await local.run('account', { full: true })).published).toBe(0);
        await accounts.touch(FLIP, 'number = 40');
        expect((await local.run('account')).published).toBe(1);
        const again = await world.edited(FILES);
        expect((await again.run('account', { full: true })).published).toBe(0);
        expect((await world.expectFacts('account', await accounts.expected())).records).toBe(200 + 21 + 1);
      },
      { ...FILES, view: 'local' },
    );
  });

  test('the tables are shared: another machine goes on where this one ended, and reads only what differs', async () => {
    await withTables(async (world, accounts) => {
      await world.run('account');
      const other = await world.elsewhere();
      await accounts.touch(FLIP, 'number = 3');
      expect((await other.run('account', { full: true })).counts).toMatchObject({ rows: 200, updated: 1, unchanged: 199 });
      expect((await world.run('account', { full: true })).counts).toMatchObject({ rows: 200, unchanged: 200 });
      await world.expectFacts('account', await accounts.expected());
    });
  });
});

describe.concurrent('rows that stay in the warehouse are accounted for', () => {
  const stops = async (sql: string) =>
    withTables(async (world) => {
      await world.run('account');
      await world.sql(sql);
      const before = (await world.fold('account')).records;
      await expect(world.run('account', { full: true, showKeys: true })).rejects.toMatchObject({
        code: 'KEY_INVALID',
        message: expect.stringMatching(/a5/),
      });
      expect((await world.fold('account')).records).toBe(before);
    });

  test('a row that stands twice as it was', () => stops(`insert into accounts select * from accounts where id = 'a5'`));
  test('a row that stands twice, once as it was', () =>
    stops(
      `insert into accounts select * from accounts where id = 'a5'; update accounts set number = 0 where ctid = (select max(ctid) from accounts where id = 'a5')`,
    ));
  test('a row that stands twice beside one that is gone: the counts are as before', () =>
    stops(`insert into accounts select * from accounts where id = 'a5'; delete from accounts where id = 'a6'`));
  test('a row without a key', () =>
    withTables(async (world) => {
      await world.run('account');
      await world.sql(`insert into accounts (plan) values ('gold')`);
      await expect(world.run('account', { full: true })).rejects.toMatchObject({
        code: 'KEY_INVALID',
        message: expect.stringMatching(/1 row\(s\) have NULL/),
      });
    }));

  const IDENTITY =
    ACCOUNTS.files.mappings.account?.replace('key: [id]', 'key: [number]').replace('data_subject: id', 'data_subject: number') ?? '';
  test('a new row claims the fact of one that stayed: refused; of one that is gone: taken over', async () => {
    await withTables(
      async (world) => {
        await world.run('account');
        await world.sql(`insert into accounts values ('other', 'gold', 7, now())`);
        await expect(world.run('account', { full: true, showKeys: true })).rejects.toMatchObject({
          code: 'KEY_INVALID',
          message: expect.stringMatching(/other/),
        });
        await world.sql(`delete from accounts where id = 'a7'`);
        expect((await world.run('account', { full: true })).counts).toMatchObject({ updated: 1, deleted: 0, created: 0 });
        expect((await world.run('account', { full: true })).published).toBe(0);
      },
      { ...FILES, mappings: { account: IDENTITY } },
    );
  });

  test('a session that ends in the middle of a scan: no deletion, exit 3', async () => {
    await withTables(async (world, accounts) => {
      await world.run('account');
      await world.sql(`delete from accounts where number = 1`);
      await accounts.touch(FLIP, 'number = 2');
      const cut = async (step: string) => {
        if (step === 'while_mapping')
          await world.sql(
            `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'headrace' and datname = current_database()`,
          );
      };
      await expect(world.run('account', { full: true }, cut)).rejects.toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', exitCode: 3 });
      expect((await world.fold('account')).records).toBe(200);
      expect((await world.run('account', { full: true })).counts).toMatchObject({ deleted: 1, updated: 1 });
      await world.expectFacts('account', await accounts.expected());
    });
  });
});

describe.concurrent('two writers', () => {
  test('a zombie that applies late finds another stamp, and is thrown away', async () => {
    await withTables(async (world, accounts, tables) => {
      await world.run('account');
      const open = (): Promise<SnapshotView> =>
        world.system.openRemoteView('main', viewPlaceOf(world.project, world.mapping('account')), false);
      const zombie = await open();
      await accounts.touch(FLIP, 'number = 5');
      await world.run('account');
      const content = () =>
        world.sql(
          `select (select md5(string_agg(e::text, '' order by slot)) from ${tables.entries} e) as entries, (select v::text from headrace.views v) as state`,
        );
      const before = await content();
      zombie.apply({
        expected: zombie.state.offset,
        next: zombie.state.offset + 5,
        appliedAtMs: 1,
        entries: [{ slot: new Uint8Array(16), bytes: null }],
      });
      await expect(zombie.remote?.persist()).rejects.toMatchObject({ code: 'LOCAL_COPY_FAILED' });
      await zombie.close().catch(() => undefined);
      expect(await content()).toEqual(before);
      expect((await world.run('account', { full: true })).published).toBe(0);
    });
  });

  test('one that slips in between fencing and the first write is noticed, and recovery begins again', async () => {
    await withTables(async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number = 5');
      let isDone = false;
      const slip = async (step: string) => {
        if (step !== 'in_recovery' || isDone) return;
        isDone = true;
        await world.sql(`update headrace.views set stamp = 'of a zombie'`);
      };
      await world
        .run('account', {}, (step) => {
          if (step === 'after_commit') throw new Error('killed');
        })
        .catch(() => undefined);
      await world.run('account', { takeOver: true }, slip);
      await world.expectFacts('account', await accounts.expected());
    });
  });
});

describe.concurrent('rights and errors', () => {
  const asRole = async (world: World, name: string, grants: string): Promise<World> => {
    const role = `${world.project.name}_${name}`;
    await world.sql(`create role ${role} login password 'secret'; grant select on accounts to ${role}; ${grants.replaceAll('ROLE', role)}`);
    const url = Object.assign(new URL(world.databaseUrl), { username: role, password: 'secret' }).toString();
    return await world.as(url);
  };

  test('no right to create the schema: exit 3, and the statements that state ddl prints are enough', async () => {
    await withTables(async (world, accounts) => {
      const limited = await asRole(world, 'run', '');
      await expect(limited.run('account')).rejects.toMatchObject({
        code: 'WAREHOUSE_DENIED',
        exitCode: 3,
        suggestion: expect.stringContaining('headrace state ddl'),
      });
      const { stateDdl } = await import('../../src/ops/state-ddl.ts');
      await using system = composeSystem(limited.project);
      const [{ sql } = { sql: '' }] = await stateDdl(system, limited.project, [limited.mapping('account')], `${world.project.name}_run`);
      await world.sql(sql);
      await limited.run('account');
      await accounts.touch(FLIP, 'number = 5');
      expect((await limited.run('account', { full: true })).published).toBe(1);
      await world.expectFacts('account', await accounts.expected());
    });
  });

  test('a plan writes nothing, and needs no right to', async () => {
    await withTables(async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number = 5');
      const reader = await asRole(
        world,
        'plan',
        'grant usage on schema headrace to ROLE; grant select on all tables in schema headrace to ROLE',
      );
      const before = await world.sql('select v::text from headrace.views v');
      const planned = await reader.plan('account', { full: true });
      expect(planned.counts).toMatchObject({ rows: 200, updated: 1, unchanged: 199 });
      expect(await world.sql('select v::text from headrace.views v')).toEqual(before);
      expect((await world.run('account', { full: true })).counts).toEqual(planned.counts);
      // Behind the topic, or without tables, it reads the topic instead.
      await world.sql('drop schema headrace cascade');
      expect((await reader.plan('account', { full: true })).counts).toMatchObject({ rows: 200, unchanged: 200 });
    });
  });

  test('tables of a later layout are left alone: exit 2', async () => {
    await withTables(async (world) => {
      await world.run('account');
      await world.sql('update headrace.views set layout = 99');
      await expect(world.run('account')).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        exitCode: 2,
        message: expect.stringContaining('layout 99'),
      });
    });
  });

  test('tables of an earlier layout are made anew', async () => {
    await withTables(async (world, accounts, { rows }) => {
      await world.run('account');
      await world.sql(`update headrace.views set layout = 0; alter table ${rows} drop column raw`);
      expect((await world.run('account', { full: true })).published).toBe(0);
      await world.expectFacts('account', await accounts.expected());
    });
  });

  test('dropped while a run goes on: one clear error, exit 2, and the next run makes them anew', async () => {
    await withTables(async (world, accounts, tables) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number <= 20');
      const drop = async (step: string) => {
        if (step === 'before_first_send') await world.sql(`drop table if exists ${tables.entries}, ${tables.rows}`);
      };
      await expect(world.run('account', { full: true }, drop)).rejects.toMatchObject({
        code: 'QUERY_INVALID',
        exitCode: 2,
        message: expect.stringContaining('dropped'),
      });
      await world.run('account', { full: true });
      expect((await world.expectFacts('account', await accounts.expected())).records).toBe(220);
    });
  });

  test('a statement that outlives its timeout: exit 3, and nothing is deleted', async () => {
    await withTables(async (world, accounts) => {
      await world.run('account');
      await world.sql(`delete from accounts where number = 1;
        alter table accounts rename to slow; create view accounts as select id, plan, number, updated_at from slow where pg_sleep(0.02) is not null`);
      const hasty = await world.withTimeout('1s');
      await expect(hasty.run('account', { full: true })).rejects.toMatchObject({ code: 'WAREHOUSE_TIMEOUT', exitCode: 3 });
      await world.sql('drop view accounts; alter table slow rename to accounts');
      expect((await world.run('account', { full: true })).counts.deleted).toBe(1);
      await world.expectFacts('account', await accounts.expected());
    });
  });
});

test('a change set is approved by its digest, which is the same wherever the view lies; another one does not pass', async () => {
  const guarded = (ACCOUNTS.files.mappings.account ?? '').replace(/guards: .*/, 'guards: { updated: { share: 10%, at_least: 10 } }');
  const files = { ...ACCOUNTS.files, mappings: { account: guarded } };
  await withTables(
    async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number <= 120');
      const { changeSet } = await world.plan('account');
      expect(changeSet).toMatch(/^changes:[0-9a-f]{64}$/);
      const local = await (await world.edited({ ...files, keepContracts: true })).plan('account');
      expect(local.changeSet).toBe(changeSet);

      const approved = { allow: new Set(['updated']), changeSet };
      await accounts.touch(FLIP, 'number = 121');
      await expect(world.run('account', approved)).rejects.toMatchObject({
        code: 'GUARD_STOPPED',
        message: expect.stringMatching(/not those that were approved/),
      });
      await accounts.touch(FLIP, 'number = 121');
      expect((await world.run('account', approved)).published).toBe(120);
      await world.expectFacts('account', await accounts.expected());
    },
    { ...files, view: 'warehouse' },
  );
});
