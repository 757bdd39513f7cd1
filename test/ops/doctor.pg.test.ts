import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { topicSpecsOf, topicsOf } from '../../src/publish/topics.ts';
import { headrace } from '../cli/in-process.ts';
import { ACCOUNTS } from '../faults/accounts.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { freePort } from '../systems/free-port.ts';

interface Finding {
  readonly check: string;
  readonly subject: string;
  readonly status: 'ok' | 'suspicious' | 'failed';
  readonly message: string;
  readonly remedy: string | null;
  readonly code: string | null;
}

/** Another environment than dev: there the contracts of a test's project are frozen. */
const FILES: WorldFiles = { ...ACCOUNTS.files, environment: 'test' };

let world: World;
beforeAll(async () => {
  world = await World.create(ACCOUNTS.table, FILES);
  await world.run('account');
});
afterAll(() => world?.close());

/** What `doctor` finds beside what is fine, and beside the one broker that a test has. */
async function trouble(env: Readonly<Record<string, string>> = {}): Promise<{ code: number; found: readonly Finding[] }> {
  const { code, stdout, stderr } = await headrace(world.root, ['doctor', '--json'], { ...world.variables, ...env });
  expect(stdout, stderr).not.toBe('');
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  for (const { status, remedy, message } of findings) if (status !== 'ok') expect(remedy, message).toMatch(/\S/);
  return { code, found: findings.filter(({ status, subject }) => status !== 'ok' && subject !== 'brokers') };
}

const topics = () => topicsOf(world.project.name, world.mapping('account'));

async function edited(files: WorldFiles, act: () => Promise<void>): Promise<void> {
  await world.edited(files);
  try {
    await act();
  } finally {
    await world.edited(FILES);
  }
}

async function withSettings(topic: string, config: Record<string, string>, act: () => Promise<void>): Promise<void> {
  const { admin } = world.system;
  const before = (await admin.describe([topic])).get(topic)?.config;
  await admin.alterConfig(topic, new Map(Object.entries(config)));
  await act();
  await admin.alterConfig(topic, new Map(Object.keys(config).map((name) => [name, before?.get(name) ?? ''])));
}

test('where all is well, nothing', async () => {
  expect(await trouble()).toEqual({ code: 0, found: [] });
});

describe('Kafka that cannot be reached is told once, not for each mapping', () => {
  test.each([
    ['nobody listens', async () => `127.0.0.1:${await freePort()}`, /ECONNREFUSED/, /Check kafka\.brokers, that the brokers run/],
    ['an unknown host', async () => 'kafka.invalid:9092', /kafka\.invalid/, /The host name is unknown: check kafka\.brokers/],
  ])('%s', async (_, brokers, message, remedy) => {
    expect(await trouble({ WORLD_BROKERS: await brokers() })).toEqual({
      code: 3,
      found: [
        {
          ...{ check: 'kafka', subject: 'cluster', status: 'failed', code: 'KAFKA_UNREACHABLE' },
          ...{ message: expect.stringMatching(message), remedy: expect.stringMatching(remedy) },
        },
      ],
    });
  });
});

test('a warehouse that refuses the login: told, and Kafka is looked at nonetheless', async () => {
  const url = Object.assign(new URL(world.databaseUrl), { username: 'nobody', password: 'hunter2' }).toString();
  const { stdout, code } = await headrace(world.root, ['doctor', '--json'], { ...world.variables, WORLD_URL: url });
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  expect(code).toBe(3);
  expect(findings.filter(({ status }) => status === 'failed')).toMatchObject([{ check: 'warehouse', subject: 'warehouse main' }]);
  expect(findings).toContainEqual(expect.objectContaining({ check: 'topics', status: 'ok' }));
  expect(stdout).not.toContain('hunter2');
});

describe('clocks that differ', () => {
  afterEach(() => void vi.useRealTimers());
  test.each([
    [3600, 'behind'],
    [-3600, 'ahead of'],
  ])('this machine %d s ahead of the warehouse: worth knowing', async (seconds, where) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000, shouldAdvanceTime: true });
    const { code, found } = await trouble();
    expect(code).toBe(0);
    expect(found).toMatchObject([{ check: 'clock', status: 'suspicious', remedy: expect.stringContaining('timedatectl') }]);
    expect(found[0]?.message).toMatch(new RegExp(`^its clock is 3(600|599|601) s ${where} this machine's$`));
  });
});

