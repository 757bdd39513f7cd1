import { createHash } from 'node:crypto';
import type { FieldType } from '../core/field-type.ts';
import type { Field, Mapping, Model } from './project.ts';

/**
 * Digest (32 hexadecimal digits) over everything that decides which facts the rows give. It ignores how the files are written and
 * what only people or topics are concerned with: order of the fields, owner, semantics, descriptions, compatibility, schedules, topic settings.
 * The order of members inside an object counts, because it is the order in their text.
 *
 * The cursor's column counts, too: a watermark of one column says nothing about another, so a new one must lead to a comparison in full.
 */
export function mappingDigest(mapping: Omit<Mapping, 'digest'>, model: Model): string {
  const decisive = {
    warehouse: model.warehouse,
    relation: model.relation,
    modelKey: model.key,
    cursorColumn: model.cursor?.column,
    deletes: model.deletes,
    key: mapping.key,
    identity: mapping.identity,
    dataSubject: mapping.dataSubject,
    occurredAt: mapping.occurredAt,
    where: mapping.where,
    onDelete: mapping.onDelete,
    encoding: mapping.encoding,
    fields: Object.fromEntries(mapping.fields.map((field) => [field.name, decisiveField(field)])),
  };
  return createHash('sha256').update(canonicalJson(decisive)).digest('hex').slice(0, 32);
}

function decisiveField(field: Field): unknown {
  return {
    source: field.source,
    members: field.members?.map((member) => [member.name, decisiveField(member)]),
    values: field.values === undefined ? undefined : Object.fromEntries(field.values),
    type: decisiveType(field.type),
    optional: field.optional,
    default: field.default,
  };
}

/** The order of an enum's symbols decides nothing. */
function decisiveType(type: FieldType): unknown {
  if (type.kind === 'enum') return { kind: type.kind, symbols: [...type.symbols].sort() };
  if (type.kind === 'array') return { kind: type.kind, items: decisiveType(type.items) };
  if (type.kind === 'object')
    return { kind: type.kind, members: type.members.map(({ name, type, optional }) => ({ name, type: decisiveType(type), optional })) };
  return type;
}

/** JSON with the keys of every object sorted, and absent ones left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
