// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { resolve } from 'node:path';
import type { z } from 'zod';
import { suggestName } from '../core/nearest.ts';
import type { Problem } from '../core/problem.ts';
import { compileApprovals } from './compile-approvals.ts';
import { compileBigQuery } from './compile-bigquery.ts';
import { compileGuards, DEFAULT_GUARDS } from './compile-guards.ts';
import { compileServe } from './compile-serve.ts';
import { compileSnowflake } from './compile-snowflake.ts';
import type { DbtSection } from './dbt/read-dbt.ts';
import type { SourceDocument } from './document.ts';
import type {
  ApprovalPolicy,
  ConsumerDeclaration,
  Guards,
  KafkaConfig,
  PostgresConfig,
  RegistryConfig,
  SaslConfig,
  ServeConfig,
  SnapshotConfig,
  TlsConfig,
  WarehouseConfig,
} from './project.ts';
import { type duckdbSchema, type postgresSchema, projectSchemaWritten } from './project-schema.ts';
import { readSection } from './read-section.ts';
import { literalSecrets } from './secrets.ts';
import { projectTopicDefaults, type TopicDefaults } from './topic-settings.ts';

/** What headrace.yml says, as far as it is right. `names` are the warehouses that are named there, right or wrong. */
export interface ProjectFile {
  readonly name: string | undefined;
  readonly environment: string;
  readonly warehouses: ReadonlyMap<string, WarehouseConfig>;
  readonly warehouseNames: readonly string[];
  readonly dbt: DbtSection | undefined;
  readonly kafka: KafkaConfig | undefined;
  readonly registry: RegistryConfig | undefined;
  readonly snapshot: SnapshotConfig;
  readonly serve: ServeConfig;
  /** Of the schedules. */
  readonly timeZone: string;
  readonly topics: TopicDefaults;
  readonly guards: Guards;
  readonly approvals: ApprovalPolicy | undefined;
  readonly consumers: ReadonlyMap<string, ConsumerDeclaration>;
}

export function compileProject(document: SourceDocument, root: string, report: (problem: Problem) => void): ProjectFile {
  for (const problem of literalSecrets(document)) report(problem);
  const written = readSection(projectSchemaWritten, document, report);
  const warehouses = new Map<string, WarehouseConfig>();
  for (const [name, warehouse] of Object.entries(written.warehouses ?? {})) {
    if (!/^[a-z_][a-z0-9_-]{0,62}$/.test(name)) {
      report(
        document.problem(
          ['warehouses', name],
          'A warehouse is named with lower-case letters, digits, `_` and `-`, beginning with a letter.',
        ),
      );
      continue;
    }
    const compiled = compileWarehouse(name, warehouse, document, root, report);
    if (compiled !== undefined) warehouses.set(name, compiled);
  }
  const { warehouses: named } = document.value;
  const warehouseNames = typeof named === 'object' && named !== null ? Object.keys(named) : [];
  if (written.warehouses !== undefined && warehouseNames.length === 0)
    report(document.problem(['warehouses'], 'No warehouse is configured.'));
  return {
    name: written.project,
    environment: written.environment ?? 'default',
    warehouses,
    warehouseNames,
    dbt: written.dbt === undefined ? undefined : compileDbt(written.dbt, warehouseNames, document, report),
    kafka: written.kafka === undefined ? undefined : compileKafka(written.kafka, document, report),
    registry: written.registry === undefined ? undefined : compileRegistry(written.registry, document, report),
    snapshot: {
      view: written.snapshot?.view ?? 'local',
      schema: written.snapshot?.schema ?? 'headrace',
      path: resolve(root, written.snapshot?.path ?? '.headrace'),
      key: written.snapshot?.key,
    },
    serve: compileServe(written.serve ?? {}, document, report),
    timeZone: written.timezone ?? 'UTC',
    topics: projectTopicDefaults(written.topics, document, report),
    guards: compileGuards(written.guards, DEFAULT_GUARDS),
    approvals: written.approvals === undefined ? undefined : compileApprovals(written.approvals, document, report),
    consumers: new Map(
      Object.entries(written.consumers ?? {}).map(([group, { idempotent }]) => [group, { idempotent: idempotent ?? false }]),
    ),
  };
}

type Written = z.output<typeof projectSchemaWritten>;

function compileWarehouse(
  name: string,
  written: Written['warehouses'][string],
  document: SourceDocument,
  root: string,
  report: (problem: Problem) => void,
): WarehouseConfig | undefined {
  const common = {
    name,
    location: document.locate(`warehouses.${name}`),
    statementTimeoutMs: written.statement_timeout ?? 30 * 60_000,
    connectTimeoutMs: written.connect_timeout ?? 10_000,
    concurrency: written.concurrency,
  };
  if (written.type === 'duckdb') return compileDuckDb(common, written, document, root, report);
  if (written.type === 'snowflake') return compileSnowflake(common, written, document, report);
  if (written.type === 'bigquery') return compileBigQuery(common, written, document, root, report);
  const url = postgresAddress(name, written, document, report);
  return url === undefined ? undefined : { ...common, type: 'postgres', url, tls: compileTls(written.tls) };
}

