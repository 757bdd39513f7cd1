// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { describe, expect, test } from 'vitest';
import { formatProblem } from '../../src/core/problem.ts';
import { edited, type Files, loadFiles, MAPPING, MODEL, PROJECT } from './written-project.ts';

interface Case {
  readonly what: string;
  readonly files: Files;
  /** `file:line path`. */
  readonly at: string;
  readonly message: string;
  readonly suggestion?: string;
  readonly warning?: boolean;
}

const H = 'headrace.yml';
const O = 'models/customers.yml';
const P = 'mappings/customer.yml';
const headrace = (what: string, from: string, to: string, at: string, message: string, suggestion?: string, warning?: boolean): Case =>
  made(what, edited(H, [from, to]), `${H}:${at}`, message, suggestion, warning);
const model = (what: string, from: string, to: string, at: string, message: string, suggestion?: string, warning?: boolean): Case =>
  made(what, edited(O, [from, to]), `${O}:${at}`, message, suggestion, warning);
const mapping = (what: string, from: string, to: string, at: string, message: string, suggestion?: string, warning?: boolean): Case =>
  made(what, edited(P, [from, to]), `${P}:${at}`, message, suggestion, warning);

function made(what: string, files: Files, at: string, message: string, suggestion?: string, warning = false): Case {
  return { what, files, at, message, ...(suggestion === undefined ? {} : { suggestion }), warning };
}

const KAFKA = 'brokers: localhost:9092';
const CLASS = 'class: profile';
const TIER = 'type: { enum: [GOLD, SILVER] }';
const second = (text: string, name = 'second'): Files => ({ ...PROJECT, [`mappings/${name}.yml`]: text });
const otherMapping = MAPPING.replace('mapping: customer', 'mapping: other').replace('fact: customer.tier', 'fact: customer.other');

