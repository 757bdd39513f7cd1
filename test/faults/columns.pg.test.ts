import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Step } from '../../src/run/steps.ts';
import { ENGINE } from '../run/warehouses/open.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { openSource, type Source } from './source.ts';

/** CASES.md 14: columns and mappings that change while a snapshot exists. */

/** Others do not change a column to every type, nor while it is read. */
const isPostgres = ENGINE === 'postgres';

let source: Source;
beforeEach(async () => {
  source = await openSource('{ column: seen_at, lookback: 1h }');
  await source.insert(['a', 'b', 'c'], 'NOW');
  await source.world.run('fact');
});
afterEach(() => source.close());

async function facts(): Promise<Record<string, unknown>> {
  const { facts, violations } = await source.world.fold('fact');
  expect(violations).toEqual([]);
  return Object.fromEntries([...facts].map(([identity, { value }]) => [identity, value]));
}

describe('columns that change between two runs', () => {
  test.each([
    ['a field', 'alter table source drop column v', 'v'],
    ['the scope', 'alter table source drop column kind', 'kind'],
    ['the cursor', 'alter table source drop column seen_at', 'seen_at'],
    ['the key', 'alter table source drop column id', 'id'],
  ])('dropped under %s: exit 2, names the column, nothing is published', async (_, sql, column) => {
    await source.world.sql(sql);
    await expect(source.world.run('fact')).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(`\`${column}\``) });
    expect((await source.world.fold('fact')).records).toBe(3);
  });

  test('renamed: exit 2, with the new name as a suggestion; named back, nothing was lost', async () => {
    await source.world.sql('alter table source rename column v to v2');
    await expect(source.world.run('fact')).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('`v2`') });
    await source.world.sql(`alter table source rename column v2 to v; update source set v = 1, seen_at = NOW where id = 'a'`);
    expect((await source.world.run('fact')).published).toBe(1);
    await source.expectSame();
  });

  test.runIf(isPostgres)('retyped: exit 4 before anything is read; allowed, the same values publish nothing', async () => {
    await source.world.sql('alter table source alter v type numeric(20, 2)');
    await expect(source.world.run('fact')).rejects.toMatchObject({
      code: 'GUARD_STOPPED',
      exitCode: 4,
      message: expect.stringContaining('v was bigint'),
    });
    expect(await source.world.run('fact', { allow: new Set(['schema']) })).toMatchObject({ scope: 'full comparison', published: 0 });
    expect((await source.world.run('fact')).published).toBe(0);
  });

  test.runIf(isPostgres)('retyped to something that holds other values: they reject their rows, and the facts stay', async () => {
    await source.world.sql(`alter table source alter v type text; update source set v = 'many', seen_at = NOW where id = 'a'`);
    const result = await source.world.run('fact', { allow: new Set(['schema']) });
    expect(result).toMatchObject({ published: 0, counts: { quarantined: 1, unchanged: 2 } });
    expect(await facts()).toMatchObject({ a: { v: '0' } });
  });

  test('added, and read by nobody: nothing is published', async () => {
    await source.world.sql(`alter table source add column extra TEXT default 'x'`);
    expect((await source.world.run('fact', { full: true })).published).toBe(0);
  });
});

describe('columns that change during a run', () => {
  /** Between the description of the model and its scan. */
  const at = (step: Step, sql: string) => {
    let isDone = false;
    return async (reached: Step) => {
      if (reached !== step || isDone) return;
      isDone = true;
      await source.world.sql(sql);
    };
  };

  test.each([
    ...(isPostgres ? [['retyped', 'alter table source alter v type numeric(20, 2)']] : []),
    ['dropped', 'alter table source drop column v'],
    ['renamed', 'alter table source rename column v to v2'],
  ])('%s before the scan: the run stops, and nothing is published', async (_, sql) => {
    await source.world.sql(`update source set v = 9, seen_at = NOW where id = 'a'; delete from source where id = 'b'`);
    await expect(source.world.run('fact', { full: true }, at('after_fence', sql))).rejects.toMatchObject({ name: 'HeadraceError' });
    expect((await source.world.fold('fact')).records).toBe(3);
  });

  test('added before the scan: the run goes on', async () => {
    await source.world.sql(`update source set v = 9, seen_at = NOW where id = 'a'`);
    expect((await source.world.run('fact', {}, at('after_fence', 'alter table source add column extra TEXT'))).published).toBe(1);
    await source.expectSame();
  });

  test.runIf(isPostgres)('in the middle of a scan the change waits for its end', async () => {
    await source.insertWide(4_000);
    const migration = await source.another();
    let altered: Promise<unknown> | undefined;
    let isDone = false;
    const reach = (step: Step) => {
      if (step !== 'while_mapping' || altered !== undefined) return;
      altered = migration.query('alter table source drop column v').then(() => {
        isDone = true;
      });
    };
    const result = await source.world.run('fact', {}, reach);
    expect(result.counts.created).toBe(4_000);
    await altered;
    expect(isDone).toBe(true);
    await expect(source.world.run('fact')).rejects.toMatchObject({ exitCode: 2 });
    expect(Object.keys(await facts())).toHaveLength(4_003);
  });
});

describe('an edited mapping, with a snapshot in place', () => {
  const edit = (change: (mapping: string) => string): WorldFiles => ({
    ...source.files,
    mappings: { fact: change(source.files.mappings.fact ?? '') },
  });

  test('a further field: every fact once more, once', async () => {
    const edited = await source.world.edited(edit((m) => m.replace('guards:', '  kind: { from: kind, type: string }\nguards:')));
    expect(await edited.run('fact')).toMatchObject({ scope: 'full comparison', published: 3, changedFields: { kind: 3 } });
    expect((await edited.run('fact', { full: true })).published).toBe(0);
    expect(await facts()).toMatchObject({ a: { id: 'a', v: '0', kind: 'person' } });
  });

  test('another key: the facts of the old one end, those of the new one begin', async () => {
    const edited = await source.world.edited(
      edit((m) => m.replace('key: [id]', 'key: [id, kind]').replace('guards:', '  kind: { from: kind, type: string }\nguards:')),
    );
    expect((await edited.run('fact')).counts).toMatchObject({ created: 3, deleted: 3 });
    expect(Object.keys(await facts()).toSorted()).toEqual(['["a","person"]', '["b","person"]', '["c","person"]']);
    expect((await edited.run('fact', { full: true })).published).toBe(0);
    // And back again: versions count on.
    const back = await source.world.edited(source.files);
    expect((await back.run('fact')).counts).toMatchObject({ created: 3, deleted: 3 });
    expect((await source.world.fold('fact')).history.get('a')?.map((r) => r.version)).toEqual([1, 2, 3]);
    await source.expectSame();
  });

  test('a narrower scope ends what is now outside, a wider one begins it again', async () => {
    await source.world.sql(`update source set kind = 'robot', seen_at = NOW where id = 'b'`);
    const narrow = await source.world.edited(edit((m) => m.replace(`row.kind != 'internal'`, `row.kind == 'person'`)));
    expect((await narrow.run('fact')).counts).toMatchObject({ deleted: 1, created: 0, updated: 0 });
    expect(Object.keys(await facts())).toEqual(expect.not.arrayContaining(['b']));
    const wide = await source.world.edited(source.files);
    expect((await wide.run('fact')).counts).toMatchObject({ created: 1, deleted: 0 });
    await source.expectSame();
  });
});
