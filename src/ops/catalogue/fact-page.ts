import type { Deprecation, Field, Mapping, MappingClass, Model, Project } from '../../config/project.ts';
import { scheduleOf, scheduleText } from '../../config/schedule.ts';
import { type FieldType, formatFieldType } from '../../core/field-type.ts';
import { type HeaderWords, headersOf } from './headers.ts';
import { type SampleEvent, sampleEvent } from './sample-event.ts';

/** What the catalogue says of one fact, before it is laid out. All texts are plain: whoever lays them out escapes them. */
export interface FactPage {
  readonly mapping: string;
  readonly fact: string;
  readonly version: string;
  readonly class: MappingClass;
  readonly owner: string;
  readonly semantics: string;
  readonly topic: string;
  /** Label and text, in order. */
  readonly facts: readonly (readonly [label: string, text: string])[];
  readonly fields: readonly FieldRow[];
  readonly headers: readonly HeaderWords[];
  readonly sample: SampleEvent;
  /** Sentences for whoever writes a consumer. */
  readonly howTo: readonly string[];
  /** From the warehouse's sources to the topic: the last is the topic. */
  readonly lineage: readonly LineageStep[];
}

export interface FieldRow {
  /** `address.city` */
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  readonly description: string;
  /** `key`, `identity`, `data subject`. */
  readonly roles: readonly string[];
  /** `deprecated since …`, `formerly x`. */
  readonly notices: readonly string[];
  /** Where the value comes from: `column plan_code`, `expression`, `constant`. */
  readonly source: string;
}

export interface LineageStep {
  readonly kind: string;
  readonly name: string;
  readonly detail?: string | undefined;
}

/** Who reads the classes first: what must not wait stands first. */
export const CLASS_WORDS: Readonly<Record<MappingClass, string>> = {
  governance: 'Consent, deletion, residency: runs before everything else, and fails closed.',
  command: 'Tells a target to act. Apply each id once.',
  profile: 'The interpreted state of a customer. The newest version is what holds.',
  behavior: 'What happened, unchanged. One version per event.',
};

export function factPage(project: Project, mapping: Mapping): FactPage {
  const model = project.models.get(mapping.model);
  const { version } = mapping;
  return {
    mapping: mapping.name,
    fact: mapping.fact,
    version: `${version.major}.${version.minor}`,
    class: mapping.class,
    owner: mapping.owner,
    semantics: mapping.semantics,
    topic: mapping.topic,
    facts: factsOf(mapping, model, versionsOf(project, mapping)),
    fields: fieldRows(mapping.fields, mapping, ''),
    headers: headersOf(project.name, mapping),
    sample: sampleEvent(project, mapping),
    howTo: howTo(mapping),
    lineage: lineageOf(mapping, model),
  };
}

/** The frozen versions, the working one among them; `1.1 (not frozen)` where it is none of them. */
function versionsOf(project: Project, mapping: Mapping): string {
  const text = ({ major, minor }: Mapping['version']) => `${major}.${minor}`;
  const frozen = (project.contracts.get(mapping.name)?.versions ?? []).map(({ rules }) => text(rules.version));
  const working = text(mapping.version);
  return [...frozen, ...(frozen.includes(working) ? [] : [`${working} (not frozen)`])].join(', ');
}

function factsOf(mapping: Mapping, model: Model | undefined, versions: string): FactPage['facts'] {
  const { topicSpec } = mapping;
  const retention = topicSpec.config.get('retention.ms');
  const schedule = model === undefined ? undefined : scheduleOf(mapping, model);
  return [
    ['Topic', mapping.topic],
    ['Key', mapping.key.join(', ')],
    ['Identity', mapping.identity.join(', ')],
    ...(mapping.dataSubject === undefined ? [] : [['Data subject', mapping.dataSubject] as const]),
    ['Owner', mapping.owner],
    ...(mapping.deprecated === undefined ? [] : [['Notice', deprecationText(mapping.deprecated)] as const]),
    ['Versions', versions],
    ['Compatibility', mapping.compatibility.replaceAll('_', ', ')],
    ['Encoding', mapping.encoding],
    [
      'Deletion',
      { tombstone: 'a tombstone', fact: 'the last fact, marked as deleted, then a tombstone', none: 'publishes nothing' }[mapping.onDelete],
    ],
    ['Topic policy', `${topicSpec.config.get('cleanup.policy') ?? 'the broker’s default'}${daysOf(retention)}`],
    ['Partitions', String(topicSpec.partitions)],
    ...(schedule === undefined ? [] : [['Schedule', scheduleText(schedule)] as const]),
  ];
}

function daysOf(retention: string | undefined): string {
  if (retention === undefined) return '';
  return retention === '-1' ? ', kept for ever' : `, kept for ${Number((Number(retention) / 86_400_000).toFixed(2))} days`;
}

