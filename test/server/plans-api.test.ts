import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makePlan } from '../../src/ops/plans/apply.ts';
import { authorize } from '../../src/ops/plans/authorize.ts';
import { digestOf, type PlanContent, type Signature, type SignedPlan } from '../../src/ops/plans/plan-file.ts';
import { openSigner, type Signer } from '../../src/ops/plans/signatures.ts';
import { approvalsOf, person, signing } from '../run/people.ts';
import { TestApi } from './test-api.ts';

const PEOPLE = [person('erin'), person('dana'), person('frank')] as const;
const CONTENT: PlanContent = {
  operation: 'undo',
  risk: 'high',
  risks: ['customer has the class command'],
  order: { run: '20261123T115846123Z-9f2c01' },
  basis: { topics: { 'shop.customer': ['0:17'] } },
  effect: { updated: 3 },
  size: 3,
};

let api: TestApi;
let folder: string;
const [erin, dana] = [(): Signer => signerOf(0), (): Signer => signerOf(1)];

beforeEach(async () => {
  api = await TestApi.start(approvalsOf(PEOPLE));
  folder = mkdtempSync(path.join(os.tmpdir(), 'headrace-plans-'));
});

afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

function signerOf(index: 0 | 1 | 2): Signer {
  const [, name = '', , key = ''] = signing(folder, PEOPLE[index]);
  return openSigner(api.project, name, key);
}

/** As the file that `--out` writes. */
function planned(by: Signer = erin(), nowMs = Date.now(), content: PlanContent = CONTENT): SignedPlan {
  return makePlan(api.project, path.join(folder, `${Math.random()}.plan`), { signer: by }, 'a bad join', content, nowMs);
}

function approval({ digest }: SignedPlan, by: Signer): Signature {
  return by.sign('approved', digest, new Date().toISOString());
}

async function handedIn(signed = planned()): Promise<SignedPlan> {
  const answer = await api.call('POST', '/v1/plans', { role: 'operator', body: JSON.stringify(signed) });
  expect(answer.status, answer.text).toBe(200);
  return signed;
}

function approve({ plan }: SignedPlan, given: unknown) {
  return api.call('POST', `/v1/plans/${plan.id}/approvals`, { role: 'approver', body: JSON.stringify(given) });
}

async function listed() {
  return (await api.call('GET', '/v1/plans', { role: 'viewer' })).body.plans;
}

function expectNothingKept(): void {
  const kept = path.join(api.project.snapshot.path, api.project.name, '_plans');
  expect(existsSync(kept) ? readdirSync(kept) : []).toEqual([]);
  expect(api.asked).toEqual([]);
}

test('one hands a plan in, another approves it with their own key, and what is fetched then may be applied', async () => {
  const signed = await handedIn();
  expect(await listed()).toMatchObject([
    { id: signed.plan.id, operation: 'undo', risk: 'high', planner: 'erin', state: 'waiting', approvedBy: [] },
  ]);
  const fetched = (await api.call('GET', `/v1/plans/${signed.plan.id}`, { role: 'viewer' })).body as unknown as SignedPlan;
  expect(fetched).toEqual(signed);
  expect(() => authorize(api.project, fetched, 'undo', Date.now())).toThrow('nobody else than erin has approved it');

  const answer = await approve(signed, approval(fetched, dana()));
  expect(answer.status, answer.text).toBe(200);
  expect(await listed()).toMatchObject([{ state: 'ready', approvedBy: ['dana'] }]);
  const approved = (await api.call('GET', `/v1/plans/${signed.plan.id}`, { role: 'operator' })).body as unknown as SignedPlan;
  expect(authorize(api.project, approved, 'undo', Date.now()).map(({ identity }) => identity)).toEqual(['dana']);
  expect(api.asked).toEqual([`the operator handInPlan ${signed.plan.id}`, `the approver approvePlan ${signed.plan.id}`]);
});

test('handed in twice it is there once, and keeps its approvals; approved twice it has one of each person', async () => {
  const signed = await handedIn();
  await approve(signed, approval(signed, dana()));
  await approve(signed, approval(signed, dana()));
  await handedIn(signed);
  expect(await listed()).toMatchObject([{ state: 'ready', approvedBy: ['dana'] }]);
});

test('approvals that come with a plan are kept; a plan of low risk needs none', async () => {
  const signed = planned();
  await handedIn({ ...signed, approvals: [approval(signed, dana())] });
  await handedIn(planned(erin(), Date.now(), { ...CONTENT, risk: 'low' }));
  const states = (await listed()) as { risk: string; state: string }[];
  expect(Object.fromEntries(states.map(({ risk, state }) => [risk, state]))).toEqual({ high: 'ready', low: 'ready' });
});

