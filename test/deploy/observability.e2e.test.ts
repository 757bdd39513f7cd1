import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../config/written-project.ts';
import { promtool } from '../systems/promtool.ts';

const DEPLOY = path.resolve(import.meta.dirname, '../../deploy');

test('promtool accepts the alert rules, and they fire and recover as their own tests say', async () => {
  expect(await promtool(['check', 'rules', path.join(DEPLOY, 'prometheus/headrace.rules.yml')])).toContain('SUCCESS');
  expect(await promtool(['test', 'rules', path.join(DEPLOY, 'prometheus/headrace.rules.test.yml')])).toContain('SUCCESS');
});

test('promtool understands every query of the dashboard', async () => {
  const { panels } = JSON.parse(await readFile(path.join(DEPLOY, 'grafana/headrace.json'), 'utf8')) as {
    panels: { targets: { expr: string }[] }[];
  };
  const queries = panels.flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$mapping', '.*')),
  );
  expect(queries.length).toBeGreaterThan(20);
  const file = path.join(await temporaryFolder(), 'queries.yml');
  const rules = queries.map((expr, n) => ({ record: `dashboard:query:${n}`, expr }));
  await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  expect(await promtool(['check', 'rules', file])).toContain('SUCCESS');
});
