import type { Field, Mapping } from '../../src/config/project.ts';
import type { FieldType } from '../../src/core/field-type.ts';
import { ID, mappingOf } from './mappings.ts';

/** Who breaks: nobody, old readers (not forward compatible), new readers (not backward compatible), or both. */
export type Breaks = 'nobody' | 'old' | 'new' | 'both';

/** One change of a contract, and what the specification of each format says of it. */
export interface CompatibilityCase {
  readonly name: string;
  readonly before: Mapping;
  readonly after: Mapping;
  readonly json: Breaks;
  readonly avro: Breaks;
  readonly protobuf: Breaks;
}

type Verdicts = Pick<CompatibilityCase, 'json' | 'avro' | 'protobuf'>;

/** JSON Schema validation · Avro schema resolution · protobuf's wire format. */
const v = (json: Breaks, avro: Breaks = json, protobuf: Breaks = avro): Verdicts => ({ json, avro, protobuf });

const INT32: FieldType = { kind: 'int32' };
const INT64: FieldType = { kind: 'int64' };
const FLOAT64: FieldType = { kind: 'float64' };
const STRING: FieldType = { kind: 'string' };
const BYTES: FieldType = { kind: 'bytes' };
const UUID: FieldType = { kind: 'uuid' };
const JSON_TYPE: FieldType = { kind: 'json' };
const BOOLEAN: FieldType = { kind: 'boolean' };
const DATE: FieldType = { kind: 'date' };
const TIME: FieldType = { kind: 'time' };
const TIMESTAMP: FieldType = { kind: 'timestamp' };
const decimal = (precision: number, scale: number): FieldType => ({ kind: 'decimal', precision, scale });
const symbols = (...names: string[]): FieldType => ({ kind: 'enum', symbols: names });
const numbers = (of: Readonly<Record<string, number>>): FieldType => ({
  kind: 'enum',
  symbols: Object.keys(of),
  numbers: Object.values(of),
});
const array = (items: FieldType): FieldType => ({ kind: 'array', items });
const object = (...members: readonly (readonly [name: string, type: FieldType, optional?: true])[]): FieldType => ({
  kind: 'object',
  members: members.map(([name, type, optional]) => ({ name, type, optional: optional ?? false })),
});

const field = (name: string, type: FieldType, more: Partial<Field> = {}): Field => ({
  name,
  source: { from: name },
  type,
  optional: false,
  ...more,
});
const built = (name: string, ...members: Field[]): Field => ({
  name,
  members,
  type: { kind: 'object', members: members.map(({ name: member, type, optional }) => ({ name: member, type, optional })) },
  optional: false,
});

/** A change of the fields beside `id`. */
function fields(name: string, before: readonly Field[], after: readonly Field[], verdicts: Verdicts): CompatibilityCase {
  return { name, before: mappingOf([ID, ...before]), after: mappingOf([ID, ...after]), ...verdicts };
}

/** The field `f` of one type and of another. */
function retyped(name: string, before: FieldType, after: FieldType, verdicts: Verdicts): CompatibilityCase {
  return fields(name, [field('f', before)], [field('f', after)], verdicts);
}

/** A change of what holds for the whole contract: no format knows of it, and every reader does. */
function terms(name: string, before: Partial<Mapping>, after: Partial<Mapping>, breaks: Breaks): CompatibilityCase {
  const both = [ID, field('a', STRING), field('b', STRING)];
  return { name, before: mappingOf(both, before), after: mappingOf(both, after), ...v(breaks) };
}

const OPTIONAL = { optional: true } as const;
const g = (number: number) => field('g', STRING, { optional: true, number });
const f = (type: FieldType, more: Partial<Field> = {}) => field('f', type, more);

/**
 * Sources: JSON Schema 2020-12 Validation 6.1.1 (type), 6.1.2 (enum), 6.5.3 (required), Core 4.2.1 (an integer is a number), 10.3.2.3 (unknown properties) · Avro
 * 1.11.1 "Schema Resolution", "Logical Types", "Aliases" · protobuf "Updating A Message Type", "Field Presence", "Enum Value".
 */