const cases: readonly Case[] = [
  // keys
  headrace('unknown key at the top', 'environment:', 'enviroment:', '2 enviroment', 'not a key that is known', '`environment`'),
  headrace('unknown nested key', KAFKA, `${KAFKA}\n  clientid: x`, '9 kafka.clientid', 'not a key that is known', '`client_id`'),
  headrace('unknown key of a warehouse', '    url:', '    urll: x\n    url:', '6 warehouses.main.urll', 'not a key that is known', '`url`'),
  headrace(
    'unknown key of tls',
    KAFKA,
    `${KAFKA}\n  tls: { sername: x }`,
    '9 kafka.tls.sername',
    'not a key that is known',
    '`servername`',
  ),
  headrace(
    'unknown key of sasl',
    KAFKA,
    `${KAFKA}\n  sasl: { mechanism: plain, username: u, password: "\${WAREHOUSE_URL}", pasword: x }`,
    '9 kafka.sasl.pasword',
    'not a key',
    '`password`',
  ),
  model('unknown key of a model', 'schedule:', 'shedule:', '10 shedule', 'not a key that is known', '`schedule`'),
  model('unknown key of the cursor', 'lookback: 15m', 'lookback: 15m\n  loockback: 1m', '8 cursor.loockback', 'not a key', '`lookback`'),
  mapping('unknown key of a field', 'from: plan_code', 'form: plan_code', '15 fields.tier.form', 'not a key', '`from`'),
  mapping('key of a later version', 'fact:', 'registry: {}\nfact:', '2 registry', 'not a key that is known'),
  headrace('registry without a scheme', 'kafka:', 'registry: { url: host:8081 }\nkafka:', '7 registry.url', 'not an address', undefined),
  headrace('registry with a password', 'kafka:', 'registry: { url: "http://u:p@h" }\nkafka:', '7 registry.url', 'credentials', '`auth`'),
  headrace(
    'registry with half of its credentials',
    'kafka:',
    'registry: { url: "https://h", auth: { username: u } }\nkafka:',
    '7 registry.auth',
    'either `username` and `password`, or `token`',
  ),
  headrace(
    'registry with a literal token',
    'kafka:',
    'registry: { url: "https://h", auth: { token: abc } }\nkafka:',
    '7 registry.auth.token',
    'written literally',
    'Write ${VAR}',
  ),
  headrace(
    'registry without TLS',
    'kafka:',
    'registry: { url: "http://h", auth: { token: "${WAREHOUSE_URL}" } }\nkafka:',
    '7 registry.url',
    'unencrypted',
    'https',
    true,
  ),
  headrace(
    'subject strategy',
    'kafka:',
    'registry: { url: "https://h", subject_strategy: topics }\nkafka:',
    '7 registry.subject_strategy',
    'not one of the words',
    '`topic`',
  ),
  mapping('missing key', 'owner: data@example.com\n', '', '1 owner', '`owner` is missing'),
  mapping('key without value', 'owner: data@example.com', 'owner:', '7 owner', '`owner` has no value'),
  headrace('duplicate key', 'environment: test', 'environment: test\nproject: again', '3 project', 'stands here twice', 'line 1'),
  headrace('hostile key', 'environment: test', '__proto__: { polluted: 1 }', '2 __proto__', 'cannot be a key'),
  mapping('hostile field name', '  active:', '  constructor:', '18 fields.constructor', 'cannot be a key'),
  mapping('bad field name', '  active:', '  is-active:', '18 fields.is-active', 'letters, digits and `_`'),
  // names
  headrace('project name', 'project: shop', 'project: Shop', '1 project', '`Shop` does not fit: lower-case'),
  headrace('environment name', 'environment: test', 'environment: te st', '2 environment', 'does not fit'),
  model('model name', 'model: customers', 'model: 1customers', '1 model', 'does not fit'),
  mapping('mapping name', 'mapping: customer', 'mapping: customer_x', '1 mapping', 'does not fit'),
  mapping('fact name', 'fact: customer.tier', 'fact: customer..tier', '2 fact', 'does not fit'),
  mapping('topic name', 'topic: shop.customer.tier.v1', 'topic: shop/customer', '6 topic', 'is not a topic name'),
  mapping('long topic name', 'topic: shop.customer.tier.v1', `topic: ${'t'.repeat(250)}`, '6 topic', 'more than 249'),
  mapping('topic of Kafka itself', 'topic: shop.customer.tier.v1', 'topic: __consumer_offsets', '6 topic', 'belong to Kafka'),
  mapping('internal topic', 'topic: shop.customer.tier.v1', 'topic: headrace.shop.customer.snapshot', '6 topic', 'internal'),
  headrace('warehouse name', '  main:', '  Main:', '4 warehouses.Main', 'A warehouse is named'),
  made('duplicate model name', { ...PROJECT, 'models/zz.yml': MODEL }, 'models/zz.yml:1 model', 'models/customers.yml:1'),
  made(
    'duplicate mapping name',
    second(otherMapping.replace('mapping: other', 'mapping: customer').replace('tier.v1', 'tier.v2')),
    'mappings/second.yml:1 mapping',
    'mappings/customer.yml:1',
  ),
  made('two mappings on one topic', second(otherMapping), 'mappings/second.yml:6 topic', 'written by one mapping alone'),
  made(
    'topics that collide',
    second(otherMapping.replace('shop.customer.tier.v1', 'shop.customer_tier.v1')),
    'mappings/second.yml:6 topic',
    'does not tell `.` from `_`',
  ),
  made(
    'one fact twice',
    second(MAPPING.replace('mapping: customer', 'mapping: other').replace('tier.v1', 'tier.v2')),
    'mappings/second.yml:2 fact',
    'cannot tell',
    undefined,
    true,
  ),
  // references
  mapping('unknown model', 'model: customers', 'model: custmers', '5 model', 'no model `custmers`', '`customers`'),
  model('unknown warehouse', 'warehouse: main', 'warehouse: mian', '2 warehouse', 'no warehouse `mian`', '`main`'),
  mapping('unknown key field', 'key: [customerId]', 'key: [customer_id]', '9 key[0]', 'no field `customer_id`', '`customerId`'),
  mapping('unknown data subject', 'data_subject: customerId', 'data_subject: custmerId', '10 data_subject', 'no field', '`customerId`'),
  mapping(
    'unknown identity field',
    'data_subject:',
    'identity: [nothing_like_it]\ndata_subject:',
    '10 identity[0]',
    'no field',
    'Known: `customerId`',
  ),
  mapping('empty key', 'key: [customerId]', 'key: []', '9 key', 'names no field'),
  mapping('repeated key', 'key: [customerId]', 'key: [customerId, customerId]', '9 key[1]', 'stands twice'),
  mapping(
    'optional key field',
    '{ from: customer_id, type: string }',
    '{ from: customer_id, type: string, optional: true }',
    '9 key[0]',
    'must not be optional',
  ),
  mapping('key of type json', '{ from: customer_id, type: string }', '{ from: customer_id, type: json }', '9 key[0]', 'no single text'),
  // scalars
  model('duration', 'lookback: 15m', 'lookback: 15 minutes', '7 cursor.lookback', '`15 minutes` is not a lookback', '500ms, 30s, 15m'),
  headrace('duration', KAFKA, `${KAFKA}\n  connect_timeout: 5`, '9 kafka.connect_timeout', '`5` is not a duration', '500ms'),
  headrace(
    'duration out of bounds',
    KAFKA,
    `${KAFKA}\n  transaction_timeout: 16m`,
    '9 kafka.transaction_timeout',
    'is not between 5s and 15m',
  ),
  headrace('share', KAFKA, `${KAFKA}\nguards: { updated: { share: 30 } }`, '9 guards.updated.share', 'not a share from 0 to 1', '30%'),
  headrace(
    'share above 100%',
    KAFKA,
    `${KAFKA}\nguards: { updated: { share: 130% } }`,
    '9 guards.updated.share',
    'not a share from 0 to 1',
    '100%',
  ),
  model('cron with four fields', '"*/5 * * * *"', '"* * * *"', '10 schedule', 'it has 4 fields, not 5', 'minute hour'),
  model('cron with seconds', '"*/5 * * * *"', '"0 */5 * * * *"', '10 schedule', 'it has 6 fields, not 5'),
  model('cron macro', '"*/5 * * * *"', '"@daily"', '10 schedule', 'it has 1 fields, not 5'),
  model('cron out of range', '"*/5 * * * *"', '"99 * * * *"', '10 schedule', '`99 * * * *` is not a cron expression: Constraint error'),
  model('cron that never comes', '"*/5 * * * *"', '"0 0 30 2 *"', '10 schedule', 'is not a cron expression'),
  model('random cron', '"*/5 * * * *"', '"H * * * *"', '10 schedule', 'is not a cron expression'),
  mapping('version as a float', 'version: "1.0"', 'version: 1.10', '3 version', '`1.10` is a number in YAML', 'in quotes'),
  mapping('version of three parts', 'version: "1.0"', 'version: 1.0.0', '3 version', 'is not a version', 'MAJOR.MINOR'),
  mapping('class', CLASS, 'class: profil', '4 class', 'not one of the words', '`profile`'),
  mapping('encoding', CLASS, `${CLASS}\nencoding: avor`, '5 encoding', 'not one of the words', '`avro`'),
  mapping('no number in protobuf', CLASS, `${CLASS}\nencoding: protobuf`, '14 fields.customerId', 'has no number', 'number: 1'),
  made(
    'number of another field',
    edited(
      P,
      [CLASS, `${CLASS}\nencoding: protobuf`],
      ['type: string }', 'type: string, number: 2 }'],
      ['type: boolean }', 'type: boolean, number: 2 }'],
    ),
    `${P}:19 fields.active.number`,
    'The number 2 is that of `customerId`',
    'number: 4',
  ),
  made(
    "number of Protobuf's own",
    edited(P, [CLASS, `${CLASS}\nencoding: protobuf`], ['type: string }', 'type: string, number: 19000 }']),
    `${P}:14 fields.customerId.number`,
    'from 19000 to 19999',
    'number: 20000',
  ),
  made(
    'names that are one in protobuf',
    edited(P, [CLASS, `${CLASS}\nencoding: protobuf`], ['  active:', '  customer_id:']),
    `${P}:19 fields.customer_id`,
    'are one name',
    'Rename',
  ),
  made(
    'name without a letter in protobuf',
    edited(P, [CLASS, `${CLASS}\nencoding: protobuf`], ['  active:', '  _1:']),
    `${P}:19 fields._1`,
    'begins with no letter',
    'Rename',
  ),
  made(
    'symbol of avro',
    edited(P, [CLASS, `${CLASS}\nencoding: avro`], [TIER, 'type: { enum: [GOLD, SILVER, no-tier] }']),
    `${P}:17 fields.tier.type.enum`,
    '`no-tier` is no name in Avro',
    '`values`',
  ),
  made(
    'symbols that are one in protobuf',
    edited(P, [CLASS, `${CLASS}\nencoding: protobuf`], [TIER, 'type: { enum: { GOLD: 1, SILVER: 2, gold: 3 } }']),
    `${P}:17 fields.tier.type.enum`,
    'falls together with TIER_GOLD',
    '`values`',
  ),
  mapping('number of a symbol', TIER, 'type: { enum: { GOLD: 0, SILVER: 2 } }', '16 fields.tier.type.enum.GOLD', 'from 1 on'),
  mapping('symbols with one number', TIER, 'type: { enum: { GOLD: 1, SILVER: 1 } }', '16 fields.tier.type.enum.SILVER', 'another symbol'),
  mapping('partitions', CLASS, `${CLASS}\npartitions: 0`, '5 partitions', 'is not between 1'),
  mapping('partitions of text', CLASS, `${CLASS}\npartitions: many`, '5 partitions', 'is not a whole number'),
  mapping('large number', CLASS, `${CLASS}\npartitions: 123456789012345678`, '5 partitions', 'too large to be read exactly', 'quotes'),
  headrace('broker', KAFKA, 'brokers: a:9092,b', '8 kafka.brokers', 'not host:port (number 2 of 2)'),
  headrace('broker with a bad port', KAFKA, 'brokers: [a:90921]', '8 kafka.brokers', 'not host:port (number 1 of 1)'),
  headrace(
    'text where a section belongs',
    'kafka:\n  brokers: localhost:9092',
    'kafka: localhost:9092',
    '7 kafka',
    'must be keys with values',
  ),
  headrace('unknown view', KAFKA, `${KAFKA}\nsnapshot: { view: remote }`, '9 snapshot.view', 'remote', 'local'),
  headrace('a schema in quotes', KAFKA, `${KAFKA}\nsnapshot: { schema: 'a"b' }`, '9 snapshot.schema', 'letters, digits'),
  // warehouses and Kafka
  headrace(
    'unknown warehouse type',
    'type: postgres',
    'type: postgre',
    '5 warehouses.main.type',
    'not a known warehouse type',
    '`postgres`',
  ),
  headrace(
    'missing warehouse type',
    '    type: postgres\n',
    '',
    '4 warehouses.main.type',
    'warehouse type is missing',
    'postgres, duckdb, snowflake, bigquery',
  ),
  headrace('url and parts', 'url: ${WAREHOUSE_URL}', 'url: ${WAREHOUSE_URL}\n    host: db', '7 warehouses.main.host', 'exclude each other'),
  headrace('neither url nor parts', 'url: ${WAREHOUSE_URL}', 'connect_timeout: 1s', '4 warehouses.main', '`url` is missing'),
  headrace('some parts', 'url: ${WAREHOUSE_URL}', 'host: db', '4 warehouses.main', '`database`, `user` missing'),
  headrace(
    'url of another system',
    'url: ${WAREHOUSE_URL}',
    'url: mysql://db/shop',
    '6 warehouses.main.url',
    'is not a PostgreSQL URL',
    'postgres://',
  ),
  headrace(
    'DuckDB in memory',
    'type: postgres\n    url: ${WAREHOUSE_URL}',
    'type: duckdb\n    path: ":memory:"',
    '6 warehouses.main.path',
    'must be that of a file',
  ),
  headrace(
    'sasl mechanism',
    KAFKA,
    `${KAFKA}\n  sasl: { mechanism: scram-sha-521, username: u }`,
    '9 kafka.sasl.mechanism',
    'not a known mechanism',
    '`scram-sha-512`',
  ),
  headrace(
    'sasl without password',
    KAFKA,
    `${KAFKA}\n  sasl: { mechanism: scram-sha-512, username: u }`,
    '9 kafka.sasl.password',
    'missing',
  ),
  headrace(
    'oauthbearer without a token',
    KAFKA,
    `${KAFKA}\n  sasl: { mechanism: oauthbearer }`,
    '9 kafka.sasl',
    'exactly one of `token` and `command`',
  ),
  headrace(
    'plain without tls',
    KAFKA,
    `${KAFKA}\n  sasl: { mechanism: plain, username: u, password: "\${WAREHOUSE_URL}" }`,
    '9 kafka.sasl.mechanism',
    'unencrypted',
    'tls',
    true,
  ),
  headrace('tls of another kind', KAFKA, `${KAFKA}\n  tls: maybe`, '9 kafka.tls', 'must be true or false, or keys with values'),
  headrace('tls.ca as a path', KAFKA, `${KAFKA}\n  tls: { ca: /run/ca.pem }`, '9 kafka.tls.ca', 'is not a PEM text', '${file:'),
  // models
  model('no relation', 'table: marts.customers\n', '', '1 ', 'exactly one of table, sql, sql_file and ref'),
  model('two relations', 'table: marts.customers', 'table: marts.customers\nsql: select 1', '4 sql', 'table and sql stand here'),
  model('query as a table', 'table: marts.customers', 'table: select * from x', '3 table', 'is a query', 'sql:'),
  model('table with an empty part', 'table: marts.customers', 'table: marts.', '3 table', 'a part between dots is empty'),
  model(
    'missing sql_file',
    'table: marts.customers',
    'sql_file: none.sql',
    '3 sql_file',
    '(`none.sql`): The file cannot be read (ENOENT)',
    "model's file",
  ),
  model('empty query', 'table: marts.customers', 'sql: " ; "', '3 sql', 'The query is empty'),
  model('no key', 'key: [customer_id]', 'key: []', '4 key', 'names no column'),
  model('repeated key', 'key: [customer_id]', 'key: [a, a]', '4 key[1]', 'stands twice'),
  model('deletes of nothing', 'deletes: { missing_rows: true }', 'deletes: {}', '8 deletes', 'No way of deletion'),
  model('deletes of another word', 'deletes: { missing_rows: true }', 'deletes: all', '8 deletes', 'must be none, or keys with values'),
  model('append_only with deletes', 'schedule:', 'append_only: true\nschedule:', '8 deletes', 'never deleted'),
  model(
    'append_only without a cursor',
    'cursor:\n  column: updated_at\n  lookback: 15m\ndeletes: { missing_rows: true }',
    'append_only: true',
    '5 append_only',
    'needs a cursor',
  ),
  model(
    'missing rows never looked for',
    'full_comparison: "0 3 * * *"\n',
    '',
    '8 deletes.missing_rows',
    'none is scheduled',
    'full_comparison',
    true,
  ),
  model(
    'full comparison of full reads',
    'cursor:\n  column: updated_at\n  lookback: 15m\n',
    '',
    '6 full_comparison',
    'reads the whole model already',
    undefined,
    true,
  ),
  // fields
  mapping('field without a source', 'from: plan_code\n    ', '', '14 fields.tier', 'none of them stands here'),
  mapping('field with two sources', 'from: plan_code', 'from: plan_code\n    cel: "1"', '16 fields.tier.cel', 'from and cel stand here'),
  mapping('field without a type', ', type: boolean', '', '18 fields.active', 'The type is missing'),
  mapping('unknown type', 'type: boolean', 'type: bool', '18 fields.active.type', '`bool` is not a type', 'Write boolean'),
  mapping('misspelled type', 'type: boolean', 'type: boolaen', '18 fields.active.type', 'is not a type', '`boolean`'),
  mapping('decimal scale', TIER, 'type: { decimal: [5, 6] }', '16 fields.tier.type.decimal', 'has scale 6'),
  mapping('decimal precision', TIER, 'type: { decimal: [39, 6] }', '16 fields.tier.type.decimal', 'has precision 39'),
  mapping('decimal shape', TIER, 'type: { decimal: 10 }', '16 fields.tier.type.decimal', 'must be [precision, scale]'),
  mapping('empty enum', TIER, 'type: { enum: [] }', '16 fields.tier.type.enum', 'must be a list of symbols'),
  mapping('enum of numbers', TIER, 'type: { enum: [1, 2] }', '16 fields.tier.type.enum[0]', '`1` must be text', 'quotes'),
  mapping('repeated symbol', TIER, 'type: { enum: [GOLD, GOLD] }', '16 fields.tier.type.enum[1]', 'stands twice'),
  mapping('unknown shape', TIER, 'type: { enumm: [GOLD] }', '16 fields.tier.type.enumm', 'is not a type', '`enum`'),
  mapping(
    'type inside an array',
    TIER,
    'type: { array: { array: strng } }',
    '16 fields.tier.type.array.array',
    '`strng` is not a type',
    '`string`',
  ),
  mapping(
    'object member',
    TIER,
    'type: { object: { a: { type: string, optinal: true } } }',
    '16 fields.tier.type.object.a.optinal',
    'not known here',
    '`optional`',
  ),
  mapping(
    'values outside the enum',
    'silver: SILVER }',
    'silver: SLIVER }',
    '17 fields.tier.values.silver',
    '`SLIVER` is not one of the symbols of the enum',
    '`SILVER`',
  ),
  mapping('empty values', '{ gold: GOLD, silver: SILVER }', '{}', '17 fields.tier.values', 'every row would be rejected'),
  mapping('const that does not fit', 'cel: "row.is_active"', 'const: 5', '18 fields.active.const', '`5` is not true or false'),
  mapping('const null', 'cel: "row.is_active"', 'const: null', '18 fields.active.const', 'must be optional'),
  mapping(
    'default that does not fit',
    'type: boolean',
    'type: { decimal: [4, 1] }, default: "1.25"',
    '18 fields.active.default',
    'more than 1 digits behind the point',
  ),
  mapping(
    'default of a constant',
    'cel: "row.is_active", type: boolean',
    'const: true, type: boolean, default: false',
    '18 fields.active.default',
    'needs no default',
  ),
  mapping(
    'type beside fields',
    '{ cel: "row.is_active", type: boolean }',
    '{ type: json, fields: { a: { from: a, type: string } } }',
    '18 fields.active.type',
    'cannot stand beside `fields`',
  ),
  mapping(
    'nested field',
    '{ cel: "row.is_active", type: boolean }',
    '{ fields: { a: { from: a, type: strin } } }',
    '18 fields.active.fields.a.type',
    '`strin` is not a type',
    '`string`',
  ),
  mapping('no members', '{ cel: "row.is_active", type: boolean }', '{ fields: {} }', '18 fields.active.fields', 'has no members'),
  // classes
  mapping(
    'identity of a compacted topic',
    'data_subject:',
    'identity: [customerId, tier]\ndata_subject:',
    '10 identity',
    'the identity must be the key',
  ),
  mapping(
    'identity in another order',
    'key: [customerId]',
    'key: [customerId, tier]\nidentity: [tier, customerId]',
    '10 identity',
    'the identity must be the key',
  ),
  mapping('behavior with on_delete', CLASS, 'class: behavior\non_delete: fact', '5 on_delete', 'immutable'),
  mapping('behavior with undo', CLASS, 'class: behavior\nundo: previous', '5 undo', 'immutable'),
  made(
    'behavior in the order of an expression',
    edited(P, [CLASS, 'class: behavior\nidentity: [customerId, tier]'], ['{ from: updated_at }', '{ cel: "row.x" }']),
    `${P}:12 occurred_at`,
    'must be a column',
  ),
  mapping(
    'governance without a subject',
    'class: profile\nmodel: customers\ntopic: shop.customer.tier.v1\nowner: data@example.com\nsemantics: The tier.\nkey: [customerId]\ndata_subject: customerId',
    'class: governance\nmodel: customers\ntopic: shop.customer.tier.v1\nowner: data@example.com\nsemantics: The tier.\nkey: [customerId]',
    '1 data_subject',
    'must say whom it is about',
  ),
  mapping(
    'profile without a subject',
    'data_subject: customerId\n',
    '',
    '1 data_subject',
    'neither consent nor erasure',
    'data_subject: FIELD',
  ),
  mapping('command without undo', CLASS, 'class: command', '1 undo', 'must say how it is undone', 'undo: previous'),
  mapping(
    'command that protects new readers alone',
    CLASS,
    'class: command\nundo: none\ncompatibility: backward',
    '6 compatibility',
    'needs full compatibility',
    'compatibility: full',
  ),
  mapping('command with any change allowed', CLASS, 'class: command\nundo: none\ncompatibility: none', '6 compatibility', 'needs full'),
  mapping(
    'command that is compacted',
    CLASS,
    'class: command\nundo: none\ntopic_config: { cleanup.policy: compact }',
    '6 topic_config.cleanup.policy',
    'carried out by every later reader',
    'cleanup.policy: delete',
  ),
  mapping(
    'behavior that is compacted',
    CLASS,
    'class: behavior\ntopic_config: { cleanup.policy: "compact,delete" }',
    '5 topic_config.cleanup.policy',
    'is one of many of its key',
  ),
  mapping(
    'command for ever',
    CLASS,
    'class: command\nundo: none\ntopic_config: { retention.ms: -1 }',
    '6 topic_config.retention.ms',
    'must end with retention',
    'retention.ms: 7d',
  ),
  mapping(
    'behavior without an end that is a number',
    CLASS,
    'class: behavior\ntopic_config: { retention.ms: long }',
    '5 topic_config.retention.ms',
    'states how long',
  ),
  mapping('owner that is nobody', 'owner: data@example.com', 'owner: TBD', '7 owner', 'somebody who answers', 'Name a team'),
  mapping('owner of signs', 'owner: data@example.com', 'owner: "--"', '7 owner', 'somebody who answers'),
  mapping('semantics that say nothing', 'semantics: The tier.', 'semantics: TODO', '8 semantics', 'what the fact means'),
  mapping('semantics of one word', 'semantics: The tier.', 'semantics: Tier.', '8 semantics', 'what the fact means'),
  // aliases and deprecation
  mapping(
    'alias that is a field',
    'active: { cel',
    'active: { aliases: [tier], cel',
    '18 fields.active.aliases[0]',
    'a former name, and this field exists now',
  ),
  mapping('alias that is no name', 'active: { cel', 'active: { aliases: ["a-b"], cel', '18 fields.active.aliases[0]', 'does not fit'),
  mapping(
    'alias of two fields',
    'active: { cel: "row.is_active", type: boolean }',
    'active: { cel: "row.is_active", type: boolean, aliases: [old] }\n  again: { cel: "row.is_active", type: boolean, aliases: [old] }',
    '19 fields.again.aliases[0]',
    '`active` has this alias',
  ),
  mapping(
    'deprecation on no day',
    CLASS,
    `${CLASS}\ndeprecated: { until: 2027-02-31 }`,
    '5 deprecated.until',
    'is not a day',
    '2027-01-31',
  ),
  mapping(
    'profile that is not compacted',
    CLASS,
    `${CLASS}\ntopic_config: { cleanup.policy: delete }`,
    '5 topic_config.cleanup.policy',
    'lost when retention ends',
    'cleanup.policy: compact',
  ),
  mapping(
    'cleanup policy',
    CLASS,
    `${CLASS}\ntopic_config: { cleanup.policy: compacted }`,
    '5 topic_config.cleanup.policy',
    'must be compact, delete',
  ),
  mapping(
    'topic setting',
    CLASS,
    `${CLASS}\ntopic_config: { retention.mss: 1 }`,
    '5 topic_config.retention.mss',
    'no topic setting',
    '`retention.ms`',
    true,
  ),
  headrace(
    'cleanup policy of the project',
    KAFKA,
    `${KAFKA}\ntopics: { config: { cleanup.policy: compact } }`,
    '9 topics.config.cleanup.policy',
    'follows from the class',
  ),
  made(
    'append_only model of a profile',
    edited(O, ['deletes: { missing_rows: true }', 'append_only: true']),
    `${P}:5 model`,
    'begin again at 1',
  ),
  mapping(
    'occurred_at of two sources',
    '{ from: updated_at }',
    '{ from: updated_at, cel: "row.x" }',
    '11 occurred_at',
    'exactly one of from and cel',
  ),
];