function fieldRows(fields: readonly Field[], mapping: Mapping, prefix: string): readonly FieldRow[] {
  return fields.flatMap((field): FieldRow[] => {
    const name = `${prefix}${field.name}`;
    const row = {
      name,
      type: formatFieldType(field.type),
      optional: field.optional,
      description: field.description ?? '',
      roles: prefix === '' ? rolesOf(field.name, mapping) : [],
      notices: noticesOf(field),
      source: sourceOf(field),
    };
    const members = field.members === undefined ? memberRows(field.type, name) : fieldRows(field.members, mapping, `${name}.`);
    return [{ ...row, type: members.length > 0 ? field.type.kind : row.type }, ...members];
  });
}

function memberRows(type: FieldType, prefix: string): readonly FieldRow[] {
  if (type.kind !== 'object') return [];
  return type.members.flatMap((member) => {
    const name = `${prefix}.${member.name}`;
    const row = {
      name,
      type: formatFieldType(member.type),
      optional: member.optional,
      description: '',
      roles: [],
      notices: [],
      source: '',
    };
    return [row, ...memberRows(member.type, name)];
  });
}

function rolesOf(name: string, { key, identity, dataSubject }: Mapping): readonly string[] {
  return [
    ...(key.includes(name) ? ['key'] : []),
    ...(identity.includes(name) && !key.includes(name) ? ['identity'] : []),
    ...(dataSubject === name ? ['data subject'] : []),
  ];
}

function noticesOf({ aliases = [], deprecated }: Field): readonly string[] {
  return [
    ...(deprecated === undefined ? [] : [deprecationText(deprecated)]),
    ...(aliases.length === 0 ? [] : [`formerly ${aliases.join(', ')}`]),
  ];
}

function deprecationText({ reason, since, until }: Deprecation): string {
  const when = `${since === undefined ? '' : ` since ${since}`}${until === undefined ? '' : `, until ${until}`}`;
  return `deprecated${when}${reason === undefined ? '' : `: ${reason}`}`;
}

function sourceOf({ source }: Field): string {
  if (source === undefined) return '';
  if ('from' in source) return `column ${source.from}`;
  return 'cel' in source ? 'expression' : 'constant';
}

function howTo(mapping: Mapping): readonly string[] {
  const { class: mappingClass, key, onDelete } = mapping;
  const shape =
    key.length === 1 ? `The record’s key is the plain text of ${key[0]}` : `The record’s key is a JSON array of texts: ${key.join(', ')}`;
  return [
    'Read with isolation.level=read_committed: then no fact stands twice, and none appears that was not committed.',
    `${shape}. Records of one key are in one partition, in the order of their versions.`,
    mappingClass === 'behavior'
      ? 'Each event has version 1 only. Deduplicate by ce_id, which is the same however often an event is delivered to you.'
      : 'Keep the highest ce_factversion that you applied per identity, and pass over records that are not higher: then reading again, a rebalance or a replay does no harm.',
    ...(mappingClass === 'command' ? ['Act once per ce_id, and only on the newest version.'] : []),
    ...(onDelete === 'none'
      ? []
      : ['A record without a value is a tombstone: the fact has ended. Its headers say which version it is, and why.']),
    'Pass over headers and fields that you do not know: minor versions of the contract may add some.',
  ];
}

function lineageOf(mapping: Mapping, model: Model | undefined): readonly LineageStep[] {
  if (model === undefined) return [];
  const { declared, relation } = model;
  const origins = (declared?.dependsOn ?? []).map((id) => ({
    kind: `dbt ${id.split('.')[0] ?? ''}`,
    name: id.split('.').slice(1).join('.'),
  }));
  const relationText = 'table' in relation ? relation.table.replaceAll('"', '') : 'a query in the model’s file';
  const dbt =
    declared === undefined
      ? []
      : [
          {
            kind: `dbt ${declared.kind}`,
            name: `${declared.package}.${declared.name}${declared.version === undefined ? '' : ` v${declared.version}`}`,
            detail: [
              declared.description,
              declared.owner === undefined ? undefined : `Owner: ${declared.owner}.`,
              declared.deprecation === undefined ? undefined : `Deprecation date: ${declared.deprecation}.`,
            ]
              .filter((each) => each !== undefined)
              .join(' '),
          },
        ];
  const detail =
    declared === undefined
      ? [model.description, model.owner === undefined ? undefined : `Owner: ${model.owner}.`].filter((each) => each !== undefined).join(' ')
      : '';
  return [
    ...origins,
    ...dbt,
    { kind: 'model', name: model.name, detail: `${relationText} in ${model.warehouse}. ${detail}`.trim() },
    { kind: 'mapping', name: mapping.name },
    { kind: 'topic', name: mapping.topic },
  ];
}
