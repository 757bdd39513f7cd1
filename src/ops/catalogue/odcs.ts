import type { Field, Mapping, Model, Project } from '../../config/project.ts';
import { scheduleOf } from '../../config/schedule.ts';
import { type FieldType, formatFieldType } from '../../core/field-type.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * A mapping's contract as the Open Data Contract Standard has it (v3.0.2, https://bitol-io.github.io/open-data-contract-standard/v3.0.2/): one contract per fact.
 * What the standard has no place for stands in custom properties that begin with `headrace`.
 */
export function odcsOf(project: Project, mapping: Mapping): Json {
  const model = project.models.get(mapping.model);
  const { version, topicSpec } = mapping;
  return {
    apiVersion: 'v3.0.2',
    kind: 'DataContract',
    id: `urn:headrace:${project.name}:${mapping.fact}`,
    name: mapping.fact,
    version: `${version.major}.${version.minor}.0`,
    status: mapping.deprecated === undefined ? 'active' : 'deprecated',
    domain: project.name,
    dataProduct: mapping.name,
    tags: [mapping.class],
    description: {
      purpose: mapping.semantics,
      usage: usageOf(mapping),
      limitations: limitationsOf(mapping),
    },
    servers: [
      {
        server: 'kafka',
        type: 'kafka',
        host: project.kafka.brokers.join(','),
        format: mapping.encoding,
        environment: project.environment,
        description: `Topic ${mapping.topic}`,
      },
    ],
    schema: [
      {
        name: mapping.fact,
        physicalName: mapping.topic,
        physicalType: 'topic',
        logicalType: 'object',
        description: mapping.semantics,
        dataGranularityDescription: `One fact per ${mapping.identity.join(', ')}`,
        properties: mapping.fields.map((field) => propertyOf(field, mapping, model)),
        quality: qualityOf(mapping),
      },
    ],
    team: [{ username: mapping.owner, role: 'owner' }],
    slaProperties: slaOf(mapping, model),
    customProperties: customProperties({
      headraceMapping: mapping.name,
      headraceClass: mapping.class,
      headraceCompatibility: mapping.compatibility,
      headraceKey: mapping.key.join(', '),
      headraceIdentity: mapping.identity.join(', '),
      headraceDataSubject: mapping.dataSubject,
      headraceOnDelete: mapping.onDelete,
      headracePartitions: topicSpec.partitions,
      headraceCleanupPolicy: topicSpec.config.get('cleanup.policy'),
      headraceDbt: model?.declared?.id,
    }),
  };
}

function customProperties(values: Readonly<Record<string, string | number | undefined>>): readonly Json[] {
  return Object.entries(values).flatMap(([property, value]) => (value === undefined ? [] : [{ property, value }]));
}

function usageOf(mapping: Mapping): string {
  return mapping.class === 'behavior'
    ? 'Read with isolation.level=read_committed. Deduplicate by the header ce_id.'
    : 'Read with isolation.level=read_committed. Per identity, keep the highest ce_factversion that was applied, and pass over lower ones.';
}

function limitationsOf(mapping: Mapping): string {
  const states = 'Versions of a row between two runs are not published.';
  if (mapping.class === 'behavior') return 'Facts are immutable: deletions and changes of a row publish nothing.';
  return mapping.onDelete === 'none' ? `${states} Deletions publish nothing.` : states;
}

function propertyOf(field: Field, mapping: Mapping, model: Model | undefined): Json {
  const position = mapping.identity.indexOf(field.name);
  const partition = mapping.key.indexOf(field.name);
  const column = field.source !== undefined && 'from' in field.source ? field.source.from : undefined;
  const declared = model?.declared;
  return {
    ...describedProperty(field.name, field.type, !field.optional, field.members),
    ...(field.description === undefined ? {} : { description: field.description }),
    ...(position < 0 ? {} : { primaryKey: true, primaryKeyPosition: position + 1 }),
    ...(partition < 0 ? {} : { partitioned: true, partitionKeyPosition: partition + 1 }),
    ...(field.name === mapping.dataSubject ? { tags: ['data_subject'] } : {}),
    ...(column === undefined || declared === undefined ? {} : { transformSourceObjects: [`${declared.id}.${column}`] }),
    ...(field.source !== undefined && 'cel' in field.source ? { transformLogic: field.source.cel } : {}),
  };
}

function describedProperty(name: string, type: FieldType, required: boolean, members?: readonly Field[]): Json {
  return { name, ...typeOf(type, members), required };
}

/** The logical type is what the value is in JSON; the physical one is the type of the mapping. */
function typeOf(type: FieldType, members?: readonly Field[]): Json {
  const physicalType = formatFieldType(type);
  switch (type.kind) {
    case 'boolean':
      return { logicalType: 'boolean', physicalType };
    case 'int32':
      return { logicalType: 'integer', physicalType, logicalTypeOptions: { minimum: -2147483648, maximum: 2147483647 } };
    case 'float64':
      return { logicalType: 'number', physicalType };
    case 'date':
      return { logicalType: 'date', physicalType, logicalTypeOptions: { format: 'yyyy-MM-dd' } };
    case 'timestamp':
      return { logicalType: 'date', physicalType, logicalTypeOptions: { format: "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'" } };
    case 'json':
      // Any JSON value; the standard has no type for that.
      return { logicalType: 'object', physicalType };
    case 'array':
      return { logicalType: 'array', physicalType, items: typeOf(type.items) };
    case 'object':
      return {
        logicalType: 'object',
        physicalType: 'object',
        properties:
          members === undefined
            ? type.members.map((member) => describedProperty(member.name, member.type, !member.optional))
            : members.map((member) => ({
                ...describedProperty(member.name, member.type, !member.optional, member.members),
                ...(member.description === undefined ? {} : { description: member.description }),
              })),
      };
    case 'uuid':
      return { logicalType: 'string', physicalType, logicalTypeOptions: { format: 'uuid' } };
    case 'enum':
      return { logicalType: 'string', physicalType, logicalTypeOptions: { pattern: `^(${type.symbols.map(literally).join('|')})$` } };
    case 'string':
    case 'int64':
    case 'decimal':
    case 'time':
    case 'bytes':
      return { logicalType: 'string', physicalType };
  }
}

function literally(symbol: string): string {
  return symbol.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** What is checked before anything is published, in words: the standard's `text` rules. */
function qualityOf(mapping: Mapping): readonly Json[] {
  const { updated, deleted } = mapping.guards;
  const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`;
  const rules = [
    'A row that does not fit the types is quarantined, never published.',
    `A run that would change more than ${percent(updated.share)} of the facts (from ${updated.atLeast} on) stops before it publishes.`,
    ...(mapping.onDelete === 'none'
      ? []
      : [`A run that would end more than ${percent(deleted.share)} of the facts (from ${deleted.atLeast} on) stops before it publishes.`]),
  ];
  return rules.map((description) => ({ type: 'text', description }));
}

function slaOf(mapping: Mapping, model: Model | undefined): readonly Json[] {
  const retention = mapping.topicSpec.config.get('retention.ms');
  const driver = mapping.class === 'governance' ? 'regulatory' : 'operational';
  const schedule = model === undefined ? undefined : scheduleOf(mapping, model);
  return [
    ...(schedule === undefined
      ? []
      : 'cron' in schedule
        ? [{ property: 'frequency', value: schedule.cron, unit: `cron (${schedule.timeZone})`, driver }]
        : [{ property: 'frequency', value: schedule.everyMs / 1000, unit: 's', driver }]),
    ...(retention === undefined || retention === '-1'
      ? []
      : [{ property: 'retention', value: Number(retention) / 86_400_000, unit: 'd', driver }]),
    ...(model?.declared?.deprecation === undefined ? [] : [{ property: 'endOfSupport', value: model.declared.deprecation, driver }]),
  ];
}
