import { describe, expect, test } from 'vitest';
import { atStep, FLIP, outcomeOf, ownerOf, startRun, withAccounts } from './accounts.ts';
import { SIGNAL_STEPS } from './steps.ts';

describe.concurrent('SIGTERM', () => {
  test.each(SIGNAL_STEPS)('at %s: the chunk is finished or was never sent, the lease is given back, the next run goes on', async (step) => {
    await withAccounts(async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number <= 120');
      if (step === 'in_recovery') await world.loseView('account');

      const child = startRun(world, atStep(`${step}=sleep:500`));
      await child.says(`test step ${step}`);
      const askedAt = Date.now();
      child.kill('SIGTERM');
      const { code, stderr, body } = await outcomeOf(child);
      expect(code, stderr).toBe(143);
      expect(Date.now() - askedAt).toBeLessThan(15_000);
      expect(stderr).toContain('SIGTERM: ending after the current chunk');
      if (step !== 'done') expect(body.mappings[0]?.error, stderr).toMatchObject({ code: 'INTERRUPTED' });

      expect((await ownerOf(world)).leaseEnd).toBe(0);
      // A chunk is 40 changes: none is half there.
      expect(((await world.fold('account')).records - 200) % 40).toBe(0);

      await world.run('account');
      await world.expectFacts('account', await accounts.expected());
    });
  });
});
