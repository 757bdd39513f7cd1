// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { z } from 'zod';
import { bigquerySchema } from './bigquery-schema.ts';
import { boolean, integer, leaf, pattern, secretText, text } from './leaf.ts';
import { brokers, choice, duration, httpUrl, pem, postgresUrl, share, slug, timeZone } from './scalars.ts';
import { serveSchema } from './serve-schema.ts';
import { snowflakeSchema } from './snowflake-schema.ts';
import { warehouseTimeouts } from './warehouse-timeouts.ts';

/** The written form of headrace.yml. Descriptions go into the JSON Schema that editors read. */

const tls = z
  .strictObject({
    ca: pem(false).optional().meta({ description: 'PEM text of the authority to trust: ${file:/run/secrets/ca.pem}.' }),
    cert: pem(false).optional().meta({ description: 'PEM text of the client certificate.' }),
    key: pem(true).optional().meta({ description: 'PEM text of the client key: ${VAR} or ${file:...} only.' }),
    servername: text().optional().meta({ description: 'The name that the certificate must hold, where it is not the host.' }),
    reject_unauthorized: boolean().optional().meta({ description: 'false trusts any certificate: for trials only.', default: true }),
  })
  .meta({ title: 'TLS' });
const tlsOrFlag = z.union([boolean(), tls]).optional().meta({ description: 'true for TLS with the system authorities, or its settings.' });

export const postgresSchema = z.strictObject({
  type: z.literal('postgres').meta({ description: 'PostgreSQL.' }),
  url: postgresUrl()
    .optional()
    .meta({ description: 'postgres://user:${PGPASSWORD}@host:5432/database, or the parts below. A literal password is refused.' }),
  host: text().optional().meta({ description: 'Host name, or the folder of a Unix socket.' }),
  port: integer(1, 65_535).optional().meta({ description: 'Port.', default: 5432 }),
  database: text().optional().meta({ description: 'Database.' }),
  user: text().optional().meta({ description: 'User.' }),
  password: secretText().optional().meta({ description: '${VAR} or ${file:...} only.' }),
  tls: tlsOrFlag,
  ...warehouseTimeouts,
});

export const duckdbSchema = z.strictObject({
  type: z.literal('duckdb').meta({ description: 'A DuckDB database file.' }),
  path: text().meta({ description: "The database file, relative to the project's folder." }),
  ...warehouseTimeouts,
});

const warehouse = z.discriminatedUnion('type', [postgresSchema, duckdbSchema, snowflakeSchema, bigquerySchema]);

const sasl = z.discriminatedUnion('mechanism', [
  z.strictObject({
    mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).meta({ description: 'How the password is proved.' }),
    username: text().meta({ description: 'User.' }),
    password: secretText().meta({ description: '${VAR} or ${file:...} only.' }),
  }),
  z.strictObject({
    mechanism: z.literal('oauthbearer').meta({ description: 'A token in place of a password.' }),
    token: secretText().optional().meta({ description: '${VAR} or ${file:...} only.' }),
    command: z
      .array(text())
      .min(1)
      .optional()
      .meta({ description: 'Program and arguments that print a token: run anew before each expires.' }),
  }),
]);

const kafka = z.strictObject({
  brokers: brokers().meta({ description: 'host:port, several separated by commas, or a list.' }),
  client_id: text().optional().meta({ description: "Name shown in the brokers' logs and quotas.", default: 'headrace' }),
  tls: tlsOrFlag,
  sasl: sasl.optional().meta({ description: 'Authentication.' }),
  connect_timeout: duration('100ms', '10m').optional().meta({ description: 'The longest that connecting may take.', default: '5s' }),
  request_timeout: duration('1s', '10m').optional().meta({ description: 'The longest that one request may take.', default: '30s' }),
  transaction_timeout: duration('5s', '15m')
    .optional()
    .meta({ description: "The broker aborts a transaction that is older. 15m is Kafka's own maximum.", default: '60s' }),
});

/** A Kafka setting: text, number or boolean, as written. */
export const topicConfig = z.record(
  z.string(),
  leaf<string>(
    (written) =>
      typeof written === 'string' || typeof written === 'number' || typeof written === 'boolean'
        ? { value: String(written) }
        : { refused: 'must be text, a number or a boolean', show: false },
    { type: ['string', 'number', 'boolean'] },
  ),
);

export const partitions = integer(1, 100_000).optional();
export const replication = integer(1, 100).optional();

const shareGuard = (what: string) =>
  z
    .strictObject({
      share: share().optional().meta({ description: 'Share of the live facts (30% or 0.3).' }),
      at_least: integer(0, Number.MAX_SAFE_INTEGER).optional().meta({ description: 'Smaller counts never stop a run.' }),
    })
    .optional()
    .meta({ description: `Stops a run with more ${what} than this.` });

export const guardsSchema = z
  .strictObject({
    updated: shareGuard('updated facts').meta({ default: { share: '30%', at_least: 100 } }),
    deleted: shareGuard('deleted facts').meta({ default: { share: '5%', at_least: 100 } }),
    quarantined: shareGuard('rejected rows').meta({ default: { share: '10%', at_least: 100 } }),
    empty_source: choice(['stop', 'allow']).optional().meta({ description: 'What a source without any row means.', default: 'stop' }),
  })
  .optional()
  .meta({ description: 'A run that exceeds one stops before it sends anything (exit code 4).' });

const requiredFrom = (what: string, byDefault: string) =>
  choice(['never', 'low', 'medium', 'high'])
    .optional()
    .meta({ description: `${what}: from which risk on another person has to approve.`, default: byDefault });

