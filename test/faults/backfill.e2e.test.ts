import { expect, test } from 'vitest';
import { ENGINE } from '../run/warehouses/open.ts';
import { World } from '../run/world.ts';
import { atStep, withAccounts } from './accounts.ts';
import { killedBackfill, MANY } from './killed-backfill.ts';

/** Which time the step is reached in a slice: the live run before it comes to some, and the record that a backfill begins to others. */
const STEPS = {
  recovered: 2,
  while_mapping: 2,
  between_sends: 2,
  after_last_send: 3,
  commit_sent: 4,
  inside_apply: 3,
  done: 2,
};

test('killed at each step, a forced backfill goes on, and publishes every fact once', async () => {
  await withAccounts(async (world, accounts) => {
    expect((await world.start(['run']).ended).code).toBe(0);
    let times = 1;
    for (const [step, time] of Object.entries(STEPS)) {
      const order = ['backfill', 'account', '--all', '--force', '--slice', '90', '--chunk', '40', '--id', step, '--json'];
      const killed = await world.start(order, atStep(`${step}:${time}=kill`)).ended;
      expect(killed.signal, `${step}: ${killed.stderr}`).toBe('SIGKILL');
      const again = await world.start(order).ended;
      expect(again.code, `${step}: ${again.stderr}`).toBe(0);
      times++;
      expect((await world.expectFacts('account', await accounts.expected())).records, step).toBe(200 * times);
    }
    expect((await world.start(['run', '--full']).ended).code).toBe(0);
    expect((await world.fold('account')).records).toBe(200 * times);
  });
}, 600_000);

// Rows change several times a second while it goes on.
test.runIf(ENGINE === 'postgres')(
  'killed three times, a backfill of 20,000 keys ends with nothing twice, and live changes do not wait for it',
  async () => {
    const keys = 20_000;
    const world = await World.create(MANY.table(keys), { models: { customers: MANY.model }, mappings: { customer: MANY.mapping } });
    try {
      const found = await killedBackfill({
        keys,
        slice: 2_000,
        kafka: world.project.kafka,
        topic: world.mapping('customer').topic,
        start: (args) => world.start(args),
        sql: (text) => world.sql(text),
        say: () => undefined,
      });
      expect(found.faults).toEqual([]);
      expect(found.live).toBeGreaterThan(5);
      expect(found.slowestLiveMs).toBeGreaterThan(0);
    } finally {
      await world.close();
    }
  },
  600_000,
);