function compileDuckDb(
  common: Pick<WarehouseConfig, 'name' | 'location' | 'statementTimeoutMs' | 'connectTimeoutMs'>,
  written: z.output<typeof duckdbSchema>,
  document: SourceDocument,
  root: string,
  report: (problem: Problem) => void,
): WarehouseConfig | undefined {
  if (/^(:memory:|[a-z]+:)/i.test(written.path) && !/^[a-z]:[\\/]/i.test(written.path)) {
    report(
      document.problem(
        ['warehouses', common.name, 'path'],
        'The path must be that of a file: a database in memory is empty, and remote ones are not supported.',
      ),
    );
    return undefined;
  }
  return { ...common, type: 'duckdb', path: resolve(root, written.path) };
}

/** The URL as it is written, or one made of the parts. */
function postgresAddress(
  name: string,
  written: z.output<typeof postgresSchema>,
  document: SourceDocument,
  report: (problem: Problem) => void,
): PostgresConfig['url'] | undefined {
  const path = ['warehouses', name];
  const parts = (['host', 'port', 'database', 'user', 'password'] as const).filter((part) => written[part] !== undefined);
  if (written.url !== undefined) {
    for (const part of parts)
      report(document.problem([...path, part], `\`${part}\` and \`url\` exclude each other.`, 'Write the URL, or its parts.'));
    return written.url;
  }
  const missing = (['host', 'database', 'user'] as const).filter((part) => written[part] === undefined);
  if (missing.length > 0) {
    const what = parts.length === 0 ? '`url` is missing.' : `${missing.map((part) => `\`${part}\``).join(', ')} missing.`;
    report(document.problem(path, what, 'Write url: ${VAR}, or host, port, database, user and password.'));
    return undefined;
  }
  const { host = '', port = 5432, database = '', user = '', password } = written;
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  const address = /^[^/]*:[^/]*$/.test(host) ? `[${host.replaceAll(/[[\]]/g, '')}]` : encodeURIComponent(host);
  return `postgres://${encodeURIComponent(user)}${secret}@${address}:${port}/${encodeURIComponent(database)}`;
}

function compileDbt(
  { max_age: maxAgeMs, ...section }: NonNullable<Written['dbt']>,
  warehouses: readonly string[],
  document: SourceDocument,
  report: (problem: Problem) => void,
): DbtSection {
  const { warehouse } = section;
  if (warehouse !== undefined && !warehouses.includes(warehouse)) {
    const message = `There is no warehouse \`${document.written(['dbt', 'warehouse'])}\`.`;
    report(document.problem(['dbt', 'warehouse'], message, suggestName(warehouse, warehouses)));
  }
  return { ...section, maxAgeMs };
}

function compileTls(written: Written['kafka']['tls']): TlsConfig | undefined {
  if (written === undefined || written === false) return undefined;
  if (written === true) return {};
  const { reject_unauthorized: rejectUnauthorized, ...rest } = written;
  return { ...rest, rejectUnauthorized };
}

function compileKafka(written: Written['kafka'], document: SourceDocument, report: (problem: Problem) => void): KafkaConfig {
  const tls = written.tls === true ? true : compileTls(written.tls);
  if (written.sasl?.mechanism === 'plain' && tls === undefined)
    report(
      document.problem(
        ['kafka', 'sasl', 'mechanism'],
        'Without tls, `plain` sends the password unencrypted.',
        'Add `tls: true`, or use scram-sha-512.',
        'warning',
      ),
    );
  return {
    brokers: written.brokers,
    clientId: written.client_id ?? 'headrace',
    tls,
    sasl: written.sasl === undefined ? undefined : compileSasl(written.sasl, document, report),
    connectTimeoutMs: written.connect_timeout ?? 5_000,
    requestTimeoutMs: written.request_timeout ?? 30_000,
    transactionTimeoutMs: written.transaction_timeout ?? 60_000,
  };
}

function compileRegistry(
  written: NonNullable<Written['registry']>,
  document: SourceDocument,
  report: (problem: Problem) => void,
): RegistryConfig {
  const { username, password, token } = written.auth ?? {};
  const isComplete = token === undefined ? (username === undefined) === (password === undefined) : (username ?? password) === undefined;
  if (written.auth !== undefined && (!isComplete || (token ?? username) === undefined))
    report(document.problem(['registry', 'auth'], '`auth` has either `username` and `password`, or `token`.'));
  if (written.auth !== undefined && written.url.startsWith('http:'))
    report(
      document.problem(
        ['registry', 'url'],
        'Without TLS the password or token is sent unencrypted.',
        'Use an https:// address.',
        'warning',
      ),
    );
  return {
    url: written.url,
    auth: token !== undefined ? { token } : username !== undefined && password !== undefined ? { username, password } : undefined,
    tls: compileTls(written.tls),
    subjectStrategy: written.subject_strategy ?? 'topic',
    register: written.register ?? true,
    keys: written.keys ?? 'plain',
    timeoutMs: written.timeout ?? 10_000,
  };
}

function compileSasl(
  written: NonNullable<Written['kafka']['sasl']>,
  document: SourceDocument,
  report: (problem: Problem) => void,
): SaslConfig {
  if (written.mechanism !== 'oauthbearer') return written;
  if ((written.token === undefined) === (written.command === undefined))
    report(
      document.problem(
        ['kafka', 'sasl'],
        'oauthbearer needs exactly one of `token` and `command`.',
        'As command: [program, argument]; it prints the token.',
      ),
    );
  return written;
}
