import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { topicsOf, transactionalIdOf } from '../../src/publish/topics.ts';
import type { Child } from '../run/child.ts';
import type { World } from '../run/world.ts';
import { type RunningKafka, startKafka } from '../systems/kafka.ts';
import { ACCOUNTS, type Accounts, atStep, BRIEF, FLIP, outcomeOf, startRun, TWIN, withAccounts } from './accounts.ts';
import { leaveUndecided, withoutMarkers } from './undecided.ts';

let kafka: RunningKafka;
beforeAll(async () => {
  kafka = await startKafka({ properties: { 'log.flush.interval.messages': '10000' } });
});
afterAll(() => kafka?.stop());

const onOwnBroker = (body: (world: World, accounts: Accounts) => Promise<void>, files = ACCOUNTS.files) =>
  withAccounts(
    async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number <= 120');
      await body(world, accounts);
      expect((await world.expectFacts('account', await accounts.expected())).records).toBe(320);
      await world.run('account', { full: true });
      expect((await world.fold('account')).records).toBe(320);
    },
    { files, brokers: kafka.brokers },
  );

/** The run goes on by itself, or says that Kafka was away and the next one goes on. */
async function endsWell(world: World, child: Child): Promise<void> {
  const { code, body, stderr } = await outcomeOf(child);
  if (code === 0) return;
  expect(code, stderr).toBe(3);
  expect(body.mappings[0]?.error).toMatchObject({ code: 'KAFKA_UNREACHABLE' });
  const next = await outcomeOf(startRun(world));
  expect(next.code, next.stderr).toBe(0);
}

test('killed in the middle of a transaction, and started again', async () => {
  await onOwnBroker(async (world) => {
    const child = startRun(world, atStep('between_sends:2=sleep:1000'));
    await child.says('test step between_sends');
    await kafka.kill('SIGKILL');
    await kafka.restart();
    await endsWell(world, child);
  });
});

// Now and then (about one start in eight on a busy machine) the broker leaves what it aborts undecided here (KAFKA-20734): the next test does so each time.
test('killed in the middle of a transaction for good: exit 3 in bounded time, and the next run goes on', async () => {
  await onOwnBroker(async (world) => {
    const child = startRun(world, atStep('between_sends:4=sleep:1000'));
    await child.says('test step between_sends');
    await kafka.kill('SIGKILL');
    const killedAt = Date.now();
    const { code, body, stderr } = await outcomeOf(child);
    expect(code, stderr).toBe(3);
    expect(body.mappings[0]?.error).toMatchObject({ code: 'KAFKA_UNREACHABLE', suggestion: expect.stringMatching(/brokers/) });
    expect(Date.now() - killedAt).toBeLessThan(60_000);
    // Nobody there at the start.
    const second = await outcomeOf(startRun(world));
    expect(second.code, second.stderr).toBe(3);
    await kafka.restart();
    const next = await outcomeOf(startRun(world));
    expect(next.code, next.stderr).toBe(0);
  }, BRIEF);
});

test('records that Kafka never decided (KAFKA-20734) are aborted before anything is committed behind them', async () => {
  await kafka.restart({ 'transaction.partition.verification.enable': 'false' });
  await onOwnBroker(async (world) => {
    const { project, system } = world;
    const mapping = world.mapping('account');
    const { facts, snapshot } = topicsOf(project.name, mapping);
    const [entries = { start: 0, end: 0 }] = await system.admin.offsets(snapshot);
    const keys: Buffer[] = [];
    const collect = ({ key }: { key: Buffer | null }) => {
      if (key !== null) keys.push(key);
    };
    await system
      .reader('test')
      .read({ topic: snapshot, partition: 0, from: entries.start, until: entries.end }, collect, new AbortController().signal);
    const fact = (partition: number) => ({
      topic: facts,
      message: { partition, key: 'a1', value: '{}', headers: { ce_factversion: '2' } },
    });
    // In the snapshot, that it knows nothing any more.
    const forgotten = keys.map((key) => ({ topic: snapshot, message: { partition: 0, key, value: null } }));
    await leaveUndecided(kafka.brokers, transactionalIdOf(project.name, mapping), [fact(0), fact(1), fact(2), ...forgotten.slice(0, 20)]);

    await world.run('account');
    for (const topic of [facts, snapshot])
      expect(world.warnings.join('\n')).toMatch(new RegExp(`Kafka never decided .* of ${topic.replaceAll('.', '\\.')},`));
  });
});

