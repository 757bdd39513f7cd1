/**
 * The import rules of src/README.md, checked by `npm run check` (step `imports`). Imports of types count: a type that two parts need
 * belongs in a part that both may import.
 */

/** From the words to the wiring: a layer imports itself and the layers before it. */
const LAYERS = [
  ['core'],
  ['config'],
  ['warehouse', 'contract', 'snapshot', 'publish', 'telemetry'],
  ['run'],
  ['ops', 'govern', 'evidence'],
  ['cli', 'server'],
  ['compose.ts'],
  ['main.ts'],
];

/** The middle layer: its folders do not know each other. */
const SIBLINGS = LAYERS[2];

/** Folders of concrete adapters: only src/compose.ts names them. */
const ADAPTERS = [
  'src/warehouse/postgres',
  'src/warehouse/duckdb',
  'src/warehouse/snowflake',
  'src/warehouse/bigquery',
  'src/contract/confluent',
  'src/publish/kafka',
  'src/snapshot/local',
  'src/snapshot/warehouse',
  'src/telemetry',
];

/** Where each package may be imported: prefixes of paths. A runtime dependency that is not listed may be imported nowhere. */
const PACKAGES = {
  '@fastify/rate-limit': ['src/server/'],
  '@bufbuild/protobuf': ['src/contract/protobuf/'],
  '@duckdb/node-api': ['src/warehouse/duckdb/'],
  '@google-cloud/bigquery': ['src/warehouse/bigquery/'],
  '@marcbachmann/cel-js': ['src/contract/'],
  '@opentelemetry/api': ['src/telemetry/'],
  '@opentelemetry/exporter-trace-otlp-http': ['src/telemetry/'],
  '@opentelemetry/resources': ['src/telemetry/'],
  '@opentelemetry/sdk-trace-base': ['src/telemetry/'],
  avsc: ['src/contract/avro/'],
  commander: ['src/cli/'],
  'cron-parser': ['src/config/', 'src/run/'],
  'fastest-levenshtein': ['src/core/nearest.ts'],
  'google-auth-library': ['src/warehouse/bigquery/'],
  fastify: ['src/server/'],
  'hash-wasm': ['src/snapshot/'],
  kafkajs: ['src/publish/kafka/'],
  lmdb: ['src/snapshot/local/'],
  'lossless-json': ['src/contract/'],
  pg: ['src/warehouse/postgres/'],
  'pg-copy-streams': ['src/warehouse/postgres/'],
  picocolors: ['src/cli/'],
  pino: ['src/cli/', 'src/server/', 'src/run/', 'src/compose.ts'],
  'snowflake-sdk': ['src/warehouse/snowflake/'],
  'prom-client': ['src/server/'],
  yaml: ['src/config/', 'src/ops/catalogue/'],
  zod: ['src/config/', 'src/server/'],
};

/** Drivers: a run pays for loading only those that it uses. */
const LAZY = [
  '@duckdb/node-api',
  '@google-cloud/bigquery',
  'google-auth-library',
  'kafkajs',
  'lmdb',
  'pg',
  'pg-copy-streams',
  'snowflake-sdk',
];

const literally = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const anyOf = (prefixes) => `^(?:${prefixes.map(literally).join('|')})`;
const partsOf = (names) => anyOf(names.map((name) => (name.endsWith('.ts') ? `src/${name}` : `src/${name}/`)));
/** Also matches where node_modules is a link to a folder elsewhere. */
const inPackage = (names) => `(?:^|/)node_modules/(?:@types/)?(?:${names.map(literally).join('|')})/`;

const layerRules = LAYERS.slice(0, -1).map((layer, index) => ({
  name: `layer-${layer.length === 1 ? layer[0].replace('.ts', '') : layer.join('-')}`,
  comment: `imports go one way: ${layer.join(', ')} may not import ${LAYERS.slice(index + 1)
    .flat()
    .join(', ')}`,
  severity: 'error',
  from: { path: partsOf(layer) },
  to: { path: partsOf(LAYERS.slice(index + 1).flat()) },
}));

const siblingRules = SIBLINGS.map((folder) => ({
  name: `sibling-${folder}`,
  comment: 'the middle folders do not import each other; a type that two of them need belongs in src/core',
  severity: 'error',
  from: { path: partsOf([folder]) },
  to: { path: partsOf(SIBLINGS.filter((other) => other !== folder)) },
}));

const adapterRules = ADAPTERS.map((folder) => ({
  name: `adapter-${folder.split('/').slice(1).join('-')}`,
  comment: 'only src/compose.ts names a concrete adapter; everybody else uses the port',
  severity: 'error',
  from: { path: '^src/', pathNot: anyOf([`${folder}/`, 'src/compose.ts']) },
  to: { path: anyOf([`${folder}/`]) },
}));

const packageRules = Object.entries(PACKAGES).map(([name, places]) => ({
  name: `package-${name.replace(/[@/]/g, '-').replace(/^-/, '')}`,
  comment: `${name} may be imported only in ${places.join(', ')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: anyOf(places) },
  to: { path: inPackage([name]) },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'two modules that need each other are one module, or a third one is missing',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-orphan',
      comment: 'nothing imports this module, and it imports nothing: it is dead, or not wired up yet',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/main\\.ts$', orphan: true },
      to: {},
    },
    {
      name: 'no-unresolvable',
      comment: 'this import leads nowhere',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'core-imports-nothing',
      comment: 'src/core holds words and pure functions: it imports nothing but itself (and fastest-levenshtein in nearest.ts)',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: `^src/core/|${inPackage(['fastest-levenshtein'])}` },
    },
    {
      name: 'inside-src',
      comment: 'what is shipped imports nothing from tests, scripts, bench or demo',
      severity: 'error',
      from: { path: '^src/' },
      // The version.
      to: { dependencyTypes: ['local'], pathNot: '^(src/|package\\.json$)' },
    },
    {
      name: 'no-dev-dependency',
      comment: 'a package that src imports belongs in "dependencies" of package.json',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: `(?:^|/)node_modules/@types/` },
    },
    {
      name: 'package-unlisted',
      comment: 'say in .dependency-cruiser.cjs where this package may be imported, and why it is needed in docs/dependencies.md',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '(?:^|/)node_modules/', pathNot: inPackage(Object.keys(PACKAGES)) },
    },
    {
      name: 'driver-lazily',
      comment: "load a driver when it is needed: `await import('…')`, and `import type` for its types",
      severity: 'error',
      from: { path: '^src/' },
      to: { path: inPackage(LAZY), dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'encoding-lazily',
      comment: "load an encoding when a mapping uses it: `await import('./avro/codec.ts')`",
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/contract/(avro|protobuf)/' },
      to: { path: '^src/contract/(avro|protobuf)/codec\\.ts$', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    ...layerRules,
    ...siblingRules,
    ...adapterRules,
    ...packageRules,
  ],
  options: {
    doNotFollow: { path: ['node_modules'] },
    // Keeps imports of types, which the compiler erases.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
    reporterOptions: { text: { highlightFocused: true } },
  },
};
