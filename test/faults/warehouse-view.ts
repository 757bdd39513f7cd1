import { describe, expect, test } from 'vitest';
import { composeSystem } from '../../src/compose.ts';
import { viewPlaceOf } from '../../src/ops/create-job.ts';
import { stateDdl } from '../../src/ops/state-ddl.ts';
import type { SnapshotView } from '../../src/snapshot/view.ts';
import type { QualifiedNames } from '../../src/warehouse/view-engine.ts';
import { World, type WorldFiles } from '../run/world.ts';
import { ACCOUNTS, TWIN } from './accounts.ts';

type Rows = readonly Readonly<Record<string, unknown>>[];
type OnTables = (tables: QualifiedNames) => readonly string[];

/** A warehouse of a test's own, with an empty table `accounts`. */
export interface ViewSource {
  /** Of headrace.yml. */
  readonly warehouse: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs statements on the model's table; the rows of the last one, names in lower case. */
  sql(...statements: readonly string[]): Promise<Rows>;
  /** The same on the tables of a mapping's view. */
  view(world: World, mapping: string, statements: OnTables): Promise<Rows>;
  /** Runs what `state ddl` prints, as a person would; after everything of ours is gone. */
  runDdl(world: World, sql: string): Promise<void>;
  /** An expression: the present instant. */
  readonly now: string;
  /** Statements after which `accounts` has the same columns, and takes long to read; and after which it is as before. */
  readonly slow: readonly string[];
  readonly fast: readonly string[];
  /** Whether the engine lets a state stand once alone. */
  readonly hasKeys: boolean;
  quoteName(name: string): string;
  close(): Promise<void>;
}

interface Place {
  readonly world: World;
  readonly source: ViewSource;
  readonly files: WorldFiles;
  touch(where: string): Promise<unknown>;
  insert(...rows: readonly (readonly [id: string | null, number: number])[]): Promise<unknown>;
  expected(): Promise<Map<string, unknown>>;
  onView(statements: OnTables): Promise<Rows>;
}

const full = { full: true };

async function within(
  create: () => Promise<ViewSource>,
  act: (place: Place) => Promise<void>,
  more: Partial<WorldFiles> = {},
): Promise<void> {
  const source = await create();
  const files: WorldFiles = { ...ACCOUNTS.files, warehouse: source.warehouse, env: source.env ?? {}, view: 'warehouse', ...more };
  const world = await World.create('select 1', files);
  const insert: Place['insert'] = (...rows) => {
    const values = rows.map(
      ([id, number]) => `(${id === null ? 'null' : `'${id}'`}, '${number % 2 === 0 ? 'gold' : 'silver'}', ${number}, ${source.now})`,
    );
    return source.sql(`insert into accounts (id, plan, number, updated_at) values ${values.join(', ')}`);
  };
  try {
    await insert(...Array.from({ length: 200 }, (_, i) => [`a${i + 1}`, i + 1] as const));
    await act({
      world,
      source,
      files,
      insert,
      touch: (where) =>
        source.sql(
          `update accounts set plan = case when plan = 'gold' then 'silver' else 'gold' end, updated_at = ${source.now} where ${where}`,
        ),
      expected: async () => {
        const rows = await source.sql('select id, plan, number from accounts');
        return new Map(rows.map(({ id, plan, number }) => [String(id), { id, plan: String(plan).toUpperCase(), number: String(number) }]));
      },
      onView: (statements) => source.view(world, 'account', statements),
    });
  } finally {
    await world.close();
    await source.close();
  }
}

