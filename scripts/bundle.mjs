/**
 * Makes dist/: the command line with the libraries that every command needs, in as many files as there are parts that are loaded on their own. To find and
 * read hundreds of modules was most of what a short run did.
 */
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';
import { ROOT } from './process.mjs';

/** Stay as they were installed: what is native, finds files of its own, or is loaded by those alone who use it. */
const EXTERNAL = [
  '@duckdb/node-api',
  '@fastify/rate-limit',
  '@google-cloud/bigquery',
  '@opentelemetry/*',
  'fastify',
  'google-auth-library',
  'lmdb',
  'pg',
  'pg-copy-streams',
  'pino',
  'prom-client',
  'snowflake-sdk',
];

/** For libraries that are CommonJS: they ask for Node's own modules by `require`. */
const BANNER = `import { createRequire as headraceRequire } from 'node:module';\nconst require = headraceRequire(import.meta.url);`;

const dist = join(ROOT, 'dist');
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: EXTERNAL,
  banner: { js: BANNER },
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
});
removeStale(new Set(Object.keys(metafile.outputs).map((output) => output.slice('dist/'.length))));
cpSync(join(ROOT, 'schemas'), join(dist, 'schemas'), { recursive: true });
writeFileSync(join(dist, 'third-party-licenses.txt'), licenses(Object.keys(metafile.inputs)));
chmodSync(join(dist, 'main.js'), 0o755);
// Last of all.
writeFileSync(join(ROOT, process.argv[2]), '');

/** Parts of an earlier build. */
function removeStale(outputs) {
  for (const entry of readdirSync(dist)) if (!outputs.has(entry)) rmSync(join(dist, entry), { recursive: true });
}

/** The licenses of the packages that these modules belong to ask that their texts go with the code. */
function licenses(modules) {
  const packages = new Set(modules.flatMap((module) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? []));
  return [...packages]
    .sort()
    .map(licenseOf)
    .join(`\n${'─'.repeat(80)}\n\n`);
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(ROOT, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(ROOT, folder, file), 'utf8').trim()}\n`;
}