const approvals = z.strictObject({
  max_age: duration('1m', '30d').optional().meta({ description: 'A plan that is older is void.', default: '24h' }),
  identities: z
    .record(
      z.string(),
      z.strictObject({
        key: pem(false).meta({ description: 'PEM text of the Ed25519 public key: ${file:keys/dana.pem}.' }),
        roles: z
          .array(z.enum(['planner', 'approver']))
          .min(1)
          .optional()
          .meta({ description: 'planner: signs plans. approver: approves those of others.', default: ['planner', 'approver'] }),
      }),
    )
    .optional()
    .meta({ description: 'People, by name.' }),
  require: z
    .strictObject({
      replay: requiredFrom('Resets of consumer groups', 'high'),
      backfill: requiredFrom('Backfills', 'high'),
      undo: requiredFrom('Undos', 'high'),
      rollback: requiredFrom('Rollbacks of contracts', 'high'),
      adopt: requiredFrom('Adoptions', 'never'),
      guards: requiredFrom('Runs that exceed a guard', 'never'),
    })
    .optional()
    .meta({ description: 'What needs the word of somebody else than the planner.' }),
});

export const projectSchemaWritten = z
  .strictObject({
    project: slug().meta({ description: 'Name of the project: part of the names of its internal topics.' }),
    environment: slug()
      .optional()
      .meta({ description: 'Written into the topics: a start from another environment is refused.', default: 'default' }),
    warehouses: z.record(z.string(), warehouse).meta({ description: 'Warehouses by name.' }),
    dbt: z
      .strictObject({
        manifest: text().meta({ description: "The manifest.json that dbt wrote, relative to the project's folder." }),
        catalog: text()
          .optional()
          .meta({ description: 'The catalog.json that `dbt docs generate` wrote: the columns of models without an enforced contract.' }),
        warehouse: text()
          .optional()
          .meta({ description: 'Name of the warehouse that dbt builds in: of every model with a `ref`, unless it names another one.' }),
        max_age: duration('1m', '365d').optional().meta({ description: 'An older manifest is refused.' }),
      })
      .optional()
      .meta({ description: 'A dbt project: its models, snapshots, seeds and sources can be models here (`ref`).' }),
    kafka: kafka.meta({ description: 'The Kafka cluster.' }),
    registry: z
      .strictObject({
        url: httpUrl().meta({ description: "Address of the registry, with the path of Confluent's API if it has one: https://host:8081." }),
        auth: z
          .strictObject({
            username: text().optional().meta({ description: 'With `password`: HTTP basic authentication.' }),
            password: secretText().optional().meta({ description: '${VAR} or ${file:...} only.' }),
            token: secretText().optional().meta({ description: 'In their place: a bearer token, ${VAR} or ${file:...} only.' }),
          })
          .optional()
          .meta({ description: 'How Headrace shows who it is.' }),
        tls: tls.optional().meta({ description: 'Trust and client certificate, where those of the system are not enough.' }),
        subject_strategy: choice(['topic', 'record', 'topic_record']).optional().meta({
          description: 'Name of the subject: <topic>-value, the full name of the fact, or <topic>-<full name>.',
          default: 'topic',
        }),
        register: boolean()
          .optional()
          .meta({ description: 'false: schemas are only looked up; somebody else registers them.', default: true }),
        keys: choice(['plain', 'encoded']).optional().meta({
          description: 'encoded: the Kafka key is a record in the encoding of the value, with a schema of its own.',
          default: 'plain',
        }),
        timeout: duration('100ms', '5m').optional().meta({ description: 'The longest that one answer may take.', default: '10s' }),
      })
      .optional()
      .meta({ description: "A schema registry with Confluent's API: values are then in Confluent's wire format." }),
    topics: z
      .strictObject({
        partitions: partitions.meta({ description: 'Partitions of a fact topic.', default: 6 }),
        replication: replication.meta({ description: "Replication factor; the broker's default unless given." }),
        config: topicConfig.optional().meta({ description: "Kafka's own settings for every fact topic, except cleanup.policy." }),
      })
      .optional()
      .meta({ description: 'Defaults for every fact topic; a mapping may override them.' }),
    snapshot: z
      .strictObject({
        view: choice(['local', 'warehouse'])
          .optional()
          .meta({ description: 'Where facts are compared: in this process, or by the engine of the warehouse.', default: 'local' }),
        schema: pattern(/^[A-Za-z_][A-Za-z0-9_]*$/, 'letters, digits and `_`, not beginning with a digit', 63)
          .optional()
          .meta({ description: 'With view: warehouse, the schema of the warehouse that Headrace owns.', default: 'headrace' }),
        path: text()
          .optional()
          .meta({ description: "Folder of the local copies, relative to the project's folder.", default: '.headrace' }),
        key: secretText().optional().meta({ description: 'Fingerprint secret kept outside Kafka: ${VAR} or ${file:...} only.' }),
      })
      .optional()
      .meta({ description: 'What was published before, and where it is kept.' }),
    guards: guardsSchema,
    timezone: timeZone().optional().meta({ description: 'IANA name of the time zone of the schedules, as Europe/Berlin.', default: 'UTC' }),
    serve: serveSchema.optional().meta({ description: 'How `headrace serve` works.' }),
    approvals: approvals.optional().meta({
      description:
        'Who may approve what: plans of replays, backfills, undos, rollbacks, adoptions and runs that exceed a guard. The topic of used plans is made for it.',
    }),
    consumers: z
      .record(
        z.string(),
        z.strictObject({
          idempotent: boolean().optional().meta({
            description:
              'The group applies each fact version once (highest ce_factversion, or ce_id): events that come again have no effect.',
            default: false,
          }),
        }),
      )
      .optional()
      .meta({ description: 'Consumer groups of the facts, by name: what a replay to them risks.' }),
  })
  .meta({ title: 'headrace.yml' });
