import path from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';
import { MUTATIONS } from './mutations.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const name = process.env.MUTATION ?? '';
const mutation = MUTATIONS[name];
if (mutation === undefined && name !== 'none') throw new Error(`no mutation ${name}`);

const plugin: Plugin = {
  name: 'mutation',
  enforce: 'pre',
  transform(code, id) {
    if (mutation === undefined || id.split('?')[0] !== path.join(ROOT, mutation.file)) return undefined;
    if (code.split(mutation.find).length !== 2) throw new Error(`${mutation.file} does not have it once: ${mutation.find}`);
    // Assigned to where a mutation begins a second transaction.
    return code
      .replace(
        'const transaction = await this.#required(this.#publisher).begin();\n    if (facts',
        'let transaction = await this.#required(this.#publisher).begin();\n    if (facts',
      )
      .replace(mutation.find, () => mutation.replace);
  },
};

const services = ['test/**/*.{pg,kafka,e2e}.test.ts'];
export default defineConfig({
  root: ROOT,
  cacheDir: path.join(ROOT, 'node_modules/.vite-mutations'),
  plugins: [plugin],
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: services, testTimeout: 60_000 } },
      {
        extends: true,
        test: {
          name: 'services',
          include: services,
          globalSetup: ['test/systems/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
