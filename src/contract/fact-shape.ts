import type { Mapping } from '../config/project.ts';
import type { ObjectMember } from '../core/field-type.ts';
import { pascalCase } from '../core/proto-names.ts';

/** What the encodings make a schema and a codec of: a fact, or a fact's key. */
export interface FactShape {
  /** `customer.entitlement.v1`: Avro's namespace, Protobuf's package. The major version is in it, because it is another contract. */
  readonly namespace: string;
  /** `Entitlement`. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly description: string;
  readonly members: readonly ObjectMember[];
}

export function factShapeOf(mapping: Mapping): FactShape {
  const words = mapping.fact.split('.');
  return {
    namespace: [...words.map((word) => word.replaceAll('-', '_')), `v${mapping.version.major}`].join('.'),
    name: pascalCase(words.at(-1) ?? ''),
    title: `${mapping.fact} ${mapping.version.major}.${mapping.version.minor}`,
    description: mapping.semantics.trim(),
    members: mapping.fields,
  };
}

/**
 * The fields of the key, in the order of `key`. No text of people's in it: another schema would have another id in the registry, and so give other bytes to the
 * same key.
 */
export function keyShapeOf(mapping: Mapping): FactShape {
  const fact = factShapeOf(mapping);
  const members = mapping.key.flatMap((name) => mapping.fields.filter((field) => field.name === name));
  return {
    ...fact,
    name: `${fact.name}Key`,
    title: `${mapping.fact} ${mapping.version.major}: key`,
    description: '',
    members: members.map(({ name, type, number }) => ({ name, type, optional: false, number })),
  };
}

/** `customer.entitlement.v1.Entitlement`. */
export function fullNameOf({ namespace, name }: FactShape): string {
  return `${namespace}.${name}`;
}
