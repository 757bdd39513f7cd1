import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const HELM = path.resolve(import.meta.dirname, '../../deploy/helm');

export const CHART = path.join(HELM, 'headrace');
export const EXAMPLE_VALUES = path.join(HELM, 'example-values.yml');
/** What Helm makes of the chart with the example's values, so that it can be looked at and checked without Helm. */
export const RENDERED = path.join(HELM, 'rendered.yml');

/** The first line of the rendering: it names what it was made of. */
export function renderingHead(): string {
  const hash = createHash('sha256');
  const files = readdirSync(CHART, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of [...files.map(({ parentPath, name }) => path.join(parentPath, name)).sort(), EXAMPLE_VALUES])
    hash
      .update(`${path.relative(HELM, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return `# Made by \`npm run test:long -- helm --write\` of chart and example-values.yml, sha256 ${hash.digest('hex')}\n`;
}