export const COMPATIBILITY_CASES: readonly CompatibilityCase[] = [
  // Fields come and go.
  fields('add an optional field', [], [f(STRING, OPTIONAL)], v('nobody')),
  fields('add a required field', [], [f(STRING)], v('new', 'new', 'nobody')),
  fields('add a required field with a default', [], [f(STRING, { default: 'x' })], v('new', 'nobody')),
  fields('add an optional field with a default', [], [f(STRING, { ...OPTIONAL, default: 'x' })], v('nobody')),
  fields('add a required object', [], [built('f', field('a', STRING))], v('new', 'new', 'nobody')),
  fields('add a required list', [], [f(array(STRING))], v('new', 'new', 'nobody')),
  fields('remove an optional field', [f(STRING, OPTIONAL)], [], v('nobody')),
  fields('remove a required field', [f(STRING)], [], v('old', 'old', 'nobody')),
  fields('remove a required field with a default', [f(STRING, { default: 'x' })], [], v('old', 'nobody')),
  fields('rename a required field', [field('a', STRING)], [field('b', STRING)], v('both', 'both', 'nobody')),
  fields('rename an optional field', [field('a', STRING, OPTIONAL)], [field('b', STRING, OPTIONAL)], v('nobody')),
  fields('rename with an alias', [field('a', STRING)], [field('b', STRING, { aliases: ['a'] })], v('both', 'old', 'nobody')),
  fields(
    'rename an optional field with an alias',
    [field('a', STRING, OPTIONAL)],
    [field('b', STRING, { ...OPTIONAL, aliases: ['a'] })],
    v('nobody'),
  ),
  fields(
    'rename a field with a default, with an alias',
    [field('a', STRING, { default: 'x' })],
    [field('b', STRING, { default: 'x', aliases: ['a'] })],
    v('both', 'nobody'),
  ),
  fields('rename with an alias, and widen', [field('a', INT32)], [field('b', INT64, { aliases: ['a'] })], v('both', 'old', 'nobody')),
  fields(
    'keep the old field beside the renamed one',
    [field('a', STRING)],
    [field('a', STRING), field('b', STRING, OPTIONAL)],
    v('nobody'),
  ),
  fields('move fields', [field('a', STRING), field('b', STRING)], [field('b', STRING), field('a', STRING)], v('nobody')),

  // Null and defaults.
  fields('required becomes optional', [f(STRING)], [f(STRING, OPTIONAL)], v('old', 'old', 'nobody')),
  fields('optional becomes required', [f(STRING, OPTIONAL)], [f(STRING)], v('new', 'new', 'nobody')),
  fields('optional becomes required with a default', [f(STRING, OPTIONAL)], [f(STRING, { default: 'x' })], v('new', 'new', 'nobody')),
  fields('a required list becomes optional', [f(array(STRING))], [f(array(STRING), OPTIONAL)], v('old', 'old', 'both')),
  fields('the number of a field changes', [f(STRING, { number: 2 })], [f(STRING, { number: 3 })], v('nobody', 'nobody', 'both')),
  fields(
    'two fields swap their numbers',
    [f(STRING, { number: 2 }), g(3)],
    [f(STRING, { number: 3 }), g(2)],
    v('nobody', 'nobody', 'both'),
  ),
  fields(
    'an optional field takes the number of one that is gone',
    [f(STRING, { ...OPTIONAL, number: 2 })],
    [g(2)],
    v('nobody', 'nobody', 'both'),
  ),
  fields('an optional field has a new number beside one that is gone', [f(STRING, { ...OPTIONAL, number: 2 })], [g(3)], v('nobody')),
  fields('a default is added', [f(STRING)], [f(STRING, { default: 'x' })], v('nobody')),
  fields('a default is removed', [f(STRING, { default: 'x' })], [f(STRING)], v('nobody')),
  fields('a default is changed', [f(STRING, { default: 'x' })], [f(STRING, { default: 'y' })], v('nobody')),

  // Numbers.
  retyped('int32 → int64', INT32, INT64, v('both', 'old', 'nobody')),
  retyped('int64 → int32', INT64, INT32, v('both', 'new', 'nobody')),
  retyped('int32 → float64', INT32, FLOAT64, v('old', 'old', 'both')),
  retyped('float64 → int32', FLOAT64, INT32, v('new', 'new', 'both')),
  retyped('int64 → float64', INT64, FLOAT64, v('both', 'old', 'both')),
  retyped('float64 → int64', FLOAT64, INT64, v('both', 'new', 'both')),
  retyped('int32 → decimal', INT32, decimal(10, 0), v('both')),
  retyped('int64 → decimal that holds it', INT64, decimal(19, 0), v('old', 'both')),
  retyped('int64 → decimal that does not', INT64, decimal(18, 0), v('new', 'both')),
  retyped('decimal → float64', decimal(10, 2), FLOAT64, v('both')),
  retyped('float64 → decimal', FLOAT64, decimal(10, 2), v('both')),
  retyped('more precision', decimal(10, 2), decimal(12, 2), v('old', 'both', 'nobody')),
  retyped('less precision', decimal(12, 2), decimal(10, 2), v('new', 'both', 'nobody')),
  retyped('more scale', decimal(10, 2), decimal(10, 3), v('both')),
  retyped('less scale', decimal(10, 2), decimal(10, 1), v('both')),
  retyped('boolean → int32', BOOLEAN, INT32, v('both', 'both', 'nobody')),
  retyped('int64 → boolean', INT64, BOOLEAN, v('both', 'both', 'nobody')),
  retyped('int32 → string', INT32, STRING, v('both')),
  retyped('int64 → string', INT64, STRING, v('old', 'both')),
  retyped('string → int64', STRING, INT64, v('new', 'both')),
  retyped('decimal → string', decimal(10, 2), STRING, v('old', 'both')),

  // Enums.
  retyped('a symbol is added', symbols('A', 'B'), symbols('A', 'B', 'C'), v('old', 'old', 'nobody')),
  retyped('a symbol is removed', symbols('A', 'B', 'C'), symbols('A', 'B'), v('new', 'new', 'nobody')),
  retyped('a symbol is replaced', symbols('A', 'B'), symbols('A', 'C'), v('both')),
  retyped('a symbol is replaced, with a new number', numbers({ A: 1, B: 2 }), numbers({ A: 1, C: 3 }), v('both', 'both', 'nobody')),
  retyped('symbols are moved', symbols('A', 'B'), symbols('B', 'A'), v('nobody', 'nobody', 'both')),
  retyped('symbols are moved with their numbers', numbers({ A: 1, B: 2 }), numbers({ B: 2, A: 1 }), v('nobody')),
  retyped('numbers of symbols are moved', numbers({ A: 1, B: 2 }), numbers({ A: 2, B: 1 }), v('nobody', 'nobody', 'both')),
  retyped('a symbol is added in front', symbols('B'), symbols('A', 'B'), v('old', 'old', 'both')),
  retyped('enum → string', symbols('A'), STRING, v('old', 'both')),
  retyped('string → enum', STRING, symbols('A'), v('new', 'both')),
  retyped('enum → int32', symbols('A'), INT32, v('both', 'both', 'nobody')),
  retyped('boolean → enum', BOOLEAN, symbols('A'), v('both')),

  // Texts, bytes, times.
  retyped('string → bytes', STRING, BYTES, v('new', 'nobody')),
  retyped('bytes → string', BYTES, STRING, v('old', 'nobody')),
  retyped('uuid → string', UUID, STRING, v('old', 'old', 'nobody')),
  retyped('string → uuid', STRING, UUID, v('new', 'new', 'nobody')),
  retyped('bytes → uuid', BYTES, UUID, v('both', 'new', 'nobody')),
  retyped('uuid → bytes', UUID, BYTES, v('both', 'old', 'nobody')),
  retyped('date → timestamp', DATE, TIMESTAMP, v('both')),
  retyped('timestamp → date', TIMESTAMP, DATE, v('both')),
  retyped('date → string', DATE, STRING, v('old', 'both')),
  retyped('string → timestamp', STRING, TIMESTAMP, v('new', 'both')),
  retyped('timestamp → int64', TIMESTAMP, INT64, v('both')),
  retyped('date → int32', DATE, INT32, v('both')),
  retyped('time → timestamp', TIME, TIMESTAMP, v('both')),

  // json: any value.
  retyped('string → json', STRING, JSON_TYPE, v('old', 'both')),
  retyped('json → string', JSON_TYPE, STRING, v('new', 'both')),
  retyped('int32 → json', INT32, JSON_TYPE, v('old', 'both')),
  retyped('json → object', JSON_TYPE, object(['a', STRING]), v('new', 'both')),
  retyped('object → json', object(['a', STRING]), JSON_TYPE, v('old', 'both')),
  retyped('json → list', JSON_TYPE, array(STRING), v('new', 'both')),

  // Lists.
  retyped('string → list of strings', STRING, array(STRING), v('both')),
  retyped('list of strings → string', array(STRING), STRING, v('both')),
  retyped('list of int32 → of int64', array(INT32), array(INT64), v('both', 'old', 'nobody')),
  retyped('list of int32 → of float64', array(INT32), array(FLOAT64), v('old', 'old', 'both')),
  retyped('list of strings → of bytes', array(STRING), array(BYTES), v('new', 'nobody')),
  retyped('a symbol is added to items', array(symbols('A')), array(symbols('A', 'B')), v('old', 'old', 'nobody')),
  retyped(
    'items get a required member',
    array(object(['a', STRING])),
    array(object(['a', STRING], ['b', STRING])),
    v('new', 'new', 'nobody'),
  ),
  retyped('items get an optional member', array(object(['a', STRING])), array(object(['a', STRING], ['b', STRING, true])), v('nobody')),
  retyped('list of lists of int32 → of int64', array(array(INT32)), array(array(INT64)), v('both', 'old', 'nobody')),

  // Objects.
  retyped('an object gets a required member', object(['a', STRING]), object(['a', STRING], ['b', STRING]), v('new', 'new', 'nobody')),
  retyped('an object gets an optional member', object(['a', STRING]), object(['a', STRING], ['b', STRING, true]), v('nobody')),
  retyped('an object loses a required member', object(['a', STRING], ['b', STRING]), object(['a', STRING]), v('old', 'old', 'nobody')),
  retyped('an object loses an optional member', object(['a', STRING], ['b', STRING, true]), object(['a', STRING]), v('nobody')),
  retyped('a member becomes optional', object(['a', STRING]), object(['a', STRING, true]), v('old', 'old', 'nobody')),
  retyped('a member becomes required', object(['a', STRING, true]), object(['a', STRING]), v('new', 'new', 'nobody')),
  retyped('a member is widened', object(['a', INT32]), object(['a', INT64]), v('both', 'old', 'nobody')),
  retyped(
    'a member of a member is narrowed',
    object(['a', object(['b', STRING])]),
    object(['a', object(['b', UUID])]),
    v('new', 'new', 'nobody'),
  ),
  retyped('object → string', object(['a', STRING]), STRING, v('both')),
  fields(
    'a built member is renamed with an alias',
    [built('o', field('a', STRING))],
    [built('o', field('b', STRING, { aliases: ['a'] }))],
    v('both', 'old', 'nobody'),
  ),
  fields(
    'a built member with a default is added',
    [built('o', field('a', STRING))],
    [built('o', field('a', STRING), field('b', STRING, { default: 'x' }))],
    v('new', 'nobody'),
  ),
  fields('a built object becomes one column', [built('o', field('a', STRING))], [field('o', object(['a', STRING]))], v('nobody')),

  // What holds for the whole contract.
  terms('another key', { key: ['id'] }, { key: ['a'] }, 'both'),
  terms('a longer key', { key: ['id'] }, { key: ['id', 'a'] }, 'both'),
  terms('key in another order', { key: ['id', 'a'] }, { key: ['a', 'id'] }, 'both'),
  terms('another identity', { class: 'behavior', identity: ['id'] }, { class: 'behavior', identity: ['id', 'a'] }, 'both'),
  terms('another topic', { topic: 'a' }, { topic: 'b' }, 'both'),
  terms('another name of the fact', { fact: 'a' }, { fact: 'b' }, 'both'),
  terms('profile → command', { class: 'profile' }, { class: 'command' }, 'both'),
  terms('tombstone → deleted fact', { onDelete: 'tombstone' }, { onDelete: 'fact' }, 'old'),
  terms('deleted fact → tombstone', { onDelete: 'fact' }, { onDelete: 'tombstone' }, 'both'),
  terms('tombstone → nothing', { onDelete: 'tombstone' }, { onDelete: 'none' }, 'both'),
  terms('nothing → tombstone', { onDelete: 'none' }, { onDelete: 'tombstone' }, 'old'),
  terms('another data subject', { dataSubject: 'a' }, { dataSubject: 'b' }, 'nobody'),
  terms('another owner', { owner: 'a@example.com' }, { owner: 'b@example.com' }, 'nobody'),
  terms('other semantics', { semantics: 'It is.' }, { semantics: 'It was.' }, 'nobody'),
  terms('another policy', { compatibility: 'full' }, { compatibility: 'backward' }, 'nobody'),
  terms('the contract is deprecated', {}, { deprecated: { reason: 'use thing.v2', until: '2027-01-31' } }, 'nobody'),
  fields('a field is deprecated', [f(STRING)], [f(STRING, { deprecated: { reason: 'use g' } })], v('nobody')),
  fields('a field is no longer deprecated', [f(STRING, { deprecated: { since: '1.2' } })], [f(STRING)], v('nobody')),
  fields('a field is described', [f(STRING)], [f(STRING, { description: 'What it is.' })], v('nobody')),
  fields('an alias is added', [f(STRING)], [f(STRING, { aliases: ['g'] })], v('nobody')),
];
