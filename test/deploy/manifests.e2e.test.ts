import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { temporaryFolder } from '../config/written-project.ts';
import { ACCOUNTS, withAccounts } from '../faults/accounts.ts';
import { endsOf, SERVED, until } from '../server/served.ts';
import { pythonPrograms } from '../systems/python-programs.ts';
import { RENDERED } from './chart.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../deploy/kubernetes');
/** Resources of others, which Kubernetes itself does not know. */
const FOREIGN = ['kustomization.yml', 'podmonitor.yml'];
const NOBODY = 65_534;

test('Kubernetes accepts the manifests, and what Helm makes of the chart', async () => {
  const validate = path.join(await pythonPrograms('kubernetes'), 'kubernetes-validate');
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yml') && !FOREIGN.includes(name));
  expect(files.length).toBeGreaterThan(4);
  const charted = parseAllDocuments(readFileSync(RENDERED, 'utf8')).filter((each) => each.get('kind') !== 'PodMonitor');
  expect(charted.length).toBeGreaterThan(6);
  const rendered = path.join(await temporaryFolder(), 'rendered.yml');
  writeFileSync(rendered, charted.map(String).join('---\n'));
  // Throws with what it says where one is not valid.
  await promisify(execFile)(validate, ['--strict', '-k', '1.32', ...files.map((name) => path.join(FOLDER, name)), rendered]);
});

describe('as in a pod: nobody in particular, a home and a project that cannot be written, one folder for the state', () => {
  test('the CronJob of governance, then `serve`', async () => {
    await withAccounts(
      async (world, accounts) => {
        const state = path.join(world.root, '.headrace');
        mkdirSync(state, { recursive: true });
        // Whoever is not root is nobody in particular already.
        const isRoot = process.getuid?.() === 0;
        if (isRoot) chownSync(state, NOBODY, NOBODY);
        chmodSync(world.root, 0o555);
        const asNobody = (command: string[]) =>
          isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...command] : command;
        const env = { HOME: '/nonexistent' };

        const job = world.startBy(asNobody, ['run', '--select', 'class:governance', '--json', '--log-level', 'info'], env);
        const { code, stdout, stderr } = await job.ended;
        expect(code, stderr).toBe(0);
        expect((JSON.parse(stdout) as { mappings: { mapping: string }[] }).mappings.map(({ mapping }) => mapping)).toEqual(['right']);
        await world.expectFacts('right', await accounts.expected());

        const daemon = world.startBy(asNobody, ['serve'], env);
        await until(daemon, 'a run of each', (lines) =>
          ['account', 'twin', 'slow', 'right'].every((name) => endsOf(lines, name).length > 0),
        );
        daemon.kill('SIGTERM');
        expect((await daemon.ended).code).toBe(143);
        for (const name of ['account', 'twin']) await world.expectFacts(name, await accounts.expected());
        chmodSync(world.root, 0o755);
      },
      { files: SERVED, table: ACCOUNTS.table },
    );
  });
});
