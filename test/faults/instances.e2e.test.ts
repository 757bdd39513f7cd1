import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ENGINE } from '../run/warehouses/open.ts';
import type { World } from '../run/world.ts';
import { ACCOUNTS, atStep, BRIEF, FLIP, outcomeOf, startRun, TWIN, withAccounts } from './accounts.ts';

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe.concurrent('starts every few seconds of a run that takes longer', () => {
  test.each([
    ['from one folder', false, /works on the local copy/],
    ['from folders of their own', true, /owns this mapping; its lease ends in \d+ s/],
  ])('%s: the first one finishes, the others say who runs and change nothing', async (_, apart, why) => {
    await withAccounts(
      async (world, accounts) => {
        const othersEnded = gate();
        const reading = gate();
        const first = world.run('account', {}, async (step) => {
          if (step !== 'while_mapping') return;
          reading.open();
          await othersEnded.opened;
        });
        await reading.opened;
        const others = [];
        // For longer than the lease of 16 s: it has to be renewed meanwhile.
        for (let n = 0; n < 8; n++) {
          others.push(startRun(apart ? await world.elsewhere() : world));
          await delay(2500);
        }
        for (const other of others) {
          const { code, body } = await outcomeOf(other);
          expect(code).toBe(5);
          expect(body.mappings[0]?.error).toMatchObject({ code: 'OWNED_ELSEWHERE', message: expect.stringMatching(why) });
          expect(body.mappings[0]?.error?.suggestion).toMatch(/Nothing was changed/);
        }
        othersEnded.open();
        expect(await first).toMatchObject({ published: 200 });
        expect(world.warnings).toEqual([]);
        await world.expectFacts('account', await accounts.expected());
      },
      { files: BRIEF },
    );
  });
});

/** Runs until the lease of whoever is frozen lets it. */
async function runWhenFree(elsewhere: World): Promise<void> {
  for (let refused = 0; ; refused++) {
    const { code, stderr } = await outcomeOf(startRun(elsewhere));
    if (code === 0) return;
    expect(code, stderr).toBe(5);
    expect(refused, stderr).toBeLessThan(60);
    await delay(500);
  }
}

describe.concurrent('frozen beyond its transaction and its lease, while another instance runs', () => {
  const CASES = [
    ['after_fence', 120, 5],
    ['while_mapping', 120, 5],
    ['between_sends', 120, 5],
    ['commit_sent', 120, 5],
    ['after_commit', 120, 5],
    ['inside_apply', 120, 5],
    // With nothing to publish there is only the lease to give back, and it is not ours any more.
    ['while_mapping', 0, 5],
    // The last chunk gave the lease back already.
    ['done', 120, 0],
  ] as const;
  // A run that reads a DuckDB file shuts out everybody who would change it.
  const possible = CASES.filter(([step]) => ENGINE !== 'duckdb' || step !== 'while_mapping');
  test.each(possible)('at %s, with %d changes: it writes nothing more and ends with %d', async (step, changes, expected) => {
    await withAccounts(
      async (world, accounts) => {
        await world.run('account');
        await accounts.touch(FLIP, `number <= ${changes}`);
        const frozen = startRun(world, atStep(`${step}=freeze`));
        await frozen.says(`test step ${step}`);
        await accounts.touch(FLIP, 'number between 150 and 160');
        await runWhenFree(await world.elsewhere());
        const before = await world.fold('account');
        frozen.kill('SIGCONT');
        const { code, stderr, body } = await outcomeOf(frozen);
        expect(code, stderr).toBe(expected);
        if (expected === 5) expect(body.mappings[0]?.error, stderr).toMatchObject({ code: 'OWNED_ELSEWHERE' });
        const after = await world.expectFacts('account', await accounts.expected());
        expect(after.records).toBe(before.records);
        await world.run('account');
        await world.run('account', { full: true });
        expect((await world.expectFacts('account', await accounts.expected())).records).toBe(before.records);
      },
      { files: BRIEF },
    );
  });
});

