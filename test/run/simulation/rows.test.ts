import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadedVariant, loadVariant } from './project.ts';
import { expectError, ONE, playScript, put, type Script } from './script.ts';
import { scratchFolder, watchWebAssembly } from './simulation.ts';

/* One history for each rule by which rows are held against the snapshot, made so that it ends badly without the rule: docs/promises.md has the table. */
const scratch = scratchFolder();
let variant: LoadedVariant;
beforeAll(async () => {
  watchWebAssembly();
  variant = await loadVariant(scratch, { onDelete: 'tombstone', undo: 'none', silver: 'SILVER' });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const script = (act: (script: Script) => Promise<void>, options?: { first: boolean }) => playScript(variant, scratch, act, options);

describe('a second row for one fact stops the run', () => {
  test('that is read after the one that stands behind the fact', () =>
    script(async ({ full, putRows, edit }) => {
      putRows({ id: 'x', account: 'a0' });
      expectError((await full(ONE)).process, 'KEY_INVALID');
      edit(put(0));
      expectError((await full(ONE)).process, 'KEY_INVALID');
    }));

  test('that is read before it', () =>
    script(async ({ simulation, full, putRows }) => {
      const row = simulation.table.rows.get('r0');
      putRows({ id: 'x', account: 'a0' }, { ...row, id: 'r0' });
      expectError((await full(ONE)).process, 'KEY_INVALID');
    }));

  test('where both are new', () =>
    script(async ({ run, putRows }) => {
      putRows({ id: 'x', account: 'new' }, { id: 'y', account: 'new' });
      expectError((await run(ONE)).process, 'KEY_INVALID');
    }));

  test('where both take it over', () =>
    script(async ({ full, putRows, edit }) => {
      edit({ delete: 0 });
      putRows({ id: 'x', account: 'a0' }, { id: 'y', account: 'a0' });
      expectError((await full(ONE)).process, 'KEY_INVALID');
    }));

  test('in an initial load at once, and not after everything else was published', () =>
    script(
      async ({ run, putRows }) => {
        putRows(...Array.from({ length: 12 }, (_, n) => ({ id: `x${n}`, account: n === 4 ? 'a0' : `x${n}` })));
        const { process } = await run(ONE);
        expectError(process, 'KEY_INVALID');
        putRows({ id: 'x4' });
        expect((await run(ONE)).result?.published).toBe(9);
      },
      { first: false },
    ));
});

describe('a row that is read twice stops the run', () => {
  test.each([
    ['one that is known', 'r0'],
    ['a new one', 'x'],
  ])('%s', (_, id) =>
    script(async ({ simulation, full, putRows }) => {
      if (id === 'x') putRows({ id });
      const row = simulation.table.rows.get(id);
      if (row === undefined) throw new Error(`no row ${id}`);
      // Of a known row every copy counts; a new one may say another thing the second time.
      simulation.edit(({ rows }) => rows.set('again', id === 'x' ? { ...row, account: 'other' } : row));
      expectError((await full(ONE)).process, 'KEY_INVALID');
      simulation.edit(({ rows }) => rows.delete('again'));
    }),
  );
});

describe('a fact that another row takes over', () => {
  test('in an incremental run: compared in full, because the old row may still be there', () =>
    script(async ({ run, putRows, edit, judge }) => {
      edit(...Array.from({ length: 9 }, () => put(4)));
      await run(ONE);
      putRows({ id: 'x', account: 'a0' });
      expectError((await run(ONE)).process, 'KEY_INVALID');
      edit({ delete: 0 });
      expect((await run(ONE)).result).toMatchObject({ scope: 'full comparison', published: 1, counts: { updated: 1, deleted: 0 } });
      await judge();
    }));

  test('in an initial load that dies before its end: the row was read, and is not done', () =>
    script(
      async ({ run, putRows, edit, judge }) => {
        await run(ONE, { on: 'applied', after: 1, what: 'crash' });
        edit({ delete: 0 });
        putRows({ id: 'x', account: 'a0' }, ...['p', 'q', 's', 't'].map((id) => ({ id })));
        await run(ONE, { on: 'next rows', after: 2, what: 'crash' });
        expect((await run(ONE)).result?.counts).toMatchObject({ updated: 1, deleted: 0 });
        await judge();
      },
      { first: false },
    ));
});

describe('what is known of a row does not outlive what was published of it', () => {
  const restored = { restore: 0, back: 1 };

  test('A → B, killed before B was applied, B → A', () =>
    script(async ({ run, full, edit, judge }) => {
      edit(put(0));
      await run(ONE, { on: 'inside_apply', after: 0, what: 'crash' });
      edit(restored);
      expect((await full(ONE)).result?.published).toBe(1);
      await judge();
    }));

  test('vanished, and returned as it was', () =>
    script(async ({ full, edit, judge }) => {
      edit({ delete: 0 });
      expect((await full(ONE)).result?.published).toBe(1);
      edit(restored);
      expect((await full(ONE)).result?.published).toBe(1);
      await judge();
    }));

  test.each(['before_first_send', 'after_last_send', 'commit_sent'] as const)('mapped, and killed at %s of the last chunk', (on) =>
    script(
      async ({ run, judge }) => {
        await run(ONE, { on, after: 2, what: 'crash' });
        expect((await run(ONE)).result?.published).toBe(2);
        await judge();
      },
      { first: false },
    ),
  );
});

test('an incremental run says nothing of rows that it did not read', () =>
  script(async ({ run, edit }) => {
    edit(...Array.from({ length: 9 }, () => put(4)), { delete: 0 });
    expect((await run(ONE)).result).toMatchObject({ scope: 'incremental', counts: { updated: 1, deleted: 0 } });
    expect((await run(ONE)).result?.counts.rows).toBe(1);
  }));
