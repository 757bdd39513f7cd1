import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ACCOUNTS, withAccounts } from '../faults/accounts.ts';
import { pythonPrograms } from '../systems/python-programs.ts';
import { logOf, SERVED, until } from './served.ts';

const TOKEN = 'a-token-of-the-property-test';
const PROJECT = `serve:
  listen: 127.0.0.1:0
  rate_limit: 1000000
  tokens: [{ name: property, role: operator, token: "\${API_TOKEN}" }]
`;
/** What schemathesis looks for (https://schemathesis.readthedocs.io/en/stable/reference/checks/). */
const CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection';

test('requests that schemathesis makes of the OpenAPI document find no 5xx, and no answer that it does not describe', async () => {
  const schemathesis = path.join(await pythonPrograms('schemathesis'), 'schemathesis');
  await withAccounts(
    async (world) => {
      const daemon = world.start(['serve']);
      try {
        await until(daemon, 'the address', (lines) => lines.some(({ msg }) => msg === 'listening'));
        const { address = '' } = logOf(daemon).find(({ msg }) => msg === 'listening') ?? {};
        const args = ['run', `${address}/v1/openapi.json`, '-H', `Authorization: Bearer ${TOKEN}`, '--checks', CHECKS];
        const bounds = [
          '--max-examples',
          '15',
          '--seed',
          '20261126',
          '--generation-database',
          'none',
          '--no-color',
          '--phases',
          'examples,coverage,fuzzing',
        ];
        const found = await promisify(execFile)(schemathesis, [...args, ...bounds], { cwd: world.root, maxBuffer: 64 << 20 }).catch(
          (error: unknown) => error as { stdout: string; stderr: string },
        );
        expect(found, found.stdout).not.toHaveProperty('code');
        daemon.kill('SIGTERM');
        const { code, stderr } = await daemon.ended;
        expect(code).toBe(143);
        expect(stderr).not.toContain('a request failed');
        expect(stderr).not.toContain(TOKEN);
      } finally {
        daemon.kill('SIGKILL');
      }
    },
    { files: { ...SERVED, project: PROJECT, env: { API_TOKEN: TOKEN } }, table: ACCOUNTS.table },
  );
}, 300_000);