describe.concurrent('a transaction slower than its timeout, alone in the world', () => {
  test.each(['between_sends', 'commit_sent'])('at %s: sent again in halves, and done', async (step) => {
    await withAccounts(
      async (world, accounts) => {
        await world.run('account');
        await accounts.touch(FLIP, 'number <= 120');
        const { code, stderr, body } = await outcomeOf(startRun(world, atStep(`${step}=sleep:10500`)));
        expect(code, stderr).toBe(0);
        expect(stderr).toContain('recovering');
        expect(stderr).not.toMatch(/OWNED_ELSEWHERE|owns this mapping/);
        expect(body.mappings[0]).toMatchObject({ published: 120, chunks: expect.any(Number) });
        const fold = await world.expectFacts('account', await accounts.expected());
        expect(fold.records).toBe(320);
      },
      { files: BRIEF },
    );
  });

  test('every time: the run gives up after the third, and the next one goes on', async () => {
    await withAccounts(
      async (world, accounts) => {
        await world.run('account');
        await accounts.touch(FLIP, 'number <= 40');
        let sends = 0;
        const slow = async (step: string) => {
          if (step !== 'after_last_send') return;
          sends++;
          await delay(10_500);
        };
        await expect(world.run('account', {}, slow)).rejects.toMatchObject({
          code: 'KAFKA_UNREACHABLE',
          message: expect.stringContaining('in 3 attempts'),
        });
        expect(sends).toBe(3);
        expect((await world.fold('account')).records).toBe(200);
        await world.run('account');
        expect((await world.expectFacts('account', await accounts.expected())).records).toBe(240);
      },
      { files: BRIEF },
    );
  });
});

test.concurrent('a mapping frozen in its transaction delays no reader and no run of another mapping', async () => {
  await withAccounts(
    async (world, accounts) => {
      await world.run('account');
      await world.run('twin');
      await accounts.touch(FLIP, 'number <= 120');
      const frozen = startRun(world, atStep('after_last_send=freeze'));
      await frozen.says('test step after_last_send');
      const { code, stderr } = await world.start(['run', 'twin']).ended;
      expect(code, stderr).toBe(0);
      await world.expectFacts('twin', await accounts.expected());
      frozen.kill('SIGCONT');
      expect((await frozen.ended).code).toBe(0);
      await world.expectFacts('account', await accounts.expected());
    },
    { files: { ...ACCOUNTS.files, mappings: { ...ACCOUNTS.files.mappings, twin: TWIN } } },
  );
});

test('two machines by turns: A → B here, B → A there, vanished here, back there', async () => {
  await withAccounts(async (world, accounts) => {
    const [here, there] = [world, await world.elsewhere()];
    const check = async () => world.expectFacts('account', await accounts.expected());
    await here.run('account');
    await there.run('account');
    await world.sql('create table before as select * from accounts');
    const back = (where: string) =>
      world.sql(`delete from accounts where ${where}; insert into accounts select * from before where ${where}`);
    for (const [one, other] of [
      [here, there],
      [there, here],
    ] as const) {
      await accounts.touch(FLIP, 'number <= 20');
      expect((await one.run('account')).published).toBe(20);
      await back('number <= 20');
      expect((await other.run('account')).published).toBe(20);
      await check();

      await world.sql('delete from accounts where number between 30 and 39');
      expect((await one.run('account', { full: true })).published).toBe(10);
      await back('number between 30 and 39');
      expect((await other.run('account', { full: true })).published).toBe(10);
      await check();

      await world.sql('delete from accounts where number between 50 and 59');
      await one.run('account', { full: true });
      expect((await other.run('account', { full: true })).published).toBe(0);
      await back('number between 50 and 59');
      // The machine that published the deletion sees the very rows again that it had marks for.
      expect((await one.run('account', { full: true })).published).toBe(10);
      expect((await other.run('account', { full: true })).published).toBe(0);
    }
    const fold = await check();
    expect(fold.history.get('a1')?.length).toBe(5);
  });
});
