import { describe, expect, test } from 'vitest';
import { composeSystem } from '../../src/compose.ts';
import { viewPlaceOf } from '../../src/ops/create-job.ts';
import { stateDdl } from '../../src/ops/state-ddl.ts';
import type { SnapshotView } from '../../src/snapshot/view.ts';
import type { QualifiedNames } from '../../src/warehouse/view-engine.ts';
import type { Engine } from '../run/warehouses/open.ts';
import type { OnTables, Rows } from '../run/warehouses/test-warehouse.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { ACCOUNTS, type Accounts, accountsOf, FLIP, TWIN } from './accounts.ts';

interface Place extends Accounts {
  readonly world: World;
  readonly files: WorldFiles;
  onView(statements: OnTables): Promise<Rows>;
}

const full = { full: true };

/** What happens to the tables of a view, and around them, in any engine, in few worlds. */
export function testViewFaults(engine: Engine): void {
  const run = async (act: (place: Place) => Promise<void>, more: Partial<WorldFiles> = {}): Promise<void> => {
    const files: WorldFiles = { ...ACCOUNTS.files, engine, view: 'warehouse', ...more };
    const world = await World.create(ACCOUNTS.table, files);
    try {
      await act({ world, files, ...accountsOf(world), onView: (statements) => world.onView('account', statements) });
    } finally {
      await world.close();
    }
  };

  describe(`a view in ${engine}`, () => {
    test('from local to warehouse and back publishes nothing; a change publishes exactly the right facts', () =>
      run(
        async ({ world, files, touch, insert, expected }) => {
          await world.run('account');
          const remote = await world.edited({ ...files, view: 'warehouse' });
          expect((await remote.run('account', full)).published).toBe(0);
          await touch(FLIP, 'number <= 20');
          await world.sql('delete from accounts where number = 30');
          await insert(['new', 500]);
          const planned = await remote.plan('account', full);
          expect(planned.counts).toMatchObject({ updated: 20, deleted: 1, created: 1, rows: 200 });
          expect((await remote.run('account', full)).counts).toEqual(planned.counts);
          expect((await remote.run('account', full)).counts).toMatchObject({ rows: 200, unchanged: 200 });
          await touch(FLIP, 'number = 41');
          expect((await remote.run('account')).counts).toMatchObject({ updated: 1 });
          const local = await world.edited({ ...files, view: 'local' });
          expect((await local.run('account', full)).published).toBe(0);
          await touch(FLIP, 'number = 40');
          expect((await local.run('account')).published).toBe(1);
          const again = await world.edited({ ...files, view: 'warehouse' });
          expect((await again.run('account', full)).published).toBe(0);
          expect((await world.expectFacts('account', await expected())).records).toBe(200 + 22 + 1 + 1);
        },
        { view: 'local' },
      ));

    test('whatever happens to the tables, no fact is published again and none is taken for new', () =>
      run(async ({ world, touch, expected, onView }) => {
        const { hasKeys, isSlow, quoteName } = world.warehouse.dialect;
        await world.run('account');
        const set =
          (column: string, value: string): OnTables =>
          ({ views }) => [`update ${views} set ${quoteName(column)} = ${value.replaceAll('IT', quoteName(column))} where true`];
        const further: Readonly<Record<string, OnTables>> = {
          'the rows are dropped': ({ rows }) => [`drop table ${rows}`],
          'the entries are gone': ({ entries }) => [`delete from ${entries} where true`],
          'the rows are gone': ({ rows }) => [`delete from ${rows} where true`],
          'the state is gone': ({ views }) => [`delete from ${views} where true`],
          'the offset is moved back': set('position', 'IT - 10'),
        };
        const damages: Readonly<Record<string, OnTables>> = {
          'both tables are dropped': ({ entries, rows }) => [`drop table ${entries}`, `drop table ${rows}`],
          'one entry is gone': ({ entries }) => [`delete from ${entries} where ordinal = (select min(ordinal) from ${entries})`],
          'the offset is moved ahead': set('position', 'IT + 1'),
          'an earlier layout': set('layout', '0'),
          ...(isSlow === true ? {} : further),
          ...(hasKeys ? {} : { 'the state stands twice': ({ views }: QualifiedNames) => [`insert into ${views} select * from ${views}`] }),
        };
        for (const [i, [what, damage]] of Object.entries(damages).entries()) {
          await onView(damage);
          await touch(FLIP, `number = ${10 + i}`);
          expect(await world.run('account'), what).toMatchObject({ published: 1, scope: 'incremental' });
          await world.sql(`delete from accounts where number = ${100 + i}`);
          expect((await world.run('account', full)).published, what).toBe(1);
        }
        const { records } = await world.expectFacts('account', await expected());
        expect(records).toBe(200 + 2 * Object.keys(damages).length);
        await onView(set('layout', '99'));
        await expect(world.run('account')).rejects.toMatchObject({
          code: 'CONFIG_INVALID',
          exitCode: 2,
          message: expect.stringContaining('layout 99'),
        });
      }));

    test('rows that stay in the warehouse are accounted for', () =>
      run(
        async ({ world, insert, onView }) => {
          await world.run('account');
          const before = (await world.fold('account')).records;
          const stops = (message: RegExp) =>
            expect(world.run('account', { ...full, showKeys: true })).rejects.toMatchObject({
              code: 'KEY_INVALID',
              message: expect.stringMatching(message),
            });
          const again = `insert into accounts (id, plan, number, updated_at) select id, plan, number, updated_at from accounts where id = 'a5'`;
          await world.sql(again);
          await stops(/a5/);
          await world.sql(`delete from accounts where id = 'a6'`);
          await stops(/a5/);
          await world.sql(`update accounts set number = 1005 where id = 'a5'`);
          await stops(/a5/);
          await world.sql(`delete from accounts where id = 'a5'`);
          await insert(['a5', 5], ['a6', 6], [null, 300]);
          await stops(/1 row\(s\) have NULL/);
          await world.sql('delete from accounts where id is null');
          await insert(['other', 7]);
          await stops(/other/);
          expect((await world.fold('account')).records).toBe(before);
          await world.sql(`delete from accounts where id = 'a7'`);
          // The fact passes to the other row; nothing of it differs.
          expect((await world.run('account', full)).counts).toMatchObject({ updated: 1, deleted: 0, created: 0 });
          expect((await world.run('account', full)).published).toBe(0);
          expect(await onView(({ rows }) => [`select count(*) as n from ${rows}`])).toHaveLength(1);
        },
        {
          mappings: {
            account: (ACCOUNTS.files.mappings.account ?? '')
              .replace('key: [id]', 'key: [number]')
              .replace('data_subject: id', 'data_subject: number'),
          },
        },
      ));

    test('two writers: a zombie that applies late is thrown away, and one that slips in is noticed', () =>
      run(async ({ world, touch, expected, onView }) => {
        await world.run('account');
        const open = (): Promise<SnapshotView> =>
          world.system.openRemoteView('main', viewPlaceOf(world.project, world.mapping('account')), false);
        const zombie = await open();
        await touch(FLIP, 'number = 5');
        await world.run('account');
        const content = () => onView(({ views, entries }) => [`select v.*, (select count(*) from ${entries}) as n from ${views} v`]);
        const before = await content();
        const { offset } = zombie.state;
        zombie.apply({ expected: offset, next: offset + 5, appliedAtMs: 1, entries: [{ slot: new Uint8Array(16), bytes: null }] });
        await expect(zombie.remote?.persist()).rejects.toMatchObject({ code: 'LOCAL_COPY_FAILED' });
        await zombie.close();
        expect(await content()).toEqual(before);

        await touch(FLIP, 'number = 6');
        let isDone = false;
        const slip = async (step: string) => {
          if (step !== 'in_recovery' || isDone) return;
          isDone = true;
          await onView(({ views }) => [`update ${views} set stamp = 'of a zombie' where true`]);
        };
        await world
          .run('account', {}, (step) => {
            if (step === 'after_commit') throw new Error('killed');
          })
          .catch(() => undefined);
        await world.run('account', { takeOver: true }, slip);
        await world.expectFacts('account', await expected());
      }));

    test('the tables are shared, made by what `state ddl` prints, and dropped while they are in use', () =>
      run(async ({ world, touch, expected, onView }) => {
        await using system = composeSystem(world.project);
        const [{ sql } = { sql: '' }] = await stateDdl(system, world.project, [world.mapping('account')], 'headrace');
        await world.warehouse.runDdl(sql);
        await world.run('account');
        const other = await world.elsewhere();
        await touch(FLIP, 'number = 3');
        const before = await onView(({ views }) => [`select * from ${views}`]);
        expect((await other.plan('account', full)).counts).toMatchObject({ rows: 200, updated: 1, unchanged: 199 });
        expect(await onView(({ views }) => [`select * from ${views}`])).toEqual(before);
        expect((await other.run('account', full)).counts).toMatchObject({ rows: 200, updated: 1, unchanged: 199 });
        expect((await world.run('account', full)).counts).toMatchObject({ rows: 200, unchanged: 200 });

        await touch(FLIP, 'number <= 20');
        const drop = async (step: string) => {
          if (step === 'before_first_send')
            await onView(({ entries, rows }) => [`drop table if exists ${entries}`, `drop table if exists ${rows}`]);
        };
        await expect(world.run('account', full, drop)).rejects.toMatchObject({
          code: 'QUERY_INVALID',
          exitCode: 2,
          message: expect.stringContaining('dropped'),
        });
        await world.run('account', full);
        expect((await world.expectFacts('account', await expected())).records).toBe(221);
      }));

    test('a statement that outlives its timeout: exit 3, and nothing is deleted', () =>
      run(async ({ world, expected }) => {
        await world.run('account');
        const { slow, fast } = world.warehouse.dialect;
        await world.sql(`delete from accounts where number = 1; ${slow}`);
        const hasty = await world.withTimeout('1s');
        await expect(hasty.run('account', full)).rejects.toMatchObject({ code: 'WAREHOUSE_TIMEOUT', exitCode: 3 });
        await world.sql(fast);
        expect((await world.run('account', full)).counts.deleted).toBe(1);
        await world.expectFacts('account', await expected());
      }));

    test('a second mapping has tables of its own', () =>
      run(
        async ({ world, touch, expected }) => {
          for (const mapping of ['account', 'twin']) await world.run(mapping);
          await touch(FLIP, 'number = 9');
          const results = await Promise.all([world.run('account', full), world.run('twin', full)]);
          expect(results.map(({ published }) => published)).toEqual([1, 1]);
          await world.expectFacts('account', await expected());
          await world.expectFacts('twin', await expected());
        },
        { mappings: { ...ACCOUNTS.files.mappings, twin: TWIN } },
      ));
  });
}
