import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadProject } from '../../src/config/load-project.ts';
import { selectedMappings } from '../../src/ops/select-mappings.ts';
import { headrace } from '../cli/in-process.ts';
import { mustLoad, temporaryFolder } from '../config/written-project.ts';
import { CHART, RENDERED, renderingHead } from './chart.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../deploy/kubernetes');

interface Container {
  readonly args: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: unknown;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}
interface PodSpec {
  readonly containers: readonly Container[];
  readonly securityContext: unknown;
  readonly terminationGracePeriodSeconds: number;
  readonly automountServiceAccountToken: boolean;
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly items: readonly { key: string; path: string }[] } }[];
}

type Document = Record<string, never>;

const kustomized = parse(await readFile(path.join(FOLDER, 'kustomization.yml'), 'utf8')) as { resources: string[] };
const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.yml') && name !== 'kustomization.yml');

async function documentsOf(names: readonly string[]): Promise<Document[]> {
  const texts = await Promise.all(names.map((name) => readFile(name, 'utf8')));
  return texts.flatMap((text) => parseAllDocuments(text).map((each) => each.toJS() as Document));
}

const PLAIN = await documentsOf(files.map((name) => path.join(FOLDER, name)));
const CHARTED = await documentsOf([RENDERED]);

/** The project of the ConfigMap, where the volumes of the pod put its files. */
async function projectOf(documents: readonly Document[], pod: PodSpec | undefined) {
  const [map] = documents.filter(({ kind }) => kind === 'ConfigMap') as unknown as { data: Record<string, string> }[];
  const root = await temporaryFolder();
  for (const { key, path: place } of pod?.volumes.flatMap(({ configMap }) => configMap?.items ?? []) ?? []) {
    await mkdir(path.dirname(path.join(root, place)), { recursive: true });
    await writeFile(path.join(root, place), map?.data[key] ?? '');
  }
  const env = {
    ANALYTICS_URL: 'postgres://h@db/warehouse',
    KAFKA_BROKERS: 'kafka:9093',
    KAFKA_PASSWORD: 'x',
    HEADRACE_STATE: '/var/lib/headrace',
  };
  return mustLoad(await loadProject(root, env));
}

