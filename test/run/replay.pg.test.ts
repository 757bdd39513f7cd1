import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { headrace, type Said } from '../cli/in-process.ts';
import { kafkaClassPath, kafkaFiles } from '../systems/kafka-jars.ts';
import { CUSTOMERS_MODEL, customerMapping } from './customers.ts';
import { approvalsOf, person, signing } from './people.ts';
import { World } from './world.ts';
import type { WorldFiles } from './world-files.ts';

const kafkajs = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');
const run = promisify(execFile);

const [erin, dana, mallory] = [person('erin'), person('dana'), person('mallory')];

const FILES: WorldFiles = {
  models: {
    customers: CUSTOMERS_MODEL,
  },
  mappings: {
    customer: customerMapping('customer', 'class: profile'),
    suspend: customerMapping('suspend', 'class: command\nundo: none\ninitial_load: publish'),
  },
  project: `${approvalsOf([erin, dana])}consumers:\n  PREFIX-idempotent: { idempotent: true }\n`,
};

const TABLE = `create table customers (id text primary key, tier text, updated_at timestamptz not null default clock_timestamp());
insert into customers select 'c' || g, 'gold' from generate_series(1, 50) g;`;

let world: World;
beforeEach(async () => {
  world = await World.create(TABLE, FILES);
  await world.run('customer');
  await world.run('suspend');
});
afterEach(() => world?.close());

const say = (...argv: string[]): Promise<Said> => headrace(world.root, argv, world.env);
const planFile = (name: string) => path.join(world.root, `${name}.plan`);
const topic = (name: string) => world.mapping(name).topic;

async function refused(what: Promise<Said>, code: string, message: RegExp): Promise<void> {
  const said = await what;
  expect({ code: said.code, stderr: said.stderr }).toMatchObject({ code: 4, stderr: expect.stringMatching(message) });
  expect(said.stderr).toContain(`[${code}]`);
}

async function records(): Promise<{ state: string; id: string; code?: string; planner: string; approvedBy: string[] }[]> {
  return (JSON.parse((await say('plans', '--json')).stdout) as { plans: never[] }).plans;
}

/** Consumes with a group of kafkajs until so many records came, and leaves; what came. */
async function consume(groupId: string, topics: string[], count: number, whileIn: () => Promise<void> = async () => {}): Promise<string[]> {
  const kafka = new kafkajs.Kafka({ brokers: [inject('kafkaBrokers')], logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  const seen: string[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topics, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error));
      if (count === 0) consumer.on(consumer.events.GROUP_JOIN, () => resolve());
      const eachMessage = async ({ message }: { message: { key: Buffer | null; headers?: Record<string, unknown> } }) => {
        seen.push(`${message.key} ${String(message.headers?.ce_id)}`);
        if (seen.length === count) resolve();
      };
      consumer.run({ eachMessage, autoCommitInterval: 50 }).catch(reject);
    });
    await whileIn();
  } finally {
    await consumer.disconnect();
  }
  return seen;
}

