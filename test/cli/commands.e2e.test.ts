import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../systems/free-port.ts';
import { ExampleProject } from './example-project.ts';

let project: ExampleProject;
beforeAll(async () => {
  project = await ExampleProject.create();
});
afterAll(() => project?.close());

const ENTITLEMENT = 'customer-entitlement';
const count = z.number().int().min(0);
const guards = z.array(
  z.strictObject({ guard: z.string(), count, of: count, exceeded: z.boolean(), allowed: z.boolean(), message: z.string() }).loose(),
);
const counts = z.strictObject({
  rows: count,
  unchanged: count,
  absent: count,
  rejected: count,
  created: count,
  updated: count,
  deleted: count,
  filled: count,
  recorded: count,
  quarantined: count,
  expired: count,
  late: count,
});
const error = z.strictObject({ code: z.string(), message: z.string(), path: z.string().nullable(), suggestion: z.string().nullable() });
const warnings = z.array(z.string());
const scope = z.enum(['initial load', 'full comparison', 'incremental']);
const RUN = z.strictObject({
  command: z.literal('run'),
  ok: z.boolean(),
  exitCode: z.number(),
  mappings: z.array(
    z.union([
      z.strictObject({ mapping: z.string(), exitCode: z.number(), error, warnings }),
      z.strictObject({
        mapping: z.string(),
        run: z.string(),
        scope,
        reason: z.string(),
        counts,
        changedFields: z.record(z.string(), count),
        published: count,
        chunks: count,
        guards,
        standing: z.strictObject({ facts: count, quarantined: count }),
        watermark: z.strictObject({ from: z.string().nullable(), to: z.string().nullable() }),
        tookMs: z.number(),
        warnings,
      }),
    ]),
  ),
});
const fact = z.record(z.string(), z.unknown()).nullable();
const PLAN = z.strictObject({
  command: z.literal('plan'),
  ok: z.boolean(),
  exitCode: z.number(),
  mappings: z.array(
    z.strictObject({
      mapping: z.string(),
      scope,
      reason: z.string(),
      counts,
      changedFields: z.record(z.string(), count),
      guards,
      live: count,
      watermark: z.string().nullable(),
      cost: z.strictObject({ fullBytes: count, incrementalBytes: count.nullable() }).nullable(),
      changeSet: z.string(),
      wouldStop: z.boolean(),
      topics: z.array(z.strictObject({ topic: z.string(), version: z.string(), facts: count })),
      samples: z.array(
        z.strictObject({ kind: z.string(), key: z.string(), version: count, reason: z.string().nullable(), before: fact, after: fact }),
      ),
      warnings,
    }),
  ),
});

/** Runs one mapping and returns how many facts it published. */
async function published(...args: string[]): Promise<number> {
  const { mappings } = RUN.parse(await project.json(['run', ENTITLEMENT, ...args]));
  const [only] = mappings;
  if (only === undefined || 'error' in only) throw new Error('the run failed');
  return only.published;
}

