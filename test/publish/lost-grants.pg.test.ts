import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { composeSystem } from '../../src/compose.ts';
import { loadProject } from '../../src/config/load-project.ts';
import { createJob, DEFAULT_OPTIONS } from '../../src/ops/create-job.ts';
import { capture } from '../../src/run/capture.ts';
import type { ReachStep } from '../../src/run/steps.ts';
import { headrace } from '../cli/in-process.ts';
import { GuardedWorld, lacking, wordsOf } from './guarded-world.ts';
import { type PrintedAcl, secretOf } from './principals.ts';

const kafkajs = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

let guarded: GuardedWorld;
beforeAll(async () => {
  guarded = await GuardedWorld.create();
  await guarded.world.run('account');
});
afterAll(() => guarded?.close());

test('a consumer with its grants reads the facts; without one of them it cannot', async () => {
  const acls = await guarded.printedFor('consume');
  expect(acls.map((acl) => wordsOf(acl).grant)).toEqual([`Read on topic ${guarded.topics.facts}`, 'Read on group readers']);
  await guarded.kafka.give(acls);
  const { records } = await guarded.world.fold('account');
  expect(await consume('consume', 'readers', guarded.topics.facts, records)).toBe(records);
  for (const acl of acls) {
    await guarded.kafka.take([acl]);
    const type = acl.resourceType === 'TOPIC' ? 'TOPIC_AUTHORIZATION_FAILED' : 'GROUP_AUTHORIZATION_FAILED';
    await expect(consume('consume', 'readers', guarded.topics.facts, records)).rejects.toThrow(type);
    await guarded.kafka.give([acl]);
  }
  await expect(consume('consume', 'others', guarded.topics.facts, records)).rejects.toThrow('GROUP_AUTHORIZATION_FAILED');
});

/** Reads the topic from its beginning with read_committed until so many records came. */
async function consume(user: string, groupId: string, topic: string, count: number): Promise<number> {
  const log: string[] = [];
  const client = new kafkajs.Kafka({
    brokers: [guarded.kafka.brokers],
    sasl: { mechanism: 'plain', username: user, password: secretOf(user) },
    retry: { retries: 0 },
    // What the coordinator refuses stands in the log alone.
    logLevel: kafkajs.logLevel.DEBUG,
    logCreator: () => (entry) => void log.push(String((entry.log.error as { type?: unknown } | undefined)?.type ?? entry.log.error ?? '')),
  });
  const consumer = client.consumer({ groupId });
  let read = 0;
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer.on(consumer.events.GROUP_JOIN, () => {
        for (const partition of [0, 1, 2]) consumer.seek({ topic, partition, offset: '0' });
      });
      const eachMessage = async () => {
        if (++read === count) resolve();
      };
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
  } catch (error) {
    throw new Error(`${String((error as { type?: unknown }).type)} ${log.join(' ')}`, { cause: error });
  } finally {
    await consumer.disconnect();
  }
  return read;
}

describe('a grant that is taken away while a run is under way', () => {
  /** A run by `halfway`, who may also look at every topic: what is refused shows no earlier than in the transaction. */
  async function start(reach: ReachStep) {
    const { project } = await loadProject(guarded.world.root, guarded.variablesOf('halfway'));
    if (project === undefined) throw new Error('no project');
    await using system = composeSystem(project);
    const progress = { update: () => undefined, warn: () => undefined };
    const settings = { options: DEFAULT_OPTIONS, signal: new AbortController().signal, progress, reach };
    return await capture(await createJob(system, project, guarded.world.mapping('account'), settings));
  }
  const look = (): PrintedAcl[] =>
    Object.values(guarded.topics).map((resourceName) => ({
      principal: 'User:halfway',
      host: '*',
      permission: 'ALLOW',
      operation: 'DESCRIBE',
      resourceType: 'TOPIC',
      resourceName,
      patternType: 'LITERAL',
      purposes: [],
      mappings: [],
    }));

  test.each([
    ['facts', 'before_first_send'],
    ['quarantine', 'before_first_send'],
    ['runs', 'before_first_send'],
    ['snapshot', 'before_first_send'],
    ['snapshot', 'before_fence'],
    ['transactional id', 'before_fence'],
    ['transactional id', 'before_first_send'],
    ['transactional id', 'commit_sent'],
  ] as const)('Write on %s, at %s: named, nothing is half-written, the next run goes on', async (what, step) => {
    const acls = await guarded.printed('halfway', '--for', 'run');
    await guarded.kafka.give([...acls, ...look()]);
    const isTaken = (acl: PrintedAcl) =>
      acl.operation === 'WRITE' &&
      (what === 'transactional id' ? acl.resourceType === 'TRANSACTIONAL_ID' : acl.resourceName === guarded.topics[what]);
    const taken = acls.filter(isTaken);
    expect(taken).toHaveLength(1);
    await guarded.touch();
    await guarded.spoil();
    const before = await guarded.world.fold('account');
    let took = false;
    const running = start(async (reached) => {
      if (reached !== step || took) return;
      took = true;
      await guarded.kafka.take(taken);
    });
    const { grant } = wordsOf(taken[0] as PrintedAcl);
    await expect(running).rejects.toMatchObject({ code: 'KAFKA_DENIED', message: expect.stringContaining(`User:halfway lacks ${grant}`) });
    expect(took).toBe(true);
    await guarded.kafka.give(taken);
    expect(await start(() => undefined)).toMatchObject({ published: 3 });
    const after = await guarded.expectFacts();
    expect(after.records).toBe(before.records + 3);
  });
});

test('somebody without any grant is told all that a look can find', async () => {
  const { code, stdout } = await guarded.as('bare', 'doctor');
  expect(code).toBe(3);
  const { facts, snapshot, quarantine, runs } = guarded.topics;
  const wanted = [...[facts, quarantine, runs].map((topic) => `Describe on topic ${topic}`), `Read on topic ${snapshot}`];
  expect(lacking({ code, stdout, stderr: '' }).toSorted()).toEqual(
    [...wanted, `Write on transactional id headrace.${guarded.world.project.name}._doctor`].toSorted(),
  );
});

test('somebody with a wrong password is told so by doctor, once', async () => {
  const variables = { ...guarded.variablesOf('service'), WORLD_PASSWORD: 'not-the-secret' };
  const { code, stdout, stderr } = await headrace(guarded.world.root, ['doctor'], variables);
  expect(code).toBe(3);
  expect(stdout.match(/^✖ .*$/gm)).toEqual([expect.stringMatching(/^✖ kafka {2}cluster: .*refused the login/)]);
  expect(stdout).toContain('→ Check kafka.sasl: mechanism, username and password.');
  expect(stdout + stderr).not.toContain('not-the-secret');
});
