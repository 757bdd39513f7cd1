import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { CHART, EXAMPLE_VALUES, RENDERED, renderingHead } from '../deploy/chart.ts';

/**
 * Helm's own lint of the chart in deploy/helm, with its defaults and with the example's values, and whether the rendering that is committed is what Helm makes of it. Takes `helm` from
 * the path, or has Go build it (some minutes, once).
 *
 *     npm run test:long -- helm [--write]
 */
const run = promisify(execFile);
const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } }, allowPositionals: true });
const VERSION = 'v3.19.0';
/** Helm that Go has built takes itself for an old Kubernetes. */
const KUBERNETES = '1.32.0';

const helm = await findHelm();
for (const args of [[], ['--values', EXAMPLE_VALUES]]) {
  const { stdout } = await run(helm, ['lint', '--strict', '--kube-version', KUBERNETES, CHART, ...args]);
  console.log(stdout.trim());
}
const { stdout } = await run(helm, ['template', 'headrace', CHART, '--values', EXAMPLE_VALUES, '--kube-version', KUBERNETES], {
  maxBuffer: 16 << 20,
});
const rendered = renderingHead() + stdout.replaceAll(/[ \t]+$/gm, '');
if (values.write) writeFileSync(RENDERED, rendered);
const isCurrent = readFileSync(RENDERED, 'utf8') === rendered;
console.log(
  isCurrent ? 'deploy/helm/rendered.yml is what Helm makes of the chart' : 'deploy/helm/rendered.yml is not current: --write makes it anew',
);
process.exitCode = isCurrent ? 0 : 1;

async function findHelm(): Promise<string> {
  const known = await run('helm', ['version', '--short']).then(
    () => true,
    () => false,
  );
  if (known) return 'helm';
  const folder = path.resolve(import.meta.dirname, `../../.cache/helm-${VERSION}`);
  const built = path.join(folder, 'helm');
  if (!existsSync(built)) {
    console.log(`building Helm ${VERSION} …`);
    mkdirSync(folder, { recursive: true });
    await run('go', ['install', `helm.sh/helm/v3/cmd/helm@${VERSION}`], { env: { ...process.env, GOBIN: folder }, maxBuffer: 16 << 20 });
  }
  return built;
}