describe.each([
  ['deploy/kubernetes', PLAIN],
  ['the chart of deploy/helm, rendered', CHARTED],
] as const)('%s', (_, documents) => {
  const ofKind = (kind: string) => documents.filter((each) => each.kind === kind);
  const cronJobs = ofKind('CronJob') as unknown as {
    metadata: { name: string };
    spec: { concurrencyPolicy: string; jobTemplate: { spec: { template: { spec: PodSpec } } } };
  }[];
  const deployments = ofKind('Deployment') as unknown as { spec: { template: { metadata: { labels: object }; spec: PodSpec } } }[];
  const jobs = ofKind('Job') as unknown as { spec: { template: { spec: PodSpec } } }[];
  const pods = [
    ...cronJobs.map(({ spec }) => spec.jobTemplate.spec.template.spec),
    ...[...deployments, ...jobs].map(({ spec }) => spec.template.spec),
  ];
  const [deployment] = deployments;

  test('every pod is restricted: no root, no privileges, no token, a read-only root file system, and writes in two places', () => {
    expect(pods.length).toBe(4);
    for (const pod of pods) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod.automountServiceAccountToken).toBe(false);
      for (const { securityContext, volumeMounts } of pod.containers) {
        expect(securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
        expect(volumeMounts.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath)).toEqual([
          '/var/lib/headrace',
          '/tmp',
        ]);
      }
    }
  });

  test('a CronJob never overlaps itself, and together they run every mapping once', async () => {
    const project = await projectOf(documents, pods[0]);
    const selected = cronJobs.flatMap(({ spec }) => {
      expect(spec.concurrencyPolicy).toBe('Forbid');
      const [command, ...args] = spec.jobTemplate.spec.template.spec.containers[0]?.args ?? [];
      expect(command).toBe('run');
      const of = (option: string) => (args.includes(option) ? [args[args.indexOf(option) + 1] ?? ''] : undefined);
      return selectedMappings(project, { names: [], select: of('--select'), exclude: of('--exclude') }).map(({ name }) => name);
    });
    expect(selected.sort()).toEqual([...project.mappings.keys()].sort());
  });

  test.each(pods.map((pod) => pod.containers[0]?.args ?? []).map((args) => [args.join(' '), args] as const))(
    'the command line knows: %s',
    async (_, args) => {
      // An option that does not exist is refused before help is given.
      const { code } = await headrace('/', [
        ...args.filter((each) => each !== 'serve'),
        ...(args.includes('serve') ? ['serve'] : []),
        '--help',
      ]);
      expect(code).toBe(0);
    },
  );

  test('the probes ask where the project listens, and a pod has longer than the grace period', async () => {
    const pod = deployment?.spec.template.spec;
    const { serve } = await projectOf(documents, pod);
    const port = pod?.containers[0]?.ports?.find(({ name }) => name === 'probes')?.containerPort;
    expect(serve.http.probes).toEqual({ host: '0.0.0.0', port });
    expect((pod?.terminationGracePeriodSeconds ?? 0) * 1000).toBeGreaterThan(serve.graceMs);
    const [monitor] = ofKind('PodMonitor') as unknown as {
      spec: { selector: { matchLabels: object }; podMetricsEndpoints: { port: string; path: string }[] };
    }[];
    expect(monitor?.spec.podMetricsEndpoints).toMatchObject([{ port: 'probes', path: '/metrics' }]);
    expect(deployment?.spec.template.metadata.labels).toMatchObject(monitor?.spec.selector.matchLabels ?? { none: true });
  });
});

test('the kustomization names files that are there', () => {
  for (const name of kustomized.resources) expect(files).toContain(name);
});

test('deploy/helm/rendered.yml is made of the chart as it is now', async () => {
  const [head = ''] = (await readFile(RENDERED, 'utf8')).split('\n');
  expect(`${head}\n`, 'render it anew: npm run test:long -- helm --write').toBe(renderingHead());
});

test('the chart has the version of the package, and its schema knows every value', async () => {
  const { version } = JSON.parse(await readFile(path.join(FOLDER, '../../package.json'), 'utf8')) as { version: string };
  expect(parse(await readFile(path.join(CHART, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version });
  const values = parse(await readFile(path.join(CHART, 'values.yaml'), 'utf8')) as object;
  const schema = JSON.parse(await readFile(path.join(CHART, 'values.schema.json'), 'utf8')) as { properties: object };
  expect(Object.keys(values).filter((name) => !Object.hasOwn(schema.properties, name))).toEqual([]);
  const validate = new Ajv({ strict: false }).compile(schema);
  validate(values);
  expect(validate.errors).toBeNull();
});

test('deploy/compose.yml: what depends on something names it, profiles are of AutoMQ alone, and nothing listens on the network', async () => {
  const text = await readFile(path.join(FOLDER, '../compose.yml'), 'utf8');
  const { services } = parse(text, { merge: true }) as {
    services: Record<
      string,
      { depends_on?: Record<string, unknown>; profiles?: string[]; ports?: string[]; command?: string[]; read_only?: boolean }
    >;
  };
  for (const { depends_on = {}, ports = [] } of Object.values(services)) {
    for (const name of Object.keys(depends_on)) expect(Object.keys(services)).toContain(name);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  }
  expect(
    Object.entries(services)
      .filter(([, { profiles }]) => profiles !== undefined)
      .map(([name]) => name),
  ).toEqual(['automq', 'minio', 'minio-bucket']);
  expect(services.topics).toMatchObject({ command: ['topics', 'apply'], read_only: true });
  expect(services.headrace).toMatchObject({ command: ['serve'], read_only: true });
});