describe('each mistake is reported with its place', () => {
  test.each(cases)('$what: $at', async ({ files, at, message, suggestion, warning }) => {
    const { problems, project } = await loadFiles(files);
    const found = problems.find((p) => `${p.file}:${p.line} ${p.path}` === at && p.message.includes(message));
    expect(found, problems.map(formatProblem).join('\n')).toBeDefined();
    expect(found?.column).toBeGreaterThan(0);
    expect(found?.severity).toBe(warning === true ? 'warning' : 'error');
    expect(project === undefined).toBe(warning !== true);
    if (suggestion !== undefined) expect(found?.suggestion).toContain(suggestion);
  });

  test('the small project itself has none', async () => {
    expect((await loadFiles(PROJECT)).problems).toEqual([]);
  });
});

test('all problems of all files are in one report', async () => {
  const { problems, project } = await loadFiles({
    'headrace.yml': 'project: Shop\nwarehouses: { main: { type: postgres, url: "${NOT_SET}" } }\nkafka: { brokers: x }\n',
    'models/customers.yml': MODEL.replace('warehouse: main', 'warehouse: mian').replace('15m', '15x').replace('"0 3 * * *"', '"x"'),
    'models/broken.yml': 'model: [',
    'mappings/customer.yml': MAPPING.replace('version: "1.0"', 'version: 1.0')
      .replace('model: customers', 'model: custmers')
      .replace('type: boolean', 'type: bool'),
  });
  expect(project).toBeUndefined();
  const reported = problems.map((p) => `${p.file} ${p.path}`);
  expect(reported).toEqual([
    'headrace.yml project',
    'headrace.yml warehouses.main.url',
    'headrace.yml kafka.brokers',
    'models/broken.yml ',
    'models/customers.yml warehouse',
    'models/customers.yml cursor.lookback',
    'models/customers.yml full_comparison',
    'mappings/customer.yml version',
    'mappings/customer.yml model',
    'mappings/customer.yml fields.active.type',
  ]);
});

test('a wrong field hides nothing that is wrong with the key', async () => {
  const { problems } = await loadFiles(
    edited('mappings/customer.yml', ['type: boolean', 'type: bool'], ['key: [customerId]', 'key: [custmerId]']),
  );
  expect(problems.map((p) => p.path)).toEqual(['key[0]', 'fields.active.type']);
});
