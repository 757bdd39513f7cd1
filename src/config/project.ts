import type { FieldType } from '../core/field-type.ts';
import type { Location, Problem } from '../core/problem.ts';
import type { ColumnKind } from '../core/row.ts';

/**
 * The validated, frozen project: everything that a person wrote, with defaults filled in and variables resolved.
 * Terms: model, mapping, contract, fact, cursor, watermark, lookback … are defined in docs/glossary.md.
 */
export interface Project {
  readonly name: string;
  readonly environment: string;
  /** Absolute path of the folder that holds headrace.yml. */
  readonly root: string;
  readonly warehouses: ReadonlyMap<string, WarehouseConfig>;
  readonly kafka: KafkaConfig;
  readonly registry?: RegistryConfig | undefined;
  readonly snapshot: SnapshotConfig;
  readonly serve: ServeConfig;
  /** Absent: nothing can be approved, and what needs an approval is refused. */
  readonly approvals?: ApprovalPolicy | undefined;
  /** What is declared of consumer groups, by name. */
  readonly consumers: ReadonlyMap<string, ConsumerDeclaration>;
  readonly models: ReadonlyMap<string, Model>;
  readonly mappings: ReadonlyMap<string, Mapping>;
  /** By the name of the mapping; every mapping has one. */
  readonly contracts: ReadonlyMap<string, ContractHistory>;
}

/** How much harm a mistake may do. */
export const RISKS = ['low', 'medium', 'high'] as const;
export type Risk = (typeof RISKS)[number];

/** What is planned first, approved, and then applied. `guards`: a run that exceeds its guards. */
export const PLANNED_OPERATIONS = ['replay', 'backfill', 'undo', 'rollback', 'adopt', 'guards'] as const;
export type PlannedOperation = (typeof PLANNED_OPERATIONS)[number];

/** Who may approve what. People are named here with their public keys; there is no other database of users. */
export interface ApprovalPolicy {
  /** A plan that is older is void. */
  readonly maxAgeMs: number;
  readonly identities: ReadonlyMap<string, Identity>;
  /** From which risk on another person than the planner has to approve. */
  readonly require: Readonly<Record<PlannedOperation, Risk | 'never'>>;
}

export interface Identity {
  /** Ed25519, PEM (SubjectPublicKeyInfo). */
  readonly publicKey: string;
  /** planner: signs plans. approver: approves those of others. */
  readonly roles: readonly ('planner' | 'approver')[];
}

export interface ConsumerDeclaration {
  /** It keeps the highest `ce_factversion` of each identity, or deduplicates by `ce_id`: events that come again have no effect. */
  readonly idempotent: boolean;
}

export type WarehouseConfig = PostgresConfig | DuckDbConfig | SnowflakeConfig | BigQueryConfig;

interface WarehouseCommon {
  readonly name: string;
  readonly location: Location;
  /** The longest that one statement may take, in milliseconds. */
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Runs that may read it at a time under `headrace serve`; undefined: DEFAULT_READERS. */
  readonly concurrency?: number | undefined;
}

export interface PostgresConfig extends WarehouseCommon {
  readonly type: 'postgres';
  /** A postgres:// URL. Holds a password: never printed (see `describeAddress`). */
  readonly url: string;
  readonly tls?: TlsConfig | undefined;
}

export interface DuckDbConfig extends WarehouseCommon {
  readonly type: 'duckdb';
  /** Absolute path of the database file. */
  readonly path: string;
}

export interface SnowflakeConfig extends WarehouseCommon {
  readonly type: 'snowflake';
  /** Account identifier: `MYORG-MYACCOUNT`. */
  readonly account: string;
  readonly user: string;
  readonly login: SnowflakeLogin;
  readonly role?: string | undefined;
  /** Virtual warehouse. */
  readonly warehouse?: string | undefined;
  readonly database: string;
  readonly schema?: string | undefined;
  /** Without a slash at the end. */
  readonly accessUrl?: string | undefined;
}

export type SnowflakeLogin =
  /** A PEM text (PKCS #8). */
  | { readonly method: 'key_pair'; readonly privateKey: string; readonly passphrase?: string | undefined }
  | { readonly method: 'password'; readonly password: string }
  | { readonly method: 'oauth' | 'access_token'; readonly token: string };

