// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import type { Field, Mapping, Project } from '../../../src/config/project.ts';
import { loadFiles, mustLoad } from '../../config/written-project.ts';

export interface Texts {
  readonly semantics: string;
  readonly owner: string;
  readonly description: string;
  readonly model: string;
}

export const TEXTS: Texts = { semantics: 'What it means.', owner: 'data@example.com', description: 'A field.', model: 'A row.' };

/** A project with every type, every way to build a field, and secrets that must stay where they are. */
export async function wideProject(texts: Texts = TEXTS): Promise<{ project: Project; wide: Mapping; event: Mapping }> {
  const { semantics, owner, description, model } = TEXTS;
  const files = {
    'headrace.yml': `project: shop
warehouses: { main: { type: postgres, url: "\${WAREHOUSE_URL}" } }
kafka:
  brokers: [kafka-1.internal:9093, kafka-2.internal:9093]
  tls: true
  sasl: { mechanism: scram-sha-512, username: headrace-user, password: "\${KAFKA_PASSWORD}" }
`,
    'models/wide.yml': `model: wide
description: ${model}
owner: ${owner}
warehouse: main
table: marts.wide
key: [id]
cursor: { column: updated_at, lookback: 15m }
deletes: { missing_rows: true }
full_comparison: "0 3 * * *"
schedule: "*/5 * * * *"
`,
    'mappings/wide.yml': `mapping: wide
fact: shop.wide
version: "2.3"
class: profile
model: wide
topic: shop.wide.v2
owner: ${owner}
semantics: ${semantics}
key: [id, kind]
data_subject: id
occurred_at: { from: updated_at }
on_delete: fact
fields:
  id: { from: id, type: string, description: ${description} }
  kind: { from: kind, type: { enum: [a.b, "c|d"] } }
  yes: { from: yes, type: boolean }
  small: { from: small, type: int32, optional: true }
  large: { from: large, type: int64 }
  money: { from: money, type: { decimal: [10, 2] } }
  whole: { from: whole, type: { decimal: [10, 0] } }
  share: { from: share, type: { decimal: [4, 4] } }
  real: { from: real, type: float64 }
  day: { from: day, type: date }
  hour: { from: hour, type: time }
  at: { from: at, type: timestamp }
  raw: { from: raw, type: bytes }
  uuid: { from: uuid, type: uuid }
  anything: { from: anything, type: json }
  list: { from: list, type: { array: int64 } }
  address: { from: address, type: { object: { city: string, zip: { type: string, optional: true } } } }
  built:
    description: ${description}
    fields:
      inner: { cel: "row.inner + 1", type: int64, description: ${description} }
  tier: { from: plan, type: { enum: [GOLD, SILVER] }, values: { g: SILVER, s: GOLD } }
  channel: { const: web, type: string }
  nothing: { const: null, type: string, optional: true }
`,
    'mappings/event.yml': `mapping: event
fact: shop.event
version: "1.0"
class: behavior
model: wide
topic: shop.event.v1
owner: ${owner}
semantics: ${semantics}
key: [customer]
identity: [id]
data_subject: customer
occurred_at: { from: updated_at }
fields:
  id: { from: id, type: uuid }
  customer: { from: customer, type: string }
`,
  };
  const env = { WAREHOUSE_URL: 'postgres://reader:s3cr3t-pa55@db:5432/shop', KAFKA_PASSWORD: 'k4fka-s3cr3t' };
  const project = reworded(mustLoad(await loadFiles(files, env)), texts);
  const [wide, event] = ['wide', 'event'].map((name) => project.mappings.get(name));
  if (wide === undefined || event === undefined) throw new Error('the project lacks a mapping');
  return { project, wide, event };
}

/** The loaded project with other texts: also with such as validation refuses. */
function reworded(project: Project, texts: Texts): Project {
  const ofField = (field: Field): Field => ({
    ...field,
    description: field.description === undefined ? undefined : texts.description,
    members: field.members?.map(ofField),
  });
  const { semantics, owner } = texts;
  const mappings = [...project.mappings].map(
    ([name, mapping]) => [name, { ...mapping, semantics, owner, fields: mapping.fields.map(ofField) }] as const,
  );
  const models = [...project.models].map(([name, model]) => [name, { ...model, description: texts.model, owner }] as const);
  return { ...project, mappings: new Map(mappings), models: new Map(models) };
}
