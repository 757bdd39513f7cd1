import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Alert } from '../../src/server/alerts.ts';
import { ACCOUNTS, withAccounts } from '../faults/accounts.ts';
import type { Child } from '../run/child.ts';
import { promtool } from '../systems/promtool.ts';
import { type ReceivedRequest, withReceiver } from '../systems/receiver.ts';
import { endsOf, logOf, SERVED, until } from './served.ts';

const SECRETS = { ALERT_PATH: 'path-that-nobody-may-know', ALERT_AUTH: 'Bearer word-that-nobody-may-know' };

/** A webhook that is broken at first, as webhooks are. */
function withWebhook(
  test: (url: string, told: () => { alert: Alert; headers: ReceivedRequest['headers'] }[]) => Promise<void>,
): Promise<void> {
  const told = (requests: readonly ReceivedRequest[]) =>
    requests.map(({ text, headers }) => ({ alert: JSON.parse(text) as Alert, headers }));
  return withReceiver(
    ({ address, requests }) => test(`${address}/${SECRETS.ALERT_PATH}`, () => told(requests)),
    ({ path }, n) => (path === `/${SECRETS.ALERT_PATH}` ? ([500, 302][n] ?? 204) : 404),
  );
}

async function untilTold(daemon: Child, isThere: () => boolean): Promise<void> {
  for (const endsAt = Date.now() + 60_000; !isThere(); ) {
    if (Date.now() > endsAt) throw new Error(`the webhook was not told:\n${daemon.stderr}`);
    await delay(50);
  }
}

const PROJECT = `serve:
  listen: 127.0.0.1:0
  retry: { first: 200ms, longest: 1s }
  alerts:
    webhook: { url: "\${ALERT_URL}", headers: { Authorization: "\${ALERT_AUTH}" } }
consumers:
  crm: { idempotent: true }
  nobody: { idempotent: true }
`;
const FILES = {
  ...SERVED,
  project: PROJECT,
  models: { accounts: SERVED.models.accounts ?? '' },
  mappings: { account: SERVED.mappings.account ?? '' },
};

test('the webhook hears of a change of state until it takes it, and of the recovery after a restart; metrics tell the same, and promtool accepts them', async () => {
  await withWebhook(async (url, told) => {
    await withAccounts(
      async (world) => {
        const first = world.start(['serve']);
        await until(first, 'a run', (lines) => endsOf(lines, 'account').length > 0);
        await world.sql('alter table accounts rename column plan to plan_of_old');
        await untilTold(first, () => told().length >= 3);
        await until(first, 'the delivery', (lines) => lines.some(({ msg }) => msg === 'alert delivered'));
        first.kill('SIGTERM');
        await first.ended;
        expect(told().map(({ alert }) => [alert.event, alert.previousState, alert.mapping])).toEqual(
          Array(3).fill(['blocked', 'healthy', 'account']),
        );
        expect(new Set(told().map(({ alert }) => alert.id)).size).toBe(1);
        expect(told()[0]?.headers).toMatchObject({ authorization: SECRETS.ALERT_AUTH, 'content-type': 'application/json' });
        expect(told()[2]?.alert).toMatchObject({
          version: 1,
          project: world.project.name,
          environment: 'dev',
          class: 'profile',
          owner: 'team@example.com',
          error: { code: 'CONFIG_INVALID' },
        });

        await world.sql('alter table accounts rename column plan_of_old to plan');
        const { topic } = world.mapping('account');
        const partitions = await world.system.admin.offsets(topic);
        await world.system.groups.reset(
          'crm',
          topic,
          partitions.map(({ start }) => start),
        );
        const second = world.start(['serve']);
        await untilTold(second, () => told().length >= 4);
        expect(told()[3]?.alert).toMatchObject({
          event: 'recovered',
          state: 'healthy',
          previousState: 'blocked',
          failures: 0,
          error: null,
        });

        const { address = '' } = logOf(second).find(({ msg }) => msg === 'listening') ?? {};
        let text = '';
        for (
          const endsAt = Date.now() + 60_000;
          !text.includes('headrace_consumer_group_lag_records{') && Date.now() < endsAt;
          await delay(100)
        )
          text = await (await fetch(`${address}/metrics`)).text();
        const value = (series: string) =>
          Number(
            text
              .split('\n')
              .find((line) => line.startsWith(`${series} `))
              ?.split(' ')[1],
          );
        const behind = partitions.reduce((sum, { start, end }) => sum + end - start, 0);
        expect(value(`headrace_consumer_group_lag_records{group="crm",mapping="account",topic="${topic}"}`)).toBe(behind);
        expect(text).not.toContain('group="nobody"');
        expect(value('headrace_mapping_state{mapping="account",state="healthy"}')).toBe(1);
        expect(value('headrace_mapping_state{mapping="account",state="blocked"}')).toBe(0);
        expect(value('headrace_facts{mapping="account"}')).toBe(200);
        expect(value('headrace_quarantined_rows{mapping="account"}')).toBe(0);
        expect(value('headrace_rows_read_total{mapping="account"}')).toBeGreaterThanOrEqual(200);
        expect(value('headrace_guards_exceeded_total{mapping="account",guard="deleted",outcome="stopped"}')).toBe(0);
        expect(value('headrace_step_duration_seconds_count{mapping="account",step="recover"}')).toBeGreaterThan(0);
        expect(value('headrace_step_duration_seconds_count{mapping="account",step="compare"}')).toBeGreaterThan(0);
        expect(value('headrace_step_duration_seconds_count{mapping="account",step="reopen"}')).toBe(0);
        for (const name of ['fresh', 'watermark', 'last_success'])
          expect(Date.now() / 1000 - value(`headrace_${name}_timestamp_seconds{mapping="account"}`), name).toBeLessThan(600);
        expect(value('headrace_alerts_total{outcome="delivered"}')).toBe(1);
        // Node's own are prom-client's to name.
        expect(await promtool(['check', 'metrics'], text.replaceAll(/^.*\bnodejs_.*\n/gm, ''))).toBe('');

        second.kill('SIGTERM');
        const { stderr } = await second.ended;
        for (const secret of Object.values(SECRETS)) expect(first.stderr + stderr + text).not.toContain(secret);
      },
      { files: { ...FILES, env: { ALERT_URL: url, ALERT_AUTH: SECRETS.ALERT_AUTH } }, table: ACCOUNTS.table },
    );
  });
});
