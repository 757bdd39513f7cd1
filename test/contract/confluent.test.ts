import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RegistryConfig } from '../../src/config/project.ts';
import type { SchemaDocument } from '../../src/contract/codec.ts';
import { ConfluentRegistry } from '../../src/contract/confluent/registry.ts';

/** What stands in front of a registry, or in its place: a proxy's login page, a gateway's error. The registry itself is asked in registry.e2e.test.ts. */
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: { method: string | undefined; url: string | undefined; authorization: string | undefined; body: unknown }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      asked.push({ method, url, authorization: headers.authorization, body: JSON.parse(Buffer.concat(chunks).toString()) });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

const AVRO: SchemaDocument = { type: 'AVRO', text: '"string"' };
const signal = new AbortController().signal;

function registry(more: Partial<RegistryConfig> = {}): ConfluentRegistry {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  return new ConfluentRegistry({ url, subjectStrategy: 'topic', register: true, keys: 'plain', timeoutMs: 5_000, ...more });
}

function says(
  status: number,
  body: string,
  contentType = 'application/vnd.schemaregistry.v1+json',
  headers: Record<string, string> = {},
): void {
  answer = (_, response) => response.writeHead(status, { 'content-type': contentType, ...headers }).end(body);
}

describe('ConfluentRegistry', () => {
  it('names the type of a schema, unless it is Avro, and the subject whatever is in it', async () => {
    says(200, '{"id": 7}');
    expect(await registry().register('a/b value?', AVRO, signal)).toBe(7);
    expect(await registry().lookUp('s', { type: 'PROTOBUF', text: 'x' }, signal)).toBe(7);
    expect(asked.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', '/api/subjects/a%2Fb%20value%3F/versions', { schema: '"string"' }],
      ['POST', '/api/subjects/s', { schema: 'x', schemaType: 'PROTOBUF' }],
    ]);
  });

  it.each([
    [undefined, undefined],
    [{ username: 'käthe', password: 'p:w' }, `Basic ${Buffer.from('käthe:p:w').toString('base64')}`],
    [{ token: 't0ken' }, 'Bearer t0ken'],
  ])('shows who it is: %o', async (auth, expected) => {
    says(200, '{"id": 1}');
    await registry({ auth }).register('s', AVRO, signal);
    expect(asked[0]?.authorization).toBe(expected);
  });

  it.each([
    [
      'a login page',
      200,
      '<html>',
      'text/html; charset=utf-8',
      'REGISTRY_UNREACHABLE',
      'answers 200 with text/html, which is no answer of a schema registry',
    ],
    ['a redirect', 302, '', 'text/html', 'REGISTRY_UNREACHABLE', 'answers 302'],
    ['another path', 404, '<html>', 'text/html', 'REGISTRY_UNREACHABLE', 'answers 404 with text/html'],
    ['a gateway', 502, 'Bad gateway', 'text/plain', 'REGISTRY_UNREACHABLE', 'answers 502 with text/plain'],
    ['a failure', 500, '{"error_code": 50001, "message": "no\\n store."}', undefined, 'REGISTRY_UNREACHABLE', 'registry: no store.'],
    ['no id', 200, '{"id": "x"}', undefined, 'REGISTRY_UNREACHABLE', 'something unexpected'],
    ['nobody known', 401, '<html>', 'text/html', 'REGISTRY_DENIED', 'denies access to subject s (401).'],
    ['a missing right', 403, '{"error_code": 40301, "message": "No."}', undefined, 'REGISTRY_DENIED', '(403: No)'],
    [
      'a broken rule',
      409,
      '{"error_code": 409, "message": "Reader."}',
      undefined,
      'SCHEMA_INCOMPATIBLE',
      'subject s as incompatible with those before it (409: Reader)',
    ],
    [
      'no schema',
      422,
      '{"error_code": 42201, "message": "Bad."}',
      undefined,
      'SCHEMA_REFUSED',
      'does not accept the schema for subject s (422: Bad)',
    ],
  ])('%s', async (_, status, body, contentType, code, message) => {
    says(status, body, contentType);
    const error = await registry({ auth: { token: 's3cret' } })
      .register('s', AVRO, signal)
      .catch((e: unknown) => e);
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining(message),
      suggestion: expect.stringContaining('Nothing was published.'),
    });
    expect((error as Error).message).toContain(registry().url);
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });

  it('tells a schema that is not there from a place that is no registry', async () => {
    for (const code of [40401, 40403]) {
      says(404, `{"error_code": ${code}}`);
      expect(await registry().lookUp('s', AVRO, signal)).toBeUndefined();
      expect(await registry().checkWithRegistry('s', AVRO, signal)).toEqual({ isCompatible: true, reasons: [] });
    }
    says(404, '{"error_code": 404}');
    await expect(registry().lookUp('s', AVRO, signal)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  });

  it('passes on what the registry says of compatibility', async () => {
    says(200, '{"is_compatible": false, "messages": ["a", "b"]}');
    expect(await registry().checkWithRegistry('s', AVRO, signal)).toEqual({ isCompatible: false, reasons: ['a', 'b'] });
    expect(asked[0]?.url).toBe('/api/compatibility/subjects/s/versions/latest?verbose=true');
    says(200, '{}');
    await expect(registry().checkWithRegistry('s', AVRO, signal)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  });

  it('waits no longer than the timeout, also for the rest of an answer', async () => {
    answer = () => undefined;
    await expect(registry({ timeoutMs: 50 }).register('s', AVRO, signal)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('did not answer within 50 ms'),
    });
    answer = (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{"id"');
    await expect(registry({ timeoutMs: 50 }).register('s', AVRO, signal)).rejects.toMatchObject({
      message: expect.stringContaining('50 ms'),
    });
  });

  it('ends with an interruption, and reads no endless answer', async () => {
    const interruption = new AbortController();
    answer = () => interruption.abort(new Error('interrupted'));
    await expect(registry().register('s', AVRO, interruption.signal)).rejects.toThrow('interrupted');
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.on('error', () => undefined);
      const more = () => response.destroyed || response.write('x'.repeat(1 << 20), more);
      more();
    };
    await expect(registry().register('s', AVRO, signal)).rejects.toMatchObject({
      message: expect.stringContaining('more than 4194304 bytes'),
    });
  });
});