describe('a plan is not taken in', () => {
  const unsigned = (signed: SignedPlan): SignedPlan => ({ ...signed, planned: null });
  const edited = (signed: SignedPlan): SignedPlan => ({ ...signed, plan: { ...signed.plan, size: 4 } });
  const redigested = (signed: SignedPlan): SignedPlan => {
    const { plan } = edited(signed);
    return { ...signed, plan, digest: digestOf(plan) };
  };
  const elsewhere = (signed: SignedPlan): SignedPlan => {
    const plan = { ...signed.plan, environment: 'prod' };
    return { ...signed, plan, digest: digestOf(plan) };
  };
  const withBadApproval = (signed: SignedPlan): SignedPlan => ({
    ...signed,
    approvals: [{ ...approval(signed, erin()), identity: 'dana' }],
  });
  test.each([
    ['that was edited', () => edited(planned()), 409, /edited/],
    ['that was edited, with a new digest', () => redigested(planned()), 409, /no planner whom headrace.yml knows has signed it/],
    ['that nobody has signed', () => unsigned(planned()), 409, /no planner whom headrace.yml knows has signed it/],
    ['of another environment', () => elsewhere(planned()), 409, /was made for/],
    ['that is too old', () => planned(erin(), Date.now() - 25 * 3_600_000), 409, /older than/],
    ['of the future', () => planned(erin(), Date.now() + 3_600_000), 409, /in the future/],
    ['with an approval that nobody gave', () => withBadApproval(planned()), 409, /not one that dana has given/],
    ['whose id is a path', () => ({ ...planned(), plan: { ...planned().plan, id: '../../../../x' } }), 400, /plan\.id/],
    ['with keys that nobody knows', () => ({ ...planned(), more: true }), 400, /more/],
    ['without a digest', () => ({ ...planned(), digest: undefined }), 400, /digest/],
  ] as const)('%s', async (_, make, status, message) => {
    const answer = await api.call('POST', '/v1/plans', { role: 'operator', body: JSON.stringify(make()) });
    expect(answer.status, answer.text).toBe(status);
    expect(answer.body.error?.message).toMatch(message);
    expectNothingKept();
  });

  test('with the id of another one', async () => {
    const signed = await handedIn();
    const other = { ...planned().plan, id: signed.plan.id };
    const digest = digestOf(other);
    const twin = { plan: other, digest, planned: erin().sign('planned', digest, other.createdAt), approvals: [] };
    const answer = await api.call('POST', '/v1/plans', { role: 'operator', body: JSON.stringify(twin) });
    expect(answer).toMatchObject({
      status: 409,
      body: { error: { code: 'PLAN_REFUSED', message: expect.stringContaining('another plan') } },
    });
    expect((await api.call('GET', `/v1/plans/${signed.plan.id}`, { role: 'viewer' })).body).toEqual(signed);
  });

  test('larger than 256 KiB', async () => {
    const large = planned(erin(), Date.now(), { ...CONTENT, basis: { text: 'x'.repeat(300_000) } });
    expect((await api.call('POST', '/v1/plans', { role: 'operator', body: JSON.stringify(large) })).status).toBe(413);
    const fitting = planned(erin(), Date.now(), { ...CONTENT, basis: { text: 'x'.repeat(200_000) } });
    await handedIn(fitting);
  });
});

describe('an approval is refused', () => {
  test.each([
    ['of the planner', (signed: SignedPlan) => approval(signed, erin()), 409, /has made it/],
    [
      'that is the signature of the planner',
      (signed: SignedPlan) => ({ ...signed.planned, identity: 'dana' }),
      409,
      /not one that dana has given/,
    ],
    ['of another plan', () => approval(planned(), dana()), 409, /not one that dana has given/],
    ['in the name of another', (signed: SignedPlan) => ({ ...approval(signed, dana()), identity: 'frank' }), 409, /not one that frank/],
    ['of nobody', (signed: SignedPlan) => ({ ...approval(signed, dana()), identity: 'mallory' }), 409, /has not the role approver/],
    ['that is no signature', (signed: SignedPlan) => ({ ...approval(signed, dana()), signature: 'yes' }), 400, /signature/],
  ] as const)('%s', async (_, make, status, message) => {
    const signed = await handedIn();
    const answer = await approve(signed, make(signed));
    expect(answer.status, answer.text).toBe(status);
    expect(answer.body.error?.message).toMatch(message);
    expect(await listed()).toMatchObject([{ state: 'waiting', approvedBy: [] }]);
  });

  test.each([
    ['viewer', 403],
    ['operator', 403],
    [undefined, 401],
  ] as const)('of a token with the role %s', async (role, status) => {
    const signed = await handedIn();
    const body = JSON.stringify(approval(signed, dana()));
    expect((await api.call('POST', `/v1/plans/${signed.plan.id}/approvals`, { role, body })).status).toBe(status);
    expect(await listed()).toMatchObject([{ state: 'waiting' }]);
  });

  test('of a plan that nobody handed in, as of one that is too old by now', async () => {
    const signed = planned();
    expect((await approve(signed, approval(signed, dana()))).status).toBe(404);
    expect((await api.call('GET', '/v1/plans/nothex', { role: 'viewer' })).status).toBe(400);
    const old = planned(erin(), Date.now() - 24 * 3_600_000 + 1_500);
    await handedIn(old);
    while (((await listed()) as unknown[]).length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await approve(old, approval(old, dana()))).status).toBe(404);
  });
});

test('who may not operate hands nothing in', async () => {
  for (const role of ['viewer', 'approver'] as const)
    expect((await api.call('POST', '/v1/plans', { role, body: JSON.stringify(planned()) })).status).toBe(403);
  expectNothingKept();
});
