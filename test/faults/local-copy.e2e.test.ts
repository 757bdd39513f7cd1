import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { capture } from '../../src/run/capture.ts';
import type { World } from '../run/world.ts';
import { ACCOUNTS, type Accounts, FLIP, outcomeOf, startRun, TWIN, withAccounts } from './accounts.ts';

const DAY_MS = 86_400_000;

/** Two days of work, and a copy of the folder from the evening between them; the second day is the larger one. */
async function twoDays(world: World, accounts: Accounts): Promise<{ backup: string; records: number }> {
  const folder = world.folder('account');
  await world.run('account');
  await accounts.touch(FLIP, 'number <= 10');
  await world.run('account');
  const backup = `${folder}.backup`;
  copyFolder(folder, backup);
  await world.sql(`delete from accounts where number between 20 and 29`);
  await accounts.touch(FLIP, 'number between 100 and 150');
  await world.run('account', { full: true, chunk: { changes: 20, bytes: 1e6 } });
  return { backup, records: 200 + 10 + 10 + 51 };
}

/** As a backup does it: with the times of the files, to the nanosecond. */
function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  execFileSync('cp', ['-a', from, to]);
}

const mdb = (world: World) => path.join(world.folder('account'), 'view.mdb');
const sealOf = (world: World) => `${mdb(world)}.seal`;

function flipBits(file: string): void {
  const bytes = readFileSync(file);
  for (let at = 4096 * 3 + 100; at < bytes.length; at += 997) bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(file, bytes);
}

describe.concurrent('whatever happens to the local copy, no fact is published again and none is taken for new', () => {
  const DAMAGED = /was damaged, or is another mapping's; it is rebuilt/;
  test.each<[string, (world: World, backup: string) => void, RegExp | undefined]>([
    ['deleted', (world) => rmSync(world.folder('account'), { recursive: true }), undefined],
    ["yesterday's backup", (world, backup) => copyFolder(backup, world.folder('account')), undefined],
    ["yesterday's backup, file by file", (world, backup) => copyFileSync(path.join(backup, 'view.mdb'), mdb(world)), DAMAGED],
    ['truncated', (world) => truncateSync(mdb(world), 20_000), DAMAGED],
    ['truncated, without its seal', (world) => [truncateSync(mdb(world), 20_000), rmSync(sealOf(world))], DAMAGED],
    ['empty', (world) => truncateSync(mdb(world), 0), DAMAGED],
    ['bits flipped', (world) => flipBits(mdb(world)), DAMAGED],
    ['another file under its name', (world) => writeFileSync(mdb(world), 'not a database'), DAMAGED],
    ['a seal of nobody', (world) => writeFileSync(sealOf(world), '{"size"'), DAMAGED],
  ])('%s', async (_, damage, warning) => {
    await withAccounts(async (world, accounts) => {
      const { backup, records } = await twoDays(world, accounts);
      damage(world, backup);
      await accounts.touch(FLIP, 'number = 7');
      const { published, scope } = await world.run('account');
      expect({ published, scope }).toEqual({ published: 1, scope: 'incremental' });
      if (warning === undefined) expect(world.warnings).toEqual([]);
      else expect(world.warnings.join('\n')).toMatch(warning);
      await world.sql(`delete from accounts where number = 8`);
      expect((await world.run('account', { full: true })).published).toBe(1);
      expect((await world.expectFacts('account', await accounts.expected())).records).toBe(records + 2);
    });
  });
});

describe.concurrent('the folder of another mapping under the name of this one', () => {
  test.each([
    ['with its control record behind the copy', 3],
    ['with nothing but leases behind the copy', 0],
  ])('%s', async (_, runs) => {
    await withAccounts(
      async (world, accounts) => {
        await world.run('twin');
        await world.run('account', { chunk: { changes: 20, bytes: 1e6 } });
        for (let n = 0; n < runs; n++) {
          await accounts.touch(FLIP, `number = ${n + 1}`);
          await world.run('account');
        }
        copyFolder(world.folder('twin'), world.folder('account'));
        const result = await world.run('account', { full: true }).catch((error: unknown) => error);
        if (result instanceof Error) expect(result).toMatchObject({ code: 'SNAPSHOT_FOREIGN' });
        else expect(result).toMatchObject({ published: 0 });
        await world.expectFacts('account', await accounts.expected());
      },
      { files: { ...ACCOUNTS.files, mappings: { ...ACCOUNTS.files.mappings, twin: TWIN } } },
    );
  });
});