describe('a group of kafkajs', () => {
  test('is reset only after a second identity approved; each refusal is 4, and recorded', async () => {
    const group = `${world.project.name}-crm`;
    const first = await consume(group, [topic('customer'), topic('suspend')], 100);
    const file = planFile('all');
    const args = ['--group', group, '--to-offset', '0'];
    const planned = await say(
      'replay',
      'plan',
      ...args,
      '--out',
      file,
      '--reason',
      'the target was down',
      ...signing(world.root, erin),
      '--json',
    );
    expect(JSON.parse(planned.stdout)).toMatchObject({
      ok: true,
      operation: 'replay',
      risk: 'high',
      size: 100,
      effect: {
        events: 100,
        keys: 100,
        commands: 50,
        skipped: 0,
        mappings: ['customer', 'suspend'],
        members: 0,
        oldest: expect.any(String),
      },
    });
    await refused(say('replay', 'apply', file), 'PLAN_REFUSED', /nobody else than erin has approved it/);
    await refused(say('approve', file, ...signing(world.root, erin)), 'PLAN_REFUSED', /cannot approve it as well/);
    // A key that headrace.yml does not know, and one that is somebody else's.
    expect((await say('approve', file, ...signing(world.root, mallory))).code).toBe(2);
    expect((await say('approve', file, '--as', 'dana', '--key', path.join(world.root, 'erin.key'))).code).toBe(2);
    // The planner's own signature, put among the approvals by hand.
    const own = JSON.parse(readFileSync(file, 'utf8')) as { planned: { identity: string }; approvals: unknown[] };
    for (const identity of ['erin', 'dana']) {
      writeFileSync(file, JSON.stringify({ ...own, approvals: [{ ...own.planned, identity }] }));
      await refused(say('replay', 'apply', file), 'PLAN_REFUSED', /nobody else than erin has approved it/);
    }
    writeFileSync(file, JSON.stringify(own));
    expect((await say('replay', 'approve', file, ...signing(world.root, dana))).code).toBe(0);
    // While a member is in the group.
    await consume(group, [topic('customer'), topic('suspend')], 0, async () => {
      await refused(say('replay', 'apply', file), 'GROUP_ACTIVE', /has 1 member/);
    });
    expect(await say('replay', 'apply', file)).toMatchObject({ code: 0 });
    // The same events, with the same ids.
    const again = await consume(group, [topic('customer'), topic('suspend')], 100);
    expect(again.toSorted()).toEqual(first.toSorted());
    await refused(say('replay', 'apply', file), 'PLAN_REFUSED', /it was used before: applied/);
    // On another host, too.
    const other = await world.elsewhere();
    const elsewhere = await headrace(other.root, ['replay', 'apply', file], other.env);
    expect(elsewhere.code).toBe(4);
    const all = await records();
    expect(all.filter(({ state }) => state === 'applied')).toMatchObject([{ planner: 'erin', approvedBy: ['dana'] }]);
    expect(all.filter(({ state }) => state === 'refused').map(({ code }) => code)).toEqual([
      ...Array.from({ length: 3 }, () => 'PLAN_REFUSED'),
      'GROUP_ACTIVE',
      'PLAN_REFUSED',
      'PLAN_REFUSED',
    ]);
  }, 180_000);

  test('that has read on since, an edited plan, one that is too old: refused', async () => {
    const group = `${world.project.name}-crm`;
    await consume(group, [topic('customer')], 50);
    const file = planFile('edited');
    await say('replay', 'plan', 'customer', '--group', group, '--to-offset', '0', '--out', file, ...signing(world.root, erin));
    await say('approve', file, ...signing(world.root, dana));
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('"size": 50', '"size": 5'));
    await refused(say('replay', 'apply', file), 'PLAN_REFUSED', /was edited/);
    // Consistent in itself, but not what was signed.
    const signed = JSON.parse(text) as { plan: { createdAt: string }; digest: string };
    const { digestOf } = await import('../../src/ops/plans/plan-file.ts');
    const old = { ...signed.plan, createdAt: new Date(Date.now() - 25 * 3_600_000).toISOString() };
    writeFileSync(file, JSON.stringify({ ...signed, plan: old, digest: digestOf(old as never) }));
    await refused(say('replay', 'apply', file), 'PLAN_REFUSED', /older than 1440 minutes/);
    writeFileSync(file, text);
    await world.sql(`update customers set tier = 'silver', updated_at = clock_timestamp() where id in ('c1', 'c2')`);
    await world.run('customer');
    await consume(group, [topic('customer')], 2);
    await refused(say('replay', 'apply', file), 'PLAN_REFUSED', /what it was planned on has changed \(resets\)/);
    expect((await world.system.groups.committed(group, topic('customer'))).reduce((sum, offset) => sum + offset, 0)).toBeGreaterThan(50);
  }, 120_000);

  test('that is declared idempotent and reads no commands: a low risk, and nobody has to approve', async () => {
    const group = `${world.project.name}-idempotent`;
    await consume(group, [topic('customer')], 50);
    await world.sql(`update customers set tier = 'silver', updated_at = clock_timestamp() where id in ('c1', 'c2', 'c3')`);
    const { run: id } = await world.run('customer');
    await consume(group, [topic('customer')], 3);
    const file = planFile('low');
    const planned = await say('replay', 'plan', '--group', group, '--to-run', id, '--out', file, '--json');
    expect(JSON.parse(planned.stdout)).toMatchObject({ ok: true, risk: 'low', effect: { events: 3, keys: 3, commands: 0, skipped: 0 } });
    expect(await say('replay', 'apply', file)).toMatchObject({ code: 0 });
    expect(await consume(group, [topic('customer')], 3)).toHaveLength(3);
  }, 120_000);

  test('to a time: what is published before it is not read again; past it, what would be skipped is a high risk', async () => {
    const group = `${world.project.name}-idempotent`;
    await consume(group, [topic('customer')], 50);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const time = new Date().toISOString();
    await world.sql(`update customers set tier = 'silver', updated_at = clock_timestamp() where id = 'c1'`);
    await world.run('customer');
    const ahead = await say('replay', 'plan', '--group', group, '--to-offset', '999999', '--json');
    expect(JSON.parse(ahead.stdout)).toMatchObject({ risk: 'high', effect: { events: 0, skipped: 1 } });
    await consume(group, [topic('customer')], 1);
    const back = await say('replay', 'plan', '--group', group, '--to-time', time, '--json');
    expect(JSON.parse(back.stdout)).toMatchObject({ effect: { events: 1, skipped: 0 } });
  }, 120_000);
});