describe('a commit that was answered, and of which a partition never heard (KAFKA-20734)', () => {
  const runUnheard = async (world: World, kind: 'facts' | 'snapshot') => {
    const topic = topicsOf(world.project.name, world.mapping('account'))[kind];
    const endOf = async () => (await world.system.admin.offsets(topic))[0]?.end ?? 0;
    let transactions = 0;
    // The fence is decided, the chunk is not.
    const isLeftOut = (of: string, partition: number) => of === topic && partition === 0 && (kind === 'facts' || ++transactions > 1);
    expect((await withoutMarkers(isLeftOut, () => world.run('account'))).published).toBe(120);
    return endOf;
  };

  test('of the snapshot topic: a plan says that a run finds out; the next run decides it, and publishes nothing for it', async () => {
    await kafka.restart({ 'transaction.partition.verification.enable': 'false' });
    await onOwnBroker(async (world) => {
      const endOf = await runUnheard(world, 'snapshot');
      const before = await endOf();
      await expect(world.plan('account')).rejects.toMatchObject({
        code: 'SNAPSHOT_FOREIGN',
        suggestion: expect.stringContaining('`headrace run account` finds out'),
      });
      expect((await world.run('account')).published).toBe(0);
      // 120 entries, control, owner, and the owner record of the run that decided them.
      expect((await endOf()) - before).toBeGreaterThan(122);
      const elsewhere = await world.elsewhere();
      expect((await elsewhere.run('account', { full: true })).published).toBe(0);
    });
  });

  test('of one partition of facts: nothing is taken for lost, and the next facts there decide it', async () => {
    await kafka.restart({ 'transaction.partition.verification.enable': 'false' });
    await withAccounts(
      async (world, accounts) => {
        await world.run('account');
        await accounts.touch(FLIP, 'number <= 120');
        const endOf = await runUnheard(world, 'facts');
        const before = await endOf();
        expect((await world.plan('account')).counts.updated).toBe(0);
        expect((await world.run('account')).published).toBe(0);
        expect(await endOf()).toBe(before);
        await accounts.touch(FLIP, 'number <= 120');
        expect((await world.run('account')).published).toBe(120);
        expect((await world.expectFacts('account', await accounts.expected())).records).toBe(440);
      },
      { brokers: kafka.brokers },
    );
  });
});

test('frozen for longer than a request may take', async () => {
  await onOwnBroker(
    async (world) => {
      const child = startRun(world, atStep('between_sends:2=sleep:500'));
      await child.says('test step between_sends');
      await kafka.kill('SIGSTOP');
      await delay(7000);
      await kafka.kill('SIGCONT');
      await endsWell(world, child);
    },
    { ...ACCOUNTS.files, kafka: 'request_timeout: 2s' },
  );
});

test('away while runs read, so that their leases cannot be renewed: with changes to publish, and without', async () => {
  await onOwnBroker(
    async (world) => {
      await world.run('twin');
      const reading = atStep('while_mapping=sleep:22000');
      const children = [startRun(world, reading), world.start(['--json', 'run', 'twin'], reading)];
      for (const child of children) await child.says('test step while_mapping');
      await kafka.kill('SIGKILL');
      // A renewal comes after 4 s, and is given up 8 s later.
      await delay(10_000);
      await kafka.restart();
      for (const child of children) await endsWell(world, child);
    },
    { ...BRIEF, mappings: { ...BRIEF.mappings, twin: TWIN } },
  );
});

test('a transactional id that the broker has forgotten while the run was reading: the run goes on', async () => {
  await kafka.restart({
    'transactional.id.expiration.ms': '2000',
    'transaction.remove.expired.transaction.cleanup.interval.ms': '500',
    'producer.id.expiration.ms': '2000',
    'producer.id.expiration.check.interval.ms': '500',
  });
  await onOwnBroker(async (world) => {
    const { code, stderr } = await outcomeOf(startRun(world, atStep('while_mapping=sleep:12000')));
    expect(code, stderr).toBe(0);
    // Otherwise the id has not expired, and this test shows nothing.
    expect(stderr).toContain('recovering');
  });
});
