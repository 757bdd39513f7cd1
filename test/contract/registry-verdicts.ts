import type { Encoding, Field, Mapping } from '../../src/config/project.ts';
import { compileEncoding } from '../../src/contract/compile-encoding.ts';
import { factShapeOf } from '../../src/contract/fact-shape.ts';
import type { FieldType } from '../../src/core/field-type.ts';
import type { CompatibilityCase } from './compatibility-cases.ts';

export const LEVELS = ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'] as const;
export type Level = (typeof LEVELS)[number];

/** What a registry says of the later schema under each level, where the earlier one stands alone under the subject. */
export async function askRegistry(
  url: string,
  subject: string,
  { before, after }: CompatibilityCase,
  encoding: Encoding,
): Promise<ReadonlyMap<Level, boolean>> {
  const [earlier, later] = await Promise.all([before, after].map(async (mapping) => bodyOf(numbered(mapping, before), encoding)));
  const versions = `/subjects/${subject}/versions`;
  await call(url, 'POST', versions, earlier);
  const answers = new Map<Level, boolean>();
  for (const level of LEVELS) {
    await putLevel(url, subject, level);
    const answer = await call(url, 'POST', `/compatibility${versions}/latest`, later);
    answers.set(level, (answer as { is_compatible: boolean }).is_compatible);
  }
  return answers;
}

/** Without a subject: of the whole registry. */
export async function putLevel(url: string, subject: string | undefined, level: Level): Promise<void> {
  await call(url, 'PUT', subject === undefined ? '/config' : `/config/${subject}`, { compatibility: level });
}

async function bodyOf(mapping: Mapping, encoding: Encoding): Promise<unknown> {
  const { schema } = await compileEncoding(encoding, factShapeOf(mapping));
  return schema.type === 'AVRO' ? { schema: schema.text } : { schema: schema.text, schemaType: schema.type };
}

async function call(url: string, method: string, path: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const answer = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status}: ${text}\n${JSON.stringify(body)}`);
  return JSON.parse(text);
}

/** As a team would number them: by name, and a renamed field keeps the number that it had. */
function numbered(mapping: Mapping, before: Mapping): Mapping {
  return { ...mapping, fields: mapping.fields.map((field) => numberedField(field, before.fields)) };
}

function numberedField(field: Field, before: readonly Field[]): Field {
  const isOld = before.some(({ name }) => name === field.name);
  const former = before.find(({ name }) => name === field.name || (!isOld && field.aliases?.includes(name) === true));
  const members = field.members?.map((member) => numberedField(member, former?.members ?? []));
  return {
    ...field,
    number: field.number ?? numberOf(former?.name ?? field.name),
    type: members === undefined ? numberedType(field.type) : { kind: 'object', members },
    ...(members === undefined ? {} : { members }),
  };
}

function numberedType(type: FieldType): FieldType {
  if (type.kind === 'array') return { kind: 'array', items: numberedType(type.items) };
  if (type.kind !== 'object') return type;
  return {
    kind: 'object',
    members: type.members.map((member) => ({ ...member, number: numberOf(member.name), type: numberedType(member.type) })),
  };
}

/** Of names of one letter, and of the key. */
function numberOf(name: string): number {
  return name === 'id' ? 1 : 100 + name.charCodeAt(0);
}
