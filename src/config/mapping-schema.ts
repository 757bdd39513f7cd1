import { z } from 'zod';
import { boolean, integer, leaf, text } from './leaf.ts';
import { guardsSchema, partitions, replication, topicConfig } from './project-schema.ts';
import { choice, column, day, factName, schedule, slug, timeZone, topicName, version } from './scalars.ts';
import { fieldType } from './written-type.ts';

const REFUSED = { refused: 'must be text, a number or a boolean', show: false } as const;

function isConstant(written: unknown): written is string | number | boolean {
  return typeof written === 'string' || typeof written === 'number' || typeof written === 'boolean';
}

const constant = () =>
  leaf<string | number | boolean>((written) => (isConstant(written) ? { value: written } : REFUSED), {
    type: ['string', 'number', 'boolean'],
  });
const constantOrNull = () =>
  leaf<string | number | boolean | null>((written) => (isConstant(written) || written === null ? { value: written } : REFUSED), {
    type: ['string', 'number', 'boolean', 'null'],
  });

/** A text, or when and until when. */
const deprecation = () =>
  z.union([
    text(),
    z.strictObject({
      since: text().optional().meta({ description: 'The version that began to say so, as "1.2".' }),
      until: day().optional().meta({ description: 'The day after which it may be gone, as 2027-01-31.' }),
      reason: text().optional().meta({ description: 'What to use in its place.' }),
    }),
  ]);

/** One field: exactly one of from, cel, const, fields. That, and what fits to what, is checked in compile-fields.ts. */
export const fieldSchema = z
  .strictObject({
    from: column().optional().meta({ description: 'A column of the model.' }),
    cel: text().optional().meta({ description: 'A CEL expression over `row`, as row.mrr > 0.' }),
    const: constantOrNull().optional().meta({ description: 'The same value in every fact.' }),
    get fields(): z.ZodOptional<z.ZodRecord<z.ZodString, typeof fieldSchema>> {
      return z
        .record(z.string(), fieldSchema)
        .optional()
        .meta({ description: 'An object built from members that have sources of their own.' });
    },
    type: fieldType().optional(),
    optional: boolean().optional().meta({ description: 'Whether the value may be null.', default: false }),
    default: constant().optional().meta({ description: 'Used where the source is NULL.' }),
    values: z
      .record(z.string(), constant())
      .optional()
      .meta({ description: "Replaces the source's text; any other value rejects the row." }),
    description: text().optional().meta({ description: 'What the field means.' }),
    aliases: z.array(text()).optional().meta({ description: 'Names that the field had in earlier versions of the contract.' }),
    deprecated: deprecation().optional().meta({ description: 'Asks consumers to leave the field: a text, or since, until and reason.' }),
    number: integer(1, 536_870_911).optional().meta({
      description: 'Field number in Protobuf: needed there, never changed, never used again for another field.',
    }),
  })
  .meta({ oneOf: [{ required: ['from'] }, { required: ['cel'] }, { required: ['const'] }, { required: ['fields'] }] });

export type WrittenField = z.output<typeof fieldSchema>;

const COMPATIBILITIES = ['none', 'backward', 'backward_transitive', 'forward', 'forward_transitive', 'full', 'full_transitive'] as const;
export const CLASSES = ['behavior', 'profile', 'command', 'governance'] as const;

const fieldNames = () => z.array(text()).meta({ minItems: 1 });

/** The written form of a file in mappings/. */
/** An earlier version that is published beside the working one, to its own topic. */
const alsoSchema = () =>
  z.strictObject({
    version: version().meta({ description: 'A frozen version with a topic of its own, as "1.4".' }),
    until: day().meta({ description: 'The last day (UTC) on which it is published, as 2027-01-31.' }),
  });

export const mappingSchemaWritten = z
  .strictObject({
    mapping: slug().meta({ description: 'Name of the mapping: part of the names of its internal topics.' }),
    fact: factName().meta({ description: 'Name of the fact, as customer.entitlement: part of the event type.' }),
    version: version().meta({ description: 'Version of the contract: "MAJOR.MINOR", in quotes.' }),
    class: choice(CLASSES).meta({
      description:
        'behavior: a raw event. profile: interpreted state. command: tells a target to act. governance: consent, deletion, residency.',
    }),
    model: text().meta({ description: 'Name of a model.' }),
    topic: topicName().meta({ description: 'The fact topic. One mapping writes to it, and nothing else does.' }),
    owner: text().meta({ description: 'Who answers for the fact.' }),
    semantics: text().meta({ description: 'What the fact means, and what its consumers may conclude from it.' }),
    description: text().optional().meta({ description: 'More, for people.' }),
    compatibility: choice(COMPATIBILITIES)
      .optional()
      .meta({ description: 'Which changes of the contract are allowed. Default: backward; full for command.' }),
    encoding: choice(['json', 'avro', 'protobuf']).optional().meta({ description: 'Encoding of the value.', default: 'json' }),
    key: fieldNames().meta({ description: 'Fields that form the Kafka key.' }),
    identity: fieldNames()
      .optional()
      .meta({ description: 'Fields that tell one fact from another: what versions count. The key unless given.' }),
    data_subject: text().optional().meta({ description: 'Field with the person or account that consent and erasure refer to.' }),
    occurred_at: z
      .strictObject({
        from: column().optional().meta({ description: 'A column of the model.' }),
        cel: text().optional().meta({ description: 'A CEL expression that gives a timestamp.' }),
      })
      .meta({ description: 'When what the fact says happened.', oneOf: [{ required: ['from'] }, { required: ['cel'] }] }),
    where: text().optional().meta({ description: 'CEL over `row`: a row for which it is not true has no fact.' }),
    fields: z.record(z.string(), fieldSchema).meta({ description: 'The fields of the fact.', minProperties: 1 }),
    on_delete: choice(['tombstone', 'fact', 'none']).optional().meta({
      description:
        'What a deletion publishes: a tombstone, a deleted fact and then the tombstone, or nothing. Default: tombstone; none for behavior.',
    }),
    initial_load: choice(['publish', 'baseline']).optional().meta({
      description: 'The first facts are published, or only recorded as known. Default: publish; baseline for command.',
    }),
    undo: choice(['previous', 'none']).optional().meta({
      description: 'previous: an undo publishes the fact before it as a new version. A command must say it. Default: none.',
    }),
    guards: guardsSchema,
    deprecated: deprecation().optional().meta({ description: 'Asks consumers to leave the contract: a text, or since, until and reason.' }),
    also: z
      .union([alsoSchema(), z.array(alsoSchema())])
      .optional()
      .meta({ description: 'Earlier versions that are published beside this one, to their own topics, until a day.' }),
    schedule: schedule('none').optional().meta({
      description: "Cron (five fields), or how often (30s, 15m), instead of the model's; none: it runs only when it is started.",
    }),
    timezone: timeZone().optional().meta({ description: "IANA name, of the mapping's own schedule. The model's unless given." }),
    tags: z.array(slug()).optional().meta({ description: 'Words to select mappings by: headrace run --select tag:crm.' }),
    partitions: partitions.meta({ description: 'Partitions of the topic. Default: topics.partitions of headrace.yml.' }),
    replication: replication.meta({ description: 'Replication factor of the topic.' }),
    topic_config: topicConfig.optional().meta({
      description: "Kafka's own settings of the topic. Default cleanup.policy: compact for profile and governance, delete otherwise.",
    }),
  })
  .meta({ title: 'Mapping' });

export type WrittenMapping = z.output<typeof mappingSchemaWritten>;
