import type { Encoding } from '../../src/config/project.ts';
import type { Breaks } from './compatibility-cases.ts';

/** Changes of the table of which Apicurio Registry 3.0.9 says something else than our verdict, and why. */
export interface RegistryDifference {
  readonly encoding: Encoding;
  readonly why: string;
  /** Whom the change breaks by the registry's BACKWARD (new readers) and FORWARD (old readers) → names of cases. */
  readonly says: Readonly<Partial<Record<Breaks, readonly string[]>>>;
}

export const REGISTRY_DIFFERENCES: readonly RegistryDifference[] = [
  {
    encoding: 'json',
    why: 'An open content model could hold values of any name: the registry guards against some that nobody wrote. Facts hold the fields of their version, and no others.',
    says: {
      new: [
        'add an optional field',
        'add an optional field with a default',
        'keep the old field beside the renamed one',
        'items get an optional member',
        'an object gets an optional member',
      ],
      old: ['remove an optional field', 'an object loses an optional member'],
      both: [
        'rename an optional field',
        'rename an optional field with an alias',
        'an optional field takes the number of one that is gone',
        'an optional field has a new number beside one that is gone',
      ],
    },
  },
  {
    encoding: 'json',
    why: 'The registry takes `["array", "null"]` for another type than `array`.',
    says: {
      both: ['a required list becomes optional'],
    },
  },
  {
    encoding: 'json',
    why: 'The registry compares patterns as texts: the same one passes, any other one is refused.',
    says: {
      nobody: ['int64 → decimal that holds it'],
      both: ['int64 → decimal that does not', 'more precision', 'less precision'],
    },
  },
  {
    encoding: 'json',
    why: 'The registry takes an `enum` without a `type` for something else than a string.',
    says: {
      both: ['enum → string', 'string → enum'],
    },
  },
  {
    encoding: 'json',
    why: 'The registry does not look at `format`.',
    says: {
      nobody: ['uuid → string', 'string → uuid', 'a member of a member is narrowed'],
      old: ['bytes → uuid'],
      new: ['uuid → bytes'],
    },
  },
  {
    encoding: 'json',
    why: 'What is not part of a schema: key, identity, topic, class, what a deletion leaves; in JSON Schema also the name.',
    says: {
      nobody: [
        'another key',
        'a longer key',
        'key in another order',
        'another identity',
        'another topic',
        'another name of the fact',
        'profile → command',
        'tombstone → deleted fact',
        'deleted fact → tombstone',
        'tombstone → nothing',
        'nothing → tombstone',
      ],
    },
  },
  {
    encoding: 'avro',
    why: 'The registry compares the types beneath logical types ("Logical Types" of the specification lets a reader ignore them): the value is read, and means something else. `json` is a `string` in Avro.',
    says: {
      nobody: [
        'more precision',
        'less precision',
        'more scale',
        'less scale',
        'decimal → string',
        'uuid → string',
        'string → uuid',
        'bytes → uuid',
        'uuid → bytes',
        'timestamp → int64',
        'date → int32',
        'time → timestamp',
        'string → json',
        'json → string',
        'a member of a member is narrowed',
      ],
      old: ['date → timestamp'],
      new: ['timestamp → date'],
    },
  },
  {
    encoding: 'avro',
    why: 'What is not part of a schema: key, identity, topic, class, what a deletion leaves; in JSON Schema also the name.',
    says: {
      nobody: [
        'another key',
        'a longer key',
        'key in another order',
        'another identity',
        'another topic',
        'profile → command',
        'tombstone → deleted fact',
        'deleted fact → tombstone',
        'tombstone → nothing',
        'nothing → tombstone',
      ],
    },
  },
  {
    encoding: 'protobuf',
    why: 'The registry refuses a field that is gone unless its number and name are `reserved`; one that is new is the same from the other side.',
    says: {
      old: [
        'add an optional field',
        'add a required field',
        'add a required field with a default',
        'add an optional field with a default',
        'add a required object',
        'add a required list',
        'keep the old field beside the renamed one',
        'items get a required member',
        'items get an optional member',
        'an object gets a required member',
        'an object gets an optional member',
        'a built member with a default is added',
      ],
      new: [
        'remove an optional field',
        'remove a required field',
        'remove a required field with a default',
        'an object loses a required member',
        'an object loses an optional member',
      ],
    },
  },
  {
    encoding: 'protobuf',
    why: 'The same, of the name of a field; and a number must keep its name.',
    says: {
      both: [
        'rename a required field',
        'rename an optional field',
        'rename with an alias',
        'rename an optional field with an alias',
        'rename a field with a default, with an alias',
        'rename with an alias, and widen',
        'an optional field has a new number beside one that is gone',
        'a built member is renamed with an alias',
      ],
    },
  },
  {
    encoding: 'protobuf',
    why: 'The registry refuses another label. On the wire both are one field.',
    says: {
      both: [
        'required becomes optional',
        'optional becomes required',
        'optional becomes required with a default',
        'a member becomes optional',
        'a member becomes required',
      ],
    },
  },
  {
    encoding: 'protobuf',
    why: 'The registry refuses any other type. The specification lets types of one wire form read each other, with the cautions that `contracts check` says.',
    says: {
      both: [
        'int32 → int64',
        'int64 → int32',
        'boolean → int32',
        'int64 → boolean',
        'enum → int32',
        'string → bytes',
        'bytes → string',
        'bytes → uuid',
        'uuid → bytes',
        'list of int32 → of int64',
        'list of strings → of bytes',
        'list of lists of int32 → of int64',
        'a member is widened',
      ],
    },
  },
  {
    encoding: 'protobuf',
    why: 'Decimals, dates and `json` are a `string` in Protobuf: the registry cannot see their form.',
    says: {
      nobody: ['more scale', 'less scale', 'decimal → string', 'date → string', 'string → json', 'json → string'],
    },
  },
  {
    encoding: 'protobuf',
    why: 'The registry takes enums for closed; in proto3 they are open.',
    says: {
      old: ['a symbol is added', 'a symbol is added to items'],
      new: ['a symbol is removed'],
      both: ['a symbol is replaced, with a new number'],
    },
  },
  {
    encoding: 'protobuf',
    why: 'What is not part of a schema: key, identity, topic, class, what a deletion leaves; in JSON Schema also the name.',
    says: {
      nobody: [
        'another key',
        'a longer key',
        'key in another order',
        'another identity',
        'another topic',
        'profile → command',
        'tombstone → deleted fact',
        'deleted fact → tombstone',
        'tombstone → nothing',
        'nothing → tombstone',
      ],
    },
  },
];

/** As docs/contracts.md has it. */
export function differencesTable(): string {
  const texts: Readonly<Record<Breaks, string>> = {
    nobody: 'breaks nobody',
    old: 'breaks old',
    new: 'breaks new',
    both: 'breaks old, new',
  };
  const rows = REGISTRY_DIFFERENCES.map(({ encoding, why, says }) => {
    const said = Object.entries(says).map(([breaks, names]) => `${texts[breaks as Breaks]}: ${names.join(', ')}`);
    return `| ${encoding} | ${why} | ${said.join(' · ')} |`;
  });
  return ['| encoding | why the registry differs | what it says of which changes |', '|---|---|---|', ...rows].join('\n');
}