export interface BigQueryConfig extends WarehouseCommon {
  readonly type: 'bigquery';
  /** Id of the project that jobs run in, and that pays for them. */
  readonly project: string;
  /** Of tables that are named without one. */
  readonly dataset?: { readonly projectId: string; readonly datasetId: string } | undefined;
  /** Where the data lies: `EU`, `US`, `europe-west4` … */
  readonly dataLocation?: string | undefined;
  /** Application default credentials; a key in a file (absolute path), or as it stands in one; none for an emulator on this machine. */
  readonly credentials:
    | { readonly kind: 'default' | 'none' }
    | { readonly kind: 'key_file'; readonly path: string }
    /** Holds a private key: never printed. */
    | { readonly kind: 'key'; readonly key: Readonly<Record<string, unknown>> };
  /** The service account to act as. */
  readonly impersonate?: string | undefined;
  /** BigQuery refuses a query that would bill more. */
  readonly maximumBytesBilled?: number | undefined;
  /** Of every job, beside Headrace's own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: 'interactive' | 'batch';
  /** `https://host`, without a path; BigQuery's own if absent. */
  readonly apiEndpoint?: string | undefined;
}

export interface TlsConfig {
  /** PEM texts, not paths. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

export type SaslConfig =
  | { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: string }
  /** `token` is a literal token, or `command` a program that prints one (JSON with `value`, or the bare token), run anew before each expires. */
  | { readonly mechanism: 'oauthbearer'; readonly token?: string | undefined; readonly command?: readonly string[] | undefined };

export interface KafkaConfig {
  readonly brokers: readonly string[];
  readonly tls?: TlsConfig | true | undefined;
  readonly sasl?: SaslConfig | undefined;
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** The broker aborts a transaction of ours that is older. */
  readonly transactionTimeoutMs: number;
}

/** A schema registry with Confluent's API. With it, values are in Confluent's wire format. */
export interface RegistryConfig {
  /** Without credentials, and without a slash at the end. */
  readonly url: string;
  readonly auth?: { readonly username: string; readonly password: string } | { readonly token: string } | undefined;
  readonly tls?: TlsConfig | undefined;
  readonly subjectStrategy: SubjectStrategy;
  /** False: schemas are looked up, and somebody else registers them. */
  readonly register: boolean;
  readonly keys: 'plain' | 'encoded';
  /** The longest that one answer may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Confluent's names: TopicNameStrategy, RecordNameStrategy, TopicRecordNameStrategy. */
export type SubjectStrategy = 'topic' | 'record' | 'topic_record';

export interface SnapshotConfig {
  /** Where facts are compared: in this process, or in the engine of the warehouse. */
  readonly view: 'local' | 'warehouse';
  /** Of `warehouse`: the schema that Headrace owns there. */
  readonly schema: string;
  /** Absolute path of the folder of the local copies. */
  readonly path: string;
  /** The fingerprint secret, where it is kept outside Kafka. */
  readonly key?: string | undefined;
}

/** How `headrace serve` works. */
export interface ServeConfig {
  /** Runs at a time, of all warehouses. */
  readonly concurrency: number;
  /** Each mapping starts later than its schedule by a constant part of this. */
  readonly jitterMs: number;
  /** How long runs may take to come to an end after SIGTERM. */
  readonly graceMs: number;
  readonly retry: RetryConfig;
  readonly alerts: AlertConfig;
  readonly http: HttpConfig;
}

/** When a mapping counts as failing or stale, and who is told. */
export interface AlertConfig {
  /** Failed runs in a row. */
  readonly failures: number;
  /** How long a mapping may be due without a run that is done. */
  readonly staleAfterMs: number;
  readonly webhook?: WebhookConfig | undefined;
}

/** Holds secrets: never printed. */
export interface WebhookConfig {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What follows on a run that could not reach something (exit code 3). */
export interface RetryConfig {
  /** 0: the next turn of the schedule comes first. */
  readonly attempts: number;
  readonly firstMs: number;
  readonly longestMs: number;
}

export interface HttpConfig {
  readonly listen: ListenAddress;
  /** A second address that has /healthz, /readyz and /metrics, and nothing else. */
  readonly probes?: ListenAddress | undefined;
  /** Both present: HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly tokens: readonly ApiToken[];
  /** Requests per minute and client. */
  readonly rateLimit: number;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export type ApiRole = 'viewer' | 'operator' | 'approver';

export interface ApiToken {
  /** Who holds it, for the log. */
  readonly name: string;
  readonly role: ApiRole;
  readonly token: string;
}

/** When something is due: at the local times of a cron expression, or every so often, counted from 1970 in UTC. */
export type Schedule = CronSchedule | { readonly everyMs: number };

export interface CronSchedule {
  /** Five fields. */
  readonly cron: string;
  /** IANA name, as `Europe/Berlin`. */
  readonly timeZone: string;
}

export interface Model {
  readonly name: string;
  readonly location: Location;
  readonly warehouse: string;
  readonly relation: Relation;
  /** What a row means, for people; the model file's own words, else dbt's. */
  readonly description?: string | undefined;
  /** Who answers for the model; as the model file says, else as dbt does. */
  readonly owner?: string | undefined;
  /** What dbt declares about the relation, where the model is a `ref`. */
  readonly declared?: DeclaredRelation | undefined;
  /** Columns that identify a row. */
  readonly key: readonly string[];
  readonly cursor?: CursorConfig | undefined;
  readonly deletes: {
    /** A key that a full comparison no longer finds is deleted. */
    readonly missingRows: boolean;
    /** A row is deleted when this column is true (boolean), not zero (number) or not null (any other type). */
    readonly column?: string | undefined;
  };
  readonly appendOnly: boolean;
  /** An incremental run asks the warehouse's own record of changes in place of the cursor, where there is one. */
  readonly changeFeed?: ChangeFeed | undefined;
  /** Of full comparisons beyond the initial load. */
  readonly fullComparison?: CronSchedule | undefined;
  /** Of the runs of its mappings under `headrace serve`, unless they have schedules of their own. */
  readonly schedule?: Schedule | undefined;
  /** Of the cron expressions; absent: UTC. */
  readonly timeZone?: string | undefined;
  /** Where a path of the model's document stands, as `cursor.column`. */
  locate(path: string): Location;
}

/** Rows that were added or changed (Snowflake and BigQuery: CHANGES), or only those that were added (BigQuery: APPENDS). */
export type ChangeFeed = 'changes' | 'appends';

/** What is read: a table (schema-qualified or not), or a query. */
export type Relation = { readonly table: string } | { readonly sql: string };

/** What a dbt project says about a relation that it builds (or reads: a source). */
export interface DeclaredRelation {
  /** dbt's unique id: `model.analytics.customers`, `source.analytics.raw.orders`. */
  readonly id: string;
  /** `model`, `snapshot`, `seed` or `source`. */
  readonly kind: string;
  /** As a `ref` names it. */
  readonly name: string;
  readonly package: string;
  /** The file in the dbt project that declares its columns. */
  readonly file: string;
  /** Of a versioned model. */
  readonly version?: string | undefined;
  readonly latestVersion?: string | undefined;
  /** `YYYY-MM-DD`. */
  readonly deprecation?: string | undefined;
  readonly columns: readonly DeclaredColumn[];
  /**
   * Where the columns come from. `contract`: dbt enforces them, there are no others. `catalog`: dbt found them in the database. `descriptions`: those that somebody
   * described; there may be more.
   */
  readonly columnsFrom: 'contract' | 'catalog' | 'descriptions';
  /** Sets of columns that identify a row, as constraints and tests say. */
  readonly unique: readonly (readonly string[])[];
  /** Unique ids of what it is made of. */
  readonly dependsOn: readonly string[];
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
}

export interface DeclaredColumn {
  /** As it is written in dbt: a database may have it in another case. */
  readonly name: string;
  readonly dataType?: string | undefined;
  /** Undefined where the type does not tell it. */
  readonly kind?: ColumnKind | undefined;
  readonly description?: string | undefined;
  /** By constraint or by test. */
  readonly notNull: boolean;
}

export interface CursorConfig {
  readonly column: string;
  /** How far behind the watermark each run reads again: milliseconds for a time, a count for a number. */
  readonly lookback: { readonly ms: number } | { readonly count: number };
  readonly nulls: 'always' | 'never' | 'reject';
}

export type MappingClass = 'behavior' | 'profile' | 'command' | 'governance';

/**
 * The part of a mapping that is frozen with each version of its contract: what consumers may rely on, and the rules that make facts of rows. It is all that is
 * needed to make the facts of that version again. How much is published at once, guards and settings of topics are not part of it.
 */
export interface ContractRules {
  readonly name: string;
  readonly fact: string;
  readonly version: ContractVersion;
  readonly class: MappingClass;
  readonly model: string;
  readonly topic: string;
  readonly owner: string;
  readonly semantics: string;
  readonly compatibility: Compatibility;
  readonly encoding: Encoding;
  /** Names of fields. */
  readonly key: readonly string[];
  readonly identity: readonly string[];
  readonly dataSubject?: string | undefined;
  readonly occurredAt: ValueSource;
  /** CEL over `row`; a row for which it is not true has no fact. */
  readonly where?: string | undefined;
  readonly fields: readonly Field[];
  readonly onDelete: 'tombstone' | 'fact' | 'none';
  readonly undo: 'previous' | 'none';
  /** Consumers are asked to leave the whole contract. */
  readonly deprecated?: Deprecation | undefined;
}

export interface Mapping extends ContractRules {
  readonly location: Location;
  readonly initialLoad: 'publish' | 'baseline';
  readonly guards: Guards;
  readonly topicSpec: TopicSettings;
  /** Instead of the model's; `none`: it runs only when it is started. */
  readonly schedule?: Schedule | 'none' | undefined;
  /** For selecting mappings. Absent: none. */
  readonly tags?: readonly string[] | undefined;
  /** Earlier versions that are published beside this one. Absent: none. */
  readonly also?: readonly AlsoVersion[] | undefined;
  /**
   * Digest over everything that decides which facts a row gives (relation, key, fields, where, deletes …), not over owner or descriptions:
   * while it stays the same, an unchanged row has an unchanged fact.
   */
  readonly digest: string;
  locate(path: string): Location;
}

/** An earlier version that is published beside the working one, to its own topic. */
export interface AlsoVersion {
  readonly version: ContractVersion;
  /** The last day (ISO, UTC) on which it is published. */
  readonly until: string;
  /** Of the version in the mapping's file. */
  readonly location: Location;
}

export interface ContractVersion {
  readonly major: number;
  readonly minor: number;
}

/** A notice to consumers. `until` is the day (ISO) after which it may be gone. */
export interface Deprecation {
  readonly reason?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** The contracts of one mapping: the frozen versions, and the form in which the working one would be frozen. */
export interface ContractHistory {
  readonly mapping: string;
  /** Relative to the project: `contracts/<mapping>`. */
  readonly folder: string;
  /** From the lowest version to the highest; those that cannot be read are missing, and stand in `problems`. */
  readonly versions: readonly FrozenContract[];
  /** Files that were edited, or that are no frozen contracts. A mapping that has any must not run. */
  readonly problems: readonly Problem[];
  /** The working version as a frozen file would hold it. Variables stand in it as they are written. */
  freeze(): FrozenForm;
}

/** One version as it was frozen. As a mapping that makes its facts again: frozen-mapping.ts. */
export interface FrozenContract {
  readonly file: string;
  readonly rules: ContractRules;
  readonly digest: string;
  /** Where a path of the file stands. */
  readonly locate: (path: string) => Location;
}

/** The text of a frozen file, and the digest of what it says. */
export interface FrozenForm {
  /** `sha256:…`: equal digests, equal contracts and rules. */
  readonly digest: string;
  readonly text: string;
}

export type Compatibility = 'none' | 'backward' | 'backward_transitive' | 'forward' | 'forward_transitive' | 'full' | 'full_transitive';

export type Encoding = 'json' | 'avro' | 'protobuf';

export type ValueSource = { readonly from: string } | { readonly cel: string } | { readonly const: string | number | boolean | null };

export interface Field {
  readonly name: string;
  /** A leaf's source; absent where `members` build an object. */
  readonly source?: ValueSource | undefined;
  /** An object built from members that have sources of their own. */
  readonly members?: readonly Field[] | undefined;
  /** Replaces the source's text; any other value rejects the row. */
  readonly values?: ReadonlyMap<string, string | number | boolean> | undefined;
  readonly type: FieldType;
  readonly optional: boolean;
  /** Used where the source is NULL. */
  readonly default?: string | number | boolean | undefined;
  readonly description?: string | undefined;
  /** Names that the field had in earlier versions. */
  readonly aliases?: readonly string[] | undefined;
  readonly deprecated?: Deprecation | undefined;
  /** The field number in Protobuf. */
  readonly number?: number | undefined;
}

export interface Guards {
  readonly updated: ShareGuard;
  readonly deleted: ShareGuard;
  readonly quarantined: ShareGuard;
  readonly emptySource: 'stop' | 'allow';
}

/** Exceeded when the share of live facts is above `share` (0 to 1) and the count is at least `atLeast`. */
export interface ShareGuard {
  readonly share: number;
  readonly atLeast: number;
}

export interface TopicSettings {
  readonly partitions: number;
  /** Undefined: the broker's default. */
  readonly replication?: number | undefined;
  /** Kafka's own names. */
  readonly config: ReadonlyMap<string, string>;
}