// In order: each test goes on where the one before ended.
describe('from nothing to the first facts', () => {
  test('without topics a run ends with 3 and says how to create them', async () => {
    const { code, stderr, stdout } = await project.headrace(['run', ENTITLEMENT]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('headrace topics apply');
    expect(await project.headrace(['doctor'])).toMatchObject({
      code: 3,
      stdout: expect.stringContaining(`→ headrace topics apply ${ENTITLEMENT}`),
    });
  });

  test('topics plan shows them, topics apply creates them, and then there is nothing to do', async () => {
    expect(await project.json(['topics', 'plan'])).toMatchObject({ topics: Array.from({ length: 16 }, () => ({ action: 'create' })) });
    expect(await project.headrace(['topics', 'apply'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('16 created, 0 changed'),
    });
    expect(await project.json(['topics', 'plan'])).toMatchObject({ topics: Array.from({ length: 16 }, () => ({ action: 'keep' })) });
  });

  test('a plan publishes nothing and leaves no local copy', async () => {
    const ends = await project.ends();
    const { mappings } = PLAN.parse(await project.json(['plan']));
    expect(mappings.map(({ mapping, counts }) => [mapping, counts.created, counts.recorded])).toEqual([
      ['consent', 20, 0],
      ['support-priority-command', 0, 100],
      [ENTITLEMENT, 200, 0],
      ['product-event', 30, 0],
    ]);
    expect(await project.ends()).toEqual(ends);
    expect(project.localHash()).toBe('none');
  });

  test('a run publishes what the table says', async () => {
    const result = RUN.parse(await project.json(['run']));
    expect(result).toMatchObject({ ok: true, exitCode: 0 });
    expect(result.mappings.map((m) => ('error' in m ? m.error : m.published))).toEqual([20, 0, 200, 30]);
    expect((await project.expectEntitlements()).records).toBe(200);
  });

  test('a person sees a table, on stdout, and nothing is drawn into a pipe', async () => {
    const { stdout, stderr } = await project.headrace(['run', ENTITLEMENT]);
    expect(stdout.split('\n')[0]).toMatch(/^mapping +comparison +rows +created +updated +deleted +quarantined +published +took$/);
    expect(stdout.split('\n')[1]).toMatch(/^customer-entitlement +incremental +200( +0){5} +\d/);
    expect(stderr).toBe('');
  });
});

test('status --metrics: the gauges of the daemon, without one; not beside --json', async () => {
  const { stdout } = await project.headrace(['status', '--metrics', ENTITLEMENT]);
  const lines = stdout.split('\n').filter((line) => !line.startsWith('#'));
  const labels = `{mapping="${ENTITLEMENT}"}`;
  expect(lines).toContain(`headrace_facts${labels} 200`);
  expect(lines).toContain(`headrace_overdue_seconds${labels} 0`);
  expect(lines).toContain(`headrace_mapping_state{mapping="${ENTITLEMENT}",state="healthy"} 1`);
  const [success, fresh] = ['last_success', 'fresh'].map((name) =>
    Number(lines.find((line) => line.startsWith(`headrace_${name}_timestamp_seconds`))?.split(' ')[1]),
  ) as [number, number];
  expect(success).toBeGreaterThan(fresh);
  expect(Date.now() / 1000 - success).toBeLessThan(600);
  expect((await project.headrace(['status', '--metrics', '--json'])).code).toBe(2);
});

describe('what publishes nothing', () => {
  test('a second run', async () => expect(await published()).toBe(0));

  test('a change of a column that no field reads', async () => {
    await project.touch(`note = 'x'`, 'true');
    expect(await published()).toBe(0);
    expect(await published('--full')).toBe(0);
  });

  test('the loss of the local copies', async () => {
    rmSync(project.localFolder, { recursive: true });
    expect(await published()).toBe(0);
    expect((await project.expectEntitlements()).records).toBe(200);
  });

  test.each([
    ['plan'],
    ['plan', '--full'],
    ['status'],
    ['state', 'show', ENTITLEMENT, '--count'],
    ['doctor'],
    ['topics', 'plan'],
    ['validate'],
  ])('%s %s: topics and local copies stay as they are', async (...args) => {
    const before = { ends: await project.ends(), local: project.localHash() };
    const { code, stderr } = await project.headrace(args);
    expect(code, stderr).toBe(0);
    expect({ ends: await project.ends(), local: project.localHash() }).toEqual(before);
  });
});

describe('a change', () => {
  test('is shown by the plan with hashed keys, and published by the run', async () => {
    await project.touch(`plan_code = 'gold'`, `customer_id = 'c5'`);
    await project.db.query(`delete from marts.customer_entitlements where customer_id = 'c6'`);
    const [planned] = PLAN.parse(await project.json(['plan', ENTITLEMENT, '--full'])).mappings;
    expect(planned).toMatchObject({ counts: { updated: 2, deleted: 2 }, changedFields: { tier: 2 }, wouldStop: false });
    const sample = planned?.samples.find(({ kind }) => kind === 'updated');
    expect(sample).toMatchObject({
      key: expect.stringMatching(/^#[0-9a-f]{12}$/),
      version: 2,
      before: { tier: 'SILVER' },
      after: { tier: 'GOLD' },
    });
    expect(JSON.stringify(planned)).not.toMatch(/"c[56]"/);

    const text = await project.headrace(['plan', ENTITLEMENT, '--full', '--show-keys']);
    expect(text.stdout).toContain('created 0 · updated 2 (tier 2) · deleted 2');
    expect(text.stdout).toMatch(/updated \["c5",".+"\] v2\n {4}tier {2}"SILVER" {2}→ "GOLD"/);
    expect(await published('--full')).toBe(4);
    await project.expectEntitlements();
  });

  test('that a guard stops is 4, until it is allowed', async () => {
    await project.touch(`region = 'us'`, 'true');
    const planned = await project.headrace(['plan', ENTITLEMENT]);
    expect(planned).toMatchObject({ code: 4, stdout: expect.stringContaining(`--allow updated`) });
    const stopped = RUN.parse(await project.json(['run', ENTITLEMENT], 4));
    expect(stopped).toMatchObject({ ok: false, exitCode: 4, mappings: [{ error: { code: 'GUARD_STOPPED' } }] });
    expect(await project.headrace(['plan', ENTITLEMENT, '--allow', 'updated'])).toMatchObject({ code: 0 });
    expect(await published('--allow', 'updated')).toBe(198);
    await project.expectEntitlements();
  });
});

describe('what is wrong', () => {
  test('a misspelled column: 2, with file, line and the nearest name', async () => {
    const mapping = readFileSync(`${project.root}/mappings/customer_entitlement.yml`, 'utf8');
    const line = mapping.split('\n').findIndex((text) => text.includes('from: plan_code')) + 1;
    await project.edited(
      'mappings/customer_entitlement.yml',
      (text) => text.replace('from: plan_code', 'from: plan_cod'),
      async () => {
        for (const command of ['run', 'plan', 'validate']) {
          const { code, stderr } = await project.headrace([command]);
          expect(code).toBe(2);
          expect(stderr).toMatch(
            new RegExp(`mappings/customer_entitlement\\.yml:${line}:\\d+ {2}fields\\.tier\\.from.*Did you mean \`plan_code\``),
          );
        }
      },
    );
  });

  test('a warehouse that does not answer: 3, with its address; status goes on without it', async () => {
    const env = { ANALYTICS_URL: `postgres://user:hunter2@127.0.0.1:${await freePort()}/db` };
    const startedAt = Date.now();
    const { code, stderr } = await project.headrace(['run', ENTITLEMENT], env);
    expect(code).toBe(3);
    expect(Date.now() - startedAt).toBeLessThan(15_000);
    expect(stderr).toMatch(/127\.0\.0\.1:\d+ cannot be reached/);
    const status = await project.json(['status', ENTITLEMENT], 0, env);
    expect(status).toMatchObject({ mappings: [{ facts: 198, lagMs: null }], warehouses: [{ error: { code: 'WAREHOUSE_UNREACHABLE' } }] });
    expect(stderr + JSON.stringify(status)).not.toContain('hunter2');
  });

  test('topics of another shape: what can be mended is, the rest is refused with 1', async () => {
    await project.admin.alterConfig('headrace.activation.consent.runs', new Map([['retention.ms', '1000']]));
    const planned = await project.headrace(['topics', 'plan', 'consent']);
    expect(planned.stdout).toContain('retention.ms: 1000 → 34560000000');
    await project.edited(
      'headrace.yml',
      (text) => text.replace('partitions: 6', 'partitions: 7'),
      async () => {
        const { code, stdout, stderr } = await project.headrace(['topics', 'apply', 'consent']);
        expect({ code }).toEqual({ code: 1 });
        expect(stdout).toContain('0 created, 1 changed, 2 as they should be, 1 refused');
        expect(stderr).toContain('it has 6 partitions, the project says 7');
      },
    );
    expect(await project.json(['topics', 'plan', 'consent'])).toMatchObject({
      topics: Array.from({ length: 4 }, () => ({ action: 'keep' })),
    });
  });
});

describe('state', () => {
  test('show: the copy beside the topic, without the fingerprint key', async () => {
    const { state } = (await project.json(['state', 'show', ENTITLEMENT, '--count'])) as {
      state: { local: { offset: number }; topic: { end: number } };
    };
    expect(state).toMatchObject({
      lock: null,
      states: { live: 198, deleted: 2, 'with a live fact': 198 },
      control: { contractVersion: '1.0' },
    });
    expect(state.local.offset).toBe(state.topic.end);
    expect(JSON.stringify(state)).not.toMatch(/"(key|nonce)":/);
  });

  test('rebuild: the same entries from the topic, and nothing to publish', async () => {
    const ends = await project.ends();
    expect(await project.json(['state', 'rebuild', ENTITLEMENT])).toMatchObject({ ok: true, entries: 200 });
    expect(await project.ends()).toEqual(ends);
    expect(await published()).toBe(0);
    expect(await published('--full')).toBe(0);
  });

  test('status without a local copy: the numbers of facts are unknown, the rest is read from the topic', async () => {
    rmSync(project.localFolder, { recursive: true });
    const { mappings } = await project.json(['status', ENTITLEMENT]);
    expect(mappings).toMatchObject([{ facts: null, watermark: expect.any(String), lease: null, lagMs: expect.any(Number) }]);
    expect(project.localHash()).toBe('none');
    expect(await published()).toBe(0);
  });
});

describe('while a run is under way', () => {
  const slowly = (step: string) => ({ HEADRACE_TEST_STEPS: '1', HEADRACE_TEST_STEP: step });

  test('a second one in the same folder is 5; looking on changes nothing for it', async () => {
    await project.touch(`region = 'eu'`, `customer_id = 'c1'`);
    const first = project.start(['run', ENTITLEMENT], slowly('while_mapping=sleep:20000'));
    await first.says('test step while_mapping');
    const second = RUN.parse(await project.json(['run', ENTITLEMENT], 5));
    expect(second).toMatchObject({
      exitCode: 5,
      mappings: [{ error: { code: 'OWNED_ELSEWHERE', message: expect.stringContaining(String(first.pid)) } }],
    });
    expect(await project.headrace(['state', 'rebuild', ENTITLEMENT])).toMatchObject({ code: 5 });
    expect(await project.json(['status', ENTITLEMENT])).toMatchObject({ mappings: [{ lease: { pid: first.pid } }] });
    expect(await project.headrace(['doctor'])).toMatchObject({ code: 0, stdout: expect.stringContaining('is under way') });
    const ended = await first.ended;
    expect(ended.code, ended.stderr).toBe(0);
    await project.expectEntitlements();
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s: what was begun is finished or dropped, the lease is given back', async (signal) => {
    await project.touch(`mrr = mrr + 1`, 'true');
    const args = ['run', ENTITLEMENT, '--chunk', '20', '--allow', 'updated', '--json'];
    const child = project.start(args, slowly('before_first_send:3=sleep:1500'));
    await child.says('test step before_first_send');
    child.kill(signal);
    const { code, stdout } = await child.ended;
    expect(code).toBe(signal === 'SIGTERM' ? 143 : 130);
    expect(RUN.parse(JSON.parse(stdout))).toMatchObject({ ok: false, exitCode: code, mappings: [{ error: { code: 'INTERRUPTED' } }] });
    expect(await project.json(['status', ENTITLEMENT])).toMatchObject({ mappings: [{ lease: null }] });
    expect(await published('--allow', 'updated')).toBe(196 - 60);
    await project.expectEntitlements();
  });

  test('a second signal ends it at once; the next run recovers', async () => {
    await project.touch(`mrr = mrr + 1`, 'true');
    const child = project.start(['run', ENTITLEMENT, '--allow', 'updated'], slowly('before_first_send=sleep:60000'));
    await child.says('test step before_first_send');
    child.kill('SIGTERM');
    await child.says('a second signal ends at once');
    child.kill('SIGTERM');
    expect(await child.ended).toMatchObject({ code: 143 });
    expect(await published('--allow', 'updated')).toBeGreaterThan(0);
    await project.expectEntitlements();
  });

  test('the log has the run, and no keys or values', async () => {
    await project.touch(`region = 'secret-place'`, `customer_id = 'c2'`);
    const { code, stderr } = await project.headrace(['run', ENTITLEMENT, '--log-level', 'info']);
    expect(code).toBe(0);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map((line) => line.msg)).toEqual(['run starts', 'run ended']);
    expect(lines[1]).toMatchObject({ run: lines[0]?.run, mapping: ENTITLEMENT, published: 2 });
    expect(stderr).not.toMatch(/secret-place|"c2"/);
    await project.expectEntitlements();
  });
});