describe('topics', () => {
  const subject = 'mapping account';

  test('one is missing', async () => {
    const spec = topicSpecsOf(world.project, world.mapping('account'), 1).find(({ topic }) => topic === topics().runs);
    await world.system.admin.remove([topics().runs]);
    expect(await trouble()).toMatchObject({
      code: 3,
      found: [
        { subject, status: 'failed', code: 'TOPIC_MISSING', message: `missing: ${topics().runs}`, remedy: 'headrace topics apply account' },
      ],
    });
    if (spec !== undefined) await world.system.admin.create([spec]);
    expect(await trouble()).toEqual({ code: 0, found: [] });
  });

  test('a setting is not as the project says: worth knowing, and the command', async () => {
    await withSettings(topics().runs, { 'retention.ms': '1000' }, async () => {
      const message = `${topics().runs}: retention.ms is 1000, not 34560000000`;
      expect(await trouble()).toMatchObject({
        code: 0,
        found: [{ subject, status: 'suspicious', message, remedy: 'headrace topics apply account' }],
      });
    });
  });

  test('a setting under which entries would be lost: a run would refuse, and so it says', async () => {
    await withSettings(topics().snapshot, { 'cleanup.policy': 'compact,delete' }, async () => {
      const { code, found } = await trouble();
      expect(code).toBe(3);
      expect(found).toContainEqual(
        expect.objectContaining({ status: 'failed', code: 'TOPIC_UNFIT', remedy: 'headrace topics apply account' }),
      );
    });
  });

  test('more copies have to be in sync than there are: no record can be written', async () => {
    await withSettings(topics().facts, { 'min.insync.replicas': '2' }, async () => {
      expect(await trouble()).toMatchObject({
        code: 3,
        found: [
          {
            ...{ subject, status: 'failed', code: 'TOPIC_UNFIT' },
            message: `${topics().facts}: no record can be written, because 1 of 1 copies are in sync and min.insync.replicas is 2`,
            remedy: expect.stringMatching(/^kafka-configs\.sh .* --add-config min\.insync\.replicas=1$/),
          },
        ],
      });
    });
  });
});

test('another environment than that of the snapshot', async () => {
  await edited({ ...FILES, environment: 'prod' }, async () => {
    expect(await trouble()).toMatchObject({
      code: 1,
      found: [{ check: 'snapshot', code: 'SNAPSHOT_FOREIGN', message: expect.stringContaining('belongs to environment test') }],
    });
  });
});

test('a folder of local copies that is none: told by whatever looks at it, and no bug', async () => {
  const folder = path.join(world.root, '.headrace');
  rmSync(folder, { recursive: true });
  writeFileSync(folder, '');
  const { code, found } = await trouble();
  expect(code).toBe(1);
  expect(found).toMatchObject([
    { check: 'folder', code: 'LOCAL_COPY_FAILED', remedy: expect.stringContaining('snapshot.path') },
    { check: 'snapshot', code: 'LOCAL_COPY_FAILED' },
  ]);
  for (const args of [['status'], ['plan'], ['run'], ['state', 'show', 'account']]) {
    const said = await headrace(world.root, args, world.variables);
    expect(said.code).toBe(1);
    expect(said.stderr).toContain('[LOCAL_COPY_FAILED]');
  }
  rmSync(folder);
});

// Last: the topic stays as it becomes.
test('partitions were added to the fact topic', async () => {
  const admin = new Kafka({ brokers: [...world.project.kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: [{ topic: topics().facts, count: 5 }] });
  await admin.disconnect();
  await vi.waitFor(async () => expect((await world.system.admin.offsets(topics().facts)).length).toBe(5));
  const { code, found } = await trouble();
  expect(code).toBe(3);
  expect(found).toMatchObject([{ code: 'TOPIC_UNFIT', message: expect.stringContaining('it has 5 partitions, the project says 3') }]);
});
