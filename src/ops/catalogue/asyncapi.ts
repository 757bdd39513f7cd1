import type { KafkaConfig, Mapping, Project } from '../../config/project.ts';
import { jsonSchemaOf } from '../../contract/json-schema.ts';
import { mediaTypeOf } from '../../contract/media-type.ts';
import { headersOf } from './headers.ts';
import { sampleEvent } from './sample-event.ts';

type Json = Readonly<Record<string, unknown>>;

const KAFKA_BINDING = '0.5.0';

/**
 * An AsyncAPI 3.0 document of what the project publishes: a channel per fact topic (https://www.asyncapi.com/docs/reference/specification/v3.0.0, Kafka
 * bindings 0.5.0). It says where the brokers are and how one proves who one is, and holds no secret.
 */
export function asyncApiOf(project: Project, mappings: readonly Mapping[]): Json {
  const [only] = mappings.length === 1 ? mappings : [];
  const security = securityOf(project.kafka);
  return {
    asyncapi: '3.0.0',
    id: `urn:headrace:${project.name}`,
    info: {
      title: only === undefined ? `Facts of ${project.name}` : `${only.fact}, a fact of ${project.name}`,
      version: only === undefined ? '1.0.0' : `${only.version.major}.${only.version.minor}.0`,
      description:
        'Facts from the data warehouse as keyed, versioned CloudEvents. Each version of a fact stands once in its topic for read_committed consumers.',
      tags: [...new Set(mappings.map((mapping) => mapping.class))].map((name) => ({ name, description: CLASSES[name] })),
    },
    defaultContentType: 'application/json',
    servers: Object.fromEntries(
      project.kafka.brokers.map((host, index) => [
        `broker-${index + 1}`,
        {
          host,
          protocol: project.kafka.tls === undefined ? 'kafka' : 'kafka-secure',
          description: `Environment ${project.environment}.`,
          ...(security === undefined ? {} : { security: [{ $ref: '#/components/securitySchemes/kafka' }] }),
        },
      ]),
    ),
    channels: Object.fromEntries(mappings.map((mapping) => [mapping.name, channelOf(mapping)])),
    operations: Object.fromEntries(
      mappings.map((mapping) => [
        `publish-${mapping.name}`,
        {
          action: 'send',
          title: `Publish ${mapping.fact}`,
          channel: { $ref: `#/channels/${mapping.name}` },
          messages: messageNames(mapping).map((name) => ({ $ref: `#/channels/${mapping.name}/messages/${name}` })),
        },
      ]),
    ),
    components: {
      messages: Object.fromEntries(
        mappings.flatMap((mapping) => messageNames(mapping).map((name) => [`${mapping.name}.${name}`, MESSAGES[name](project, mapping)])),
      ),
      ...(security === undefined ? {} : { securitySchemes: { kafka: security } }),
    },
  };
}

const CLASSES: Readonly<Record<Mapping['class'], string>> = {
  behavior: 'What happened, unchanged.',
  profile: 'The interpreted state of a customer.',
  command: 'Tells a target to act: once per id.',
  governance: 'Consent, deletion, residency.',
};

function channelOf(mapping: Mapping): Json {
  const { topicSpec } = mapping;
  return {
    address: mapping.topic,
    title: mapping.fact,
    description: mapping.semantics,
    messages: Object.fromEntries(messageNames(mapping).map((name) => [name, { $ref: `#/components/messages/${mapping.name}.${name}` }])),
    tags: [{ name: mapping.class }],
    bindings: {
      kafka: {
        topic: mapping.topic,
        partitions: topicSpec.partitions,
        ...(topicSpec.replication === undefined ? {} : { replicas: topicSpec.replication }),
        topicConfiguration: topicConfiguration(topicSpec.config),
        bindingVersion: KAFKA_BINDING,
      },
    },
    'x-headrace': {
      mapping: mapping.name,
      owner: mapping.owner,
      class: mapping.class,
      version: `${mapping.version.major}.${mapping.version.minor}`,
      compatibility: mapping.compatibility,
      key: mapping.key,
      identity: mapping.identity,
      ...(mapping.dataSubject === undefined ? {} : { dataSubject: mapping.dataSubject }),
      ...(topicSpec.config.size === 0 ? {} : { topicConfig: Object.fromEntries(topicSpec.config) }),
    },
  };
}

/** Those of Kafka's settings that the binding knows; numbers there, texts in Kafka. */
function topicConfiguration(config: ReadonlyMap<string, string>): Json {
  const known: Record<string, unknown> = {};
  const policy = config.get('cleanup.policy');
  if (policy !== undefined) known['cleanup.policy'] = policy.split(',').map((each) => each.trim());
  for (const name of ['retention.ms', 'retention.bytes', 'delete.retention.ms', 'max.message.bytes'])
    if (config.has(name)) known[name] = Number(config.get(name));
  return known;
}

