import { join } from 'node:path';
import { type Diagnostic, Parser } from '@asyncapi/parser';
import { describe, expect, test } from 'vitest';
import { loadProject } from '../../../src/config/load-project.ts';
import type { Project } from '../../../src/config/project.ts';
import { asyncApiFile } from '../../../src/ops/catalogue/documents.ts';
import { mustLoad } from '../../config/written-project.ts';
import { wideProject } from './wide-project.ts';

const parser = new Parser();

/** What AsyncAPI's own parser objects to; that there is a newer version of the specification is no objection. */
function objections(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics
    .filter(({ code }) => code !== 'asyncapi-latest-version')
    .map(({ code, message, path }) => `${code} ${path.join('.')}: ${message}`);
}

async function parse(project: Project) {
  const { text } = asyncApiFile(project, [...project.mappings.values()]);
  const { document, diagnostics } = await parser.parse(text);
  expect(objections(diagnostics)).toEqual([]);
  if (document === undefined) throw new Error('no document');
  return { text, document };
}

describe('the AsyncAPI document', () => {
  test('of the demo is valid, and says where each fact is', async () => {
    const project = mustLoad(await loadProject(join(import.meta.dirname, '../../..'), {}));
    const { document } = await parse(project);
    expect(document.version()).toBe('3.0.0');
    const topics = [...project.mappings.values()].map(({ topic }) => topic);
    expect(
      document
        .channels()
        .all()
        .map((channel) => channel.address()),
    ).toEqual(topics);
    expect(
      document
        .operations()
        .all()
        .map((operation) => operation.action()),
    ).toEqual(topics.map(() => 'send'));
  });

  test('of every type is valid, with key, headers, payload and topic', async () => {
    const { project } = await wideProject();
    const { document } = await parse(project);
    const channel = document.channels().get('wide');
    expect(channel?.bindings().get('kafka')?.value()).toMatchObject({
      topic: 'shop.wide.v2',
      partitions: 6,
      topicConfiguration: { 'cleanup.policy': ['compact'] },
    });
    const [fact, tombstone, ...others] = channel?.messages().all() ?? [];
    expect(others).toEqual([]);
    expect(fact?.name()).toBe('shop.wide.v2');
    expect(fact?.bindings().get('kafka')?.value()).toMatchObject({
      key: { type: 'string', description: 'A JSON array of texts: id, kind.' },
    });
    expect(Object.keys(fact?.payload()?.json<{ properties: object }>().properties ?? {})).toHaveLength(21);
    const headers = fact?.headers()?.json<{ properties: Record<string, { const?: string; enum?: string[] }>; required: string[] }>();
    expect(headers?.properties.ce_dataschema?.const).toBe('urn:headrace:shop:shop.wide:2.3');
    expect(headers?.properties.ce_type?.enum).toEqual(['shop.wide.v2.created', 'shop.wide.v2.updated', 'shop.wide.v2.deleted']);
    expect(headers?.required).toEqual(expect.arrayContaining(['ce_id', 'ce_factversion', 'content-type']));
    expect(tombstone?.payload()?.json()).toMatchObject({ type: 'null' });
    expect(tombstone?.headers()?.json<{ required: string[] }>().required).not.toContain('content-type');
    // Behavior facts have one version, no end, and an identity of their own.
    const event = document.channels().get('event')?.messages().all() ?? [];
    expect(event).toHaveLength(1);
    const ofEvent = event[0]?.headers()?.json<{ properties: Record<string, { enum?: string[] }> }>().properties;
    expect(ofEvent?.ce_type?.enum).toEqual(['shop.event.v1.created']);
    expect(ofEvent).toHaveProperty('ce_subject');
  });

  test.each(['json', 'avro', 'protobuf'] as const)('names the media type of %s, in the message and in its header', async (encoding) => {
    const { project, wide } = await wideProject();
    const { document } = await parse({ ...project, mappings: new Map([[wide.name, { ...wide, encoding }]]) });
    const [fact] = document.channels().get('wide')?.messages().all() ?? [];
    expect(fact?.contentType()).toBe(`application/${encoding}`);
    expect(fact?.description()?.includes('contracts export wide') ?? false).toBe(encoding !== 'json');
    const [example] = fact?.examples().all() ?? [];
    expect(example?.headers()).toMatchObject({ 'content-type': `application/${encoding}` });
  });

  test('says how one logs in, and holds no secret', async () => {
    const { project } = await wideProject();
    const { text, document } = await parse(project);
    expect(
      document
        .servers()
        .all()
        .map((server) => [server.host(), server.protocol()]),
    ).toEqual([
      ['kafka-1.internal:9093', 'kafka-secure'],
      ['kafka-2.internal:9093', 'kafka-secure'],
    ]);
    expect(
      document
        .securitySchemes()
        .all()
        .map((scheme) => scheme.type()),
    ).toEqual(['scramSha512']);
    expect(text).not.toMatch(/s3cr3t|headrace-user|postgres:/);
  });

  test('that is broken is refused by the parser: it does look', async () => {
    const { project } = await wideProject();
    const { text } = asyncApiFile(project, [...project.mappings.values()]);
    for (const broken of [
      text.replace('action: send', 'action: shout'),
      text.replace('payload:\n        title', 'payload:\n        type: 7\n        title'),
    ]) {
      expect(broken).not.toBe(text);
      expect(objections((await parser.parse(broken)).diagnostics)).not.toEqual([]);
    }
  });
});