test("a group of Java's console consumer", async () => {
  const group = `${world.project.name}-idempotent`;
  const args = async (count: number) => [
    '-XX:TieredStopAtLevel=1',
    `-Dlog4j2.configurationFile=${kafkaFiles}/log4j2.properties`,
    ...['-cp', await kafkaClassPath(), 'org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', inject('kafkaBrokers')],
    ...['--topic', topic('customer'), '--group', group, '--from-beginning', '--max-messages', String(count), '--timeout-ms', '30000'],
  ];
  const read = async (count: number) => (await run('java', await args(count))).stdout.trim().split('\n');
  const first = await read(50);
  const file = planFile('java');
  expect(await say('replay', 'plan', '--group', group, '--to-offset', '0', '--out', file)).toMatchObject({ code: 0 });
  expect(await say('replay', 'apply', file)).toMatchObject({ code: 0 });
  const again = await read(50);
  expect(again.toSorted()).toEqual(first.toSorted());
}, 180_000);

describe('what else goes by an approved plan', () => {
  const strict = { ...FILES, project: approvalsOf([erin, dana], '  require: { guards: low, adopt: low }\n') };

  test('a run that exceeds a guard: just the changes that were approved', async () => {
    world = await world.edited(strict);
    await world.sql(`insert into customers select 'd' || g, 'gold' from generate_series(1, 400) g`);
    await world.run('customer');
    await world.sql(`update customers set tier = 'lead', updated_at = clock_timestamp()`);
    await refused(say('run', 'customer', '--allow', 'updated'), 'APPROVAL_NEEDED', /nobody has approved/);
    const file = planFile('guards');
    expect((await say('plan', 'customer', '--out', file, ...signing(world.root, erin))).code).toBe(0);
    await say('approve', file, ...signing(world.root, dana));
    await world.sql(`update customers set tier = 'tin', updated_at = clock_timestamp() where id = 'c1'`);
    await refused(say('run', 'customer', '--approved', file), 'PLAN_REFUSED', /changeSet/);
    const next = planFile('guards2');
    await say('plan', 'customer', '--out', next, ...signing(world.root, erin));
    await say('approve', next, ...signing(world.root, dana));
    const done = await say('run', 'customer', '--approved', next, '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({ ok: true, mappings: [{ published: 450 }] });
    const { id } = (JSON.parse(readFileSync(next, 'utf8')) as { plan: { id: string } }).plan;
    const fold = await world.fold('customer');
    expect(fold.violations).toEqual([]);
    expect(fold.history.get('c1')?.at(-1)).toMatchObject({ value: { tier: 'tin' }, headers: { ce_approval: id } });
    const ledger = await world.ledger('customer');
    expect(ledger.at(-1)).toMatchObject({ approval: id, allowed: ['updated'] });
    await refused(say('run', 'customer', '--approved', next), 'PLAN_REFUSED', /used before/);
  });

  test('--approve releases the changes of a digest, and no others', async () => {
    await world.sql(`insert into customers select 'd' || g, 'gold' from generate_series(1, 400) g`);
    await world.run('customer');
    await world.sql(`update customers set tier = 'lead', updated_at = clock_timestamp()`);
    const digestNow = async () =>
      (JSON.parse((await say('plan', 'customer', '--json')).stdout) as { mappings: { changeSet: string }[] }).mappings[0]?.changeSet ?? '';
    const digest = await digestNow();
    expect(await digestNow()).toBe(digest);
    const elsewhere = await (await world.elsewhere()).plan('customer', { full: false });
    expect(elsewhere.changeSet).toBe(digest);
    await world.sql(`update customers set tier = 'tin', updated_at = clock_timestamp() where id = 'c1'`);
    await refused(say('run', 'customer', '--approve', digest), 'GUARD_STOPPED', /not those that were approved/);
    expect(await say('run', 'customer', '--approve', await digestNow())).toMatchObject({ code: 0 });
  });

  test('an adoption', async () => {
    world = await world.edited(strict);
    await refused(say('state', 'adopt', 'customer', '--yes'), 'APPROVAL_NEEDED', /nobody has approved this adoption/);
    const file = planFile('adopt');
    expect((await say('state', 'adopt', 'customer', '--out', file, ...signing(world.root, erin))).code).toBe(0);
    await refused(say('state', 'adopt', 'customer', '--approved', file), 'PLAN_REFUSED', /nobody else/);
    await say('approve', file, ...signing(world.root, dana));
    expect(await say('state', 'adopt', 'customer', '--approved', file)).toMatchObject({ code: 0 });
    expect((await world.ledger('customer')).at(-1)).toMatchObject({ origin: 'adopt' });
  });
});

test('without `approvals` no plan is written or applied', async () => {
  world = await world.edited({ ...FILES, project: '' });
  const said = await say('replay', 'plan', 'customer', '--group', 'any', '--to-offset', '0', '--out', planFile('none'));
  expect({ code: said.code, stderr: said.stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('no `approvals`') });
});