type MessageName = 'fact' | 'tombstone';

function messageNames(mapping: Mapping): readonly MessageName[] {
  return mapping.onDelete === 'none' ? ['fact'] : ['fact', 'tombstone'];
}

const MESSAGES: Readonly<Record<MessageName, (project: Project, mapping: Mapping) => Json>> = {
  fact: factMessage,
  tombstone: tombstoneMessage,
};

function factMessage(project: Project, mapping: Mapping): Json {
  const { $schema: _, ...payload } = jsonSchemaOf(mapping);
  const { headers, value } = sampleEvent(project, mapping);
  return {
    name: `${mapping.fact}.v${mapping.version.major}`,
    title: `${mapping.fact} ${mapping.version.major}.${mapping.version.minor}`,
    summary: mapping.semantics,
    ...(mapping.encoding === 'json' ? {} : { description: bytesOf(mapping) }),
    contentType: mediaTypeOf(mapping.encoding),
    headers: headersSchema(project, mapping, true),
    payload,
    bindings: { kafka: { key: keySchema(mapping), bindingVersion: KAFKA_BINDING } },
    examples: [{ name: 'made-from-the-types', headers: Object.fromEntries(headers), payload: JSON.parse(value) as unknown }],
  };
}

/** The payload's schema is that of the JSON form: parsers of AsyncAPI know the others by plug-ins only. */
function bytesOf({ name, encoding }: Mapping): string {
  return `Encoded in ${encoding}: \`headrace contracts export ${name}\` writes the schema of the bytes. The payload is described in its JSON form.`;
}

function tombstoneMessage(project: Project, mapping: Mapping): Json {
  return {
    name: `${mapping.fact}.v${mapping.version.major}.tombstone`,
    title: `End of ${mapping.fact}`,
    summary: 'A record without a value: the fact of this key has ended.',
    headers: headersSchema(project, mapping, false),
    payload: { type: 'null' },
    bindings: { kafka: { key: keySchema(mapping), bindingVersion: KAFKA_BINDING } },
  };
}

function headersSchema(project: Project, mapping: Mapping, hasValue: boolean): Json {
  const ofTombstone = (name: string) => !['content-type', 'ce_dataschema', 'ce_changed'].includes(name);
  const ofFact = (name: string) => mapping.onDelete === 'fact' || name !== 'ce_deletereason';
  const headers = headersOf(project.name, mapping).filter(({ name }) => (hasValue ? ofFact(name) : ofTombstone(name)));
  const types = (symbols: readonly string[]) =>
    hasValue
      ? mapping.onDelete === 'fact'
        ? symbols
        : symbols.filter((each) => !each.endsWith('.deleted'))
      : symbols.filter((each) => each.endsWith('.deleted'));
  const schemaOf = ({ name, meaning, constant, symbols }: (typeof headers)[number]): Json => ({
    type: 'string',
    description: meaning,
    ...(constant === undefined ? {} : { const: constant }),
    ...(symbols === undefined ? {} : { enum: name === 'ce_type' ? types(symbols) : symbols }),
  });
  const always = (header: (typeof headers)[number]) =>
    !header.optional || (hasValue && (header.name === 'content-type' || header.name === 'ce_dataschema'));
  return {
    type: 'object',
    properties: Object.fromEntries(headers.map((header) => [header.name, schemaOf(header)])),
    required: headers.filter(always).map(({ name }) => name),
  };
}

function keySchema(mapping: Mapping): Json {
  const [only] = mapping.key;
  if (mapping.key.length === 1) return { type: 'string', description: `The plain text of ${only}.` };
  return { type: 'string', contentMediaType: 'application/json', description: `A JSON array of texts: ${mapping.key.join(', ')}.` };
}

/** How a client proves who it is, without any credential. */
function securityOf({ sasl, tls }: KafkaConfig): Json | undefined {
  switch (sasl?.mechanism) {
    case undefined:
      return tls !== undefined && tls !== true && tls.cert !== undefined ? { type: 'X509' } : undefined;
    case 'plain':
      return { type: 'plain' };
    case 'scram-sha-256':
      return { type: 'scramSha256' };
    case 'scram-sha-512':
      return { type: 'scramSha512' };
    case 'oauthbearer':
      return { type: 'http', scheme: 'bearer', description: 'SASL/OAUTHBEARER' };
  }
}
