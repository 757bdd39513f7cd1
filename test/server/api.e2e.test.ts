import { expect, test } from 'vitest';
import { ACCOUNTS, withAccounts } from '../faults/accounts.ts';
import { findFaults, PROPERTY_PROJECT, PROPERTY_TOKENS } from './schemathesis.ts';
import { logOf, SERVED, until } from './served.ts';

test('requests that schemathesis makes of the OpenAPI document find no 5xx, and no answer that it does not describe', async () => {
  await withAccounts(
    async (world) => {
      const daemon = world.start(['serve']);
      try {
        await until(daemon, 'the address', (lines) => lines.some(({ msg }) => msg === 'listening'));
        const { address = '' } = logOf(daemon).find(({ msg }) => msg === 'listening') ?? {};
        expect(await findFaults(address, world.root, { examples: 10, seed: 20261126 })).toBeNull();
        daemon.kill('SIGTERM');
        const { code, stderr } = await daemon.ended;
        expect(code).toBe(143);
        expect(stderr).not.toContain('a request failed');
        for (const token of Object.values(PROPERTY_TOKENS)) expect(stderr).not.toContain(token);
      } finally {
        daemon.kill('SIGKILL');
      }
    },
    { files: { ...SERVED, project: PROPERTY_PROJECT, env: PROPERTY_TOKENS }, table: ACCOUNTS.table },
  );
}, 300_000);