/** What warehouse-view.pg.test.ts shows of PostgreSQL, on any other engine, in few worlds. */
export function testViewFaults(name: string, create: () => Promise<ViewSource>): void {
  const run = (act: (place: Place) => Promise<void>, more: Partial<WorldFiles> = {}) => within(create, act, more);

  describe(`a view in ${name}`, () => {
    test('from local to warehouse and back publishes nothing; a change publishes exactly the right facts', () =>
      run(
        async ({ world, source, files, touch, insert, expected }) => {
          await world.run('account');
          const remote = await world.edited({ ...files, view: 'warehouse' });
          expect((await remote.run('account', full)).published).toBe(0);
          await touch('number <= 20');
          await source.sql('delete from accounts where number = 30');
          await insert(['new', 500]);
          const planned = await remote.plan('account', full);
          expect(planned.counts).toMatchObject({ updated: 20, deleted: 1, created: 1, rows: 200 });
          expect((await remote.run('account', full)).counts).toEqual(planned.counts);
          expect((await remote.run('account', full)).counts).toMatchObject({ rows: 200, unchanged: 200 });
          await touch('number = 41');
          expect((await remote.run('account')).counts).toMatchObject({ updated: 1 });
          const local = await world.edited({ ...files, view: 'local' });
          expect((await local.run('account', full)).published).toBe(0);
          await touch('number = 40');
          expect((await local.run('account')).published).toBe(1);
          const again = await world.edited({ ...files, view: 'warehouse' });
          expect((await again.run('account', full)).published).toBe(0);
          expect((await world.expectFacts('account', await expected())).records).toBe(200 + 22 + 1 + 1);
        },
        { view: 'local' },
      ));

    test('whatever happens to the tables, no fact is published again and none is taken for new', () =>
      run(async ({ world, source, touch, expected, onView }) => {
        const { quoteName } = source;
        await world.run('account');
        const set =
          (column: string, value: string): OnTables =>
          ({ views }) => [`update ${views} set ${quoteName(column)} = ${value.replaceAll('IT', quoteName(column))} where true`];
        const damages: Readonly<Record<string, OnTables>> = {
          'both tables are dropped': ({ entries, rows }) => [`drop table ${entries}`, `drop table ${rows}`],
          'the rows are dropped': ({ rows }) => [`drop table ${rows}`],
          'the entries are gone': ({ entries }) => [`delete from ${entries} where true`],
          'one entry is gone': ({ entries }) => [`delete from ${entries} where ordinal = (select min(ordinal) from ${entries})`],
          'the rows are gone': ({ rows }) => [`delete from ${rows} where true`],
          'the state is gone': ({ views }) => [`delete from ${views} where true`],
          'the offset is moved ahead': set('position', 'IT + 1'),
          'the offset is moved back': set('position', 'IT - 10'),
          'an earlier layout': set('layout', '0'),
          ...(source.hasKeys
            ? {}
            : { 'the state stands twice': ({ views }: QualifiedNames) => [`insert into ${views} select * from ${views}`] }),
        };
        for (const [i, [what, damage]] of Object.entries(damages).entries()) {
          await onView(damage);
          await touch(`number = ${10 + i}`);
          expect(await world.run('account'), what).toMatchObject({ published: 1, scope: 'incremental' });
          await source.sql(`delete from accounts where number = ${100 + i}`);
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
        async ({ world, source, insert, onView }) => {
          await world.run('account');
          const before = (await world.fold('account')).records;
          const stops = (message: RegExp) =>
            expect(world.run('account', { ...full, showKeys: true })).rejects.toMatchObject({
              code: 'KEY_INVALID',
              message: expect.stringMatching(message),
            });
          const again = `insert into accounts (id, plan, number, updated_at) select id, plan, number, updated_at from accounts where id = 'a5'`;
          await source.sql(again);
          await stops(/a5/);
          await source.sql(`delete from accounts where id = 'a6'`);
          await stops(/a5/);
          await source.sql(`update accounts set number = 1005 where id = 'a5'`);
          await stops(/a5/);
          await source.sql(`delete from accounts where id = 'a5'`);
          await insert(['a5', 5], ['a6', 6], [null, 300]);
          await stops(/1 row\(s\) have NULL/);
          await source.sql('delete from accounts where id is null');
          await insert(['other', 7]);
          await stops(/other/);
          expect((await world.fold('account')).records).toBe(before);
          await source.sql(`delete from accounts where id = 'a7'`);
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
        await touch('number = 5');
        await world.run('account');
        const content = () => onView(({ views, entries }) => [`select v.*, (select count(*) from ${entries}) as n from ${views} v`]);
        const before = await content();
        const { offset } = zombie.state;
        zombie.apply({ expected: offset, next: offset + 5, appliedAtMs: 1, entries: [{ slot: new Uint8Array(16), bytes: null }] });
        await expect(zombie.remote?.persist()).rejects.toMatchObject({ code: 'LOCAL_COPY_FAILED' });
        await zombie.close();
        expect(await content()).toEqual(before);

        await touch('number = 6');
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
      run(async ({ world, source, touch, expected, onView }) => {
        await using system = composeSystem(world.project);
        const [{ sql } = { sql: '' }] = await stateDdl(system, world.project, [world.mapping('account')], 'headrace');
        await source.runDdl(world, sql);
        await world.run('account');
        const other = await world.elsewhere();
        await touch('number = 3');
        const before = await onView(({ views }) => [`select * from ${views}`]);
        expect((await other.plan('account', full)).counts).toMatchObject({ rows: 200, updated: 1, unchanged: 199 });
        expect(await onView(({ views }) => [`select * from ${views}`])).toEqual(before);
        expect((await other.run('account', full)).counts).toMatchObject({ rows: 200, updated: 1, unchanged: 199 });
        expect((await world.run('account', full)).counts).toMatchObject({ rows: 200, unchanged: 200 });

        await touch('number <= 20');
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
      run(async ({ world, source, files, expected }) => {
        await world.run('account');
        await source.sql('delete from accounts where number = 1', ...source.slow);
        const hasty = await world.edited({ ...files, warehouse: source.warehouse.replace(/ }$/, ', statement_timeout: 1s }') });
        await expect((await hasty.anew()).run('account', full)).rejects.toMatchObject({ code: 'WAREHOUSE_TIMEOUT', exitCode: 3 });
        await source.sql(...source.fast);
        expect((await world.run('account', full)).counts.deleted).toBe(1);
        await world.expectFacts('account', await expected());
      }));

    test('a second mapping has tables of its own', () =>
      run(
        async ({ world, touch, expected }) => {
          for (const mapping of ['account', 'twin']) await world.run(mapping);
          await touch('number = 9');
          const results = await Promise.all([world.run('account', full), world.run('twin', full)]);
          expect(results.map(({ published }) => published)).toEqual([1, 1]);
          await world.expectFacts('account', await expected());
          await world.expectFacts('twin', await expected());
        },
        { mappings: { ...ACCOUNTS.files.mappings, twin: TWIN } },
      ));
  });
}
