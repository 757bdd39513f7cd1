import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { Metrics } from '../../src/server/metrics.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFile(path.join(ROOT, file), 'utf8');
const RULES = 'deploy/prometheus/headrace.rules.yml';

interface Described {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** What the code defines, Node's own metrics aside. */
const metrics: readonly Described[] = (new Metrics('0').registry as unknown as { getMetricsAsArray(): object[] })
  .getMetricsAsArray()
  .map((metric) => ({ type: metric.constructor.name.toLowerCase(), ...(metric as { name: string; help: string; labelNames: string[] }) }))
  .filter(({ name }) => name.startsWith('headrace_'))
  .map(({ name, type, help, labelNames: labels }) => ({ name, type, help, labels }));
const exported = new Set(
  metrics.flatMap(({ name, type }) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])),
);

const namesIn = (text: string): Set<string> => new Set(text.match(/\bheadrace_[a-z_]+/g));

test('docs/observability.md lists every metric with its type, labels and meaning, and no other', async () => {
  const rows = [...(await read('docs/observability.md')).matchAll(/^\| `(headrace_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$/gm)];
  const documented = rows.map(([, name, type, labels, help]) => ({ name, type, labels: (labels ?? '').match(/\w+/g) ?? [], help }));
  const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1);
  expect([...documented].sort(byName)).toEqual([...metrics].sort(byName));
});

test('labels are bounded by the configuration: none of them could hold a key or a value of a row', () => {
  const bounded = ['mapping', 'ending', 'code', 'guard', 'outcome', 'operation', 'state', 'step', 'group', 'topic', 'version'];
  for (const { name, labels } of metrics) expect(bounded, name).toEqual(expect.arrayContaining([...labels]));
});

test('the rules name metrics that are exported, pages that are there, and each one is tested', async () => {
  const text = await read(RULES);
  const { groups } = parse(text) as { groups: { rules: { alert: string; expr: string; annotations: { runbook: string } }[] }[] };
  const rules = groups.flatMap((group) => group.rules);
  for (const { expr } of rules) for (const name of namesIn(expr)) expect(exported, expr).toContain(name);
  const tested = await read('deploy/prometheus/headrace.rules.test.yml');
  for (const { alert } of rules) expect(tested).toContain(`alertname: ${alert}\n`);
  for (const { runbook } of new Set(rules.map(({ annotations }) => annotations))) {
    const [file = '', anchor] = runbook.split('#');
    const headings = [...(await read(file)).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    if (anchor !== undefined) expect(headings, runbook).toContain(anchor);
  }
});

test('the dashboard queries metrics that are exported, and shows every one of them', async () => {
  const { panels, templating } = JSON.parse(await read('deploy/grafana/headrace.json')) as {
    panels: { id: number; title: string; gridPos: { x: number; y: number; w: number; h: number }; targets: { expr: string }[] }[];
    templating: { list: { name: string }[] };
  };
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const named = new Set(queries.flatMap((expr) => [...namesIn(expr)]));
  for (const name of named) expect(exported).toContain(name);
  for (const { name } of metrics)
    expect(
      [...named].some((used) => used.startsWith(name)),
      name,
    ).toBe(true);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const variables = queries.flatMap((expr) => expr.match(/\$\w+/g) ?? []).filter((name) => name !== '$__rate_interval');
  for (const name of variables) expect(templating.list.map((each) => `$${each.name}`)).toContain(name);
});
