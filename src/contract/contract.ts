import type { Compatibility, ContractRules, ContractVersion, Deprecation, Field, MappingClass } from '../config/project.ts';
import type { FieldType } from '../core/field-type.ts';

/**
 * What the consumers of a fact may rely on, whatever encoding carries it and whatever warehouse it comes from. Encodings, documentation and the comparison of
 * versions start from it.
 */
export interface Contract {
  readonly fact: string;
  readonly version: ContractVersion;
  readonly class: MappingClass;
  readonly owner: string;
  readonly semantics: string;
  readonly compatibility: Compatibility;
  readonly encoding: ContractRules['encoding'];
  readonly topic: string;
  /** Names of fields: the Kafka key; what versions count. */
  readonly key: readonly string[];
  readonly identity: readonly string[];
  readonly dataSubject?: string | undefined;
  readonly onDelete: ContractRules['onDelete'];
  /** In the order of the mapping, which is that of the JSON text. */
  readonly fields: readonly ContractField[];
  readonly deprecated?: Deprecation | undefined;
}

/** A field of a fact, or a member of an object. */
export interface ContractField {
  readonly name: string;
  readonly type: FieldType;
  /** Of a field of kind object, with what `type` does not hold: defaults, aliases, descriptions. */
  readonly members?: readonly ContractField[] | undefined;
  /** Whether the value may be null. */
  readonly optional: boolean;
  readonly default?: string | number | boolean | undefined;
  readonly description?: string | undefined;
  readonly aliases: readonly string[];
  /** In Protobuf. */
  readonly number?: number | undefined;
  readonly deprecated?: Deprecation | undefined;
}

/** Of a mapping, or of a frozen version of one. */
export function contractOf(rules: ContractRules): Contract {
  const { fact, version, owner, semantics, compatibility, encoding, topic, key, identity, dataSubject, onDelete, deprecated } = rules;
  return {
    fact,
    version,
    class: rules.class,
    owner,
    semantics,
    compatibility,
    encoding,
    topic,
    key,
    identity,
    dataSubject,
    onDelete,
    fields: rules.fields.map(fieldOf),
    deprecated,
  };
}

function fieldOf(field: Field): ContractField {
  const { name, type, optional, description, deprecated, number, aliases = [] } = field;
  const members = field.members?.map(fieldOf) ?? membersOf(type);
  return { name, type, members, optional, default: field.default, description, aliases, number, deprecated };
}

/** The members of an object that comes from one column. */
export function membersOf(type: FieldType): readonly ContractField[] | undefined {
  if (type.kind !== 'object') return undefined;
  return type.members.map((member) => ({ ...member, members: membersOf(member.type), aliases: member.aliases ?? [] }));
}

export function formatVersion({ major, minor }: ContractVersion): string {
  return `${major}.${minor}`;
}