describe.concurrent('a folder that cannot be used is one clear error, and nothing is published', () => {
  const failed = async (world: World, suggestion: RegExp, command?: (args: string[]) => string[]) => {
    const child = command === undefined ? startRun(world) : world.startBy(command, ['--json', 'run', 'account', '--chunk', '40']);
    const { code, body, stderr } = await outcomeOf(child);
    expect(code, stderr).toBe(1);
    expect(body.mappings[0]?.error).toMatchObject({ code: 'LOCAL_COPY_FAILED', suggestion: expect.stringMatching(suggestion) });
    expect(body.mappings[0]?.error?.message).toContain(world.folder('account'));
  };
  const goesOn = async (world: World, accounts: Accounts, records: number) => {
    await world.run('account');
    expect((await world.expectFacts('account', await accounts.expected())).records).toBe(records);
  };

  test('a file in its place', async () => {
    await withAccounts(async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number <= 50');
      renameSync(world.folder('account'), `${world.folder('account')}.aside`);
      writeFileSync(world.folder('account'), '');
      await failed(world, /snapshot\.path/);
      expect((await world.fold('account')).records).toBe(200);
      rmSync(world.folder('account'));
      await goesOn(world, accounts, 250);
    });
  });

  test('a read-only folder', async () => {
    await withAccounts(async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number <= 50');
      const folder = world.folder('account');
      const files = readdirSync(folder);
      chmodSync(folder, 0o500);
      // Root may write anywhere, until that capability is taken from it.
      const asOthers = (args: string[]) => (process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override', ...args] : args);
      await failed(world, /permissions/, asOthers);
      expect(readdirSync(folder).sort()).toEqual(files.sort());
      chmodSync(folder, 0o700);
      expect((await world.fold('account')).records).toBe(200);
      await goesOn(world, accounts, 250);
    });
  });

  // A limit on the size of files acts on LMDB as a full disk does.
  test.each([
    ['at the first start', 16 * 1024, false],
    ['in the middle of a run', 96 * 1024, false],
    ['with a copy in place', 100 * 1024, true],
  ])('a full disk %s', async (_, bytes, isLoaded) => {
    await withAccounts(async (world, accounts) => {
      await world.sql(`insert into accounts select 'b' || g || repeat('x', 500), 'gold', g, now() from generate_series(201, 600) g`);
      if (isLoaded) {
        await world.run('account');
        await accounts.touch(FLIP, 'true');
      }
      await failed(world, /free space/, (args) => ['prlimit', `--fsize=${bytes}`, ...args]);
      expect(existsSync(path.join(world.folder('account'), 'lock'))).toBe(false);
      await goesOn(world, accounts, isLoaded ? 1200 : 600);
    });
  });
});

test('a copy older than half of what removals are kept for is rebuilt; a younger one is not', async () => {
  await withAccounts(async (world, accounts) => {
    const { records } = await twoDays(world, accounts);
    const phasesAfter = async (days: number) => {
      const phases: unknown[] = [];
      const job = await world.job('account');
      await capture({
        ...job,
        clock: () => Date.now() + days * DAY_MS,
        progress: { ...job.progress, update: ({ phase }) => phases.push(phase) },
      });
      return phases;
    };
    expect(await phasesAfter(14)).not.toContain('recovering');
    expect(await phasesAfter(14 + 16)).toContain('recovering');
    expect((await world.expectFacts('account', await accounts.expected())).records).toBe(records);
  });
});

test('of a later layout: thrown away, and rebuilt', async () => {
  await withAccounts(async (world, accounts) => {
    const { records } = await twoDays(world, accounts);
    mkdirSync(world.folder('account'), { recursive: true });
    const { open } = await import('lmdb');
    const root = open({ path: mdb(world), maxDbs: 4, encoding: 'binary', keyEncoding: 'binary' });
    const meta = root.openDB({ name: 'meta', encoding: 'binary', keyEncoding: 'binary' });
    const key = Buffer.from('state');
    const state = JSON.parse(String(meta.getBinary(key))) as Record<string, unknown>;
    meta.putSync(key, Buffer.from(JSON.stringify({ ...state, layout: 99, entries: { of: 'another shape' } })));
    await root.close();
    rmSync(sealOf(world));
    expect((await world.run('account', { full: true })).published).toBe(0);
    expect((await world.expectFacts('account', await accounts.expected())).records).toBe(records);
  });
});
