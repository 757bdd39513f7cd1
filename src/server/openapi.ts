import { z } from 'zod';
import { errorShape } from './api-shapes.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';

type Json = Readonly<Record<string, unknown>>;

/** The API as an OpenAPI 3.1 document. */
export function openApi(version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Headrace',
      version,
      description: 'What `headrace serve` answers: docs/api.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: schemaOf(errorShape, 'output') },
    },
  };
}

function operation({ id, summary, right, params, query, body, status, answer }: Route): Json {
  const failures: Record<string, string> = {
    400: 'The request does not fit.',
    401: 'No token, or an unknown one.',
    403: `The token may not ${right}, or the request comes from another site.`,
    404: 'There is no such mapping, or plan.',
    409: 'Not as things stand: the mapping is paused or busy, the plan is refused.',
    413: 'The body is too large.',
    415: 'The body is not JSON.',
    429: 'Too many requests.',
    503: 'The daemon is coming to its end, or Kafka or a warehouse does not answer.',
  };
  return {
    operationId: id,
    summary,
    'x-right': right,
    parameters: [...parameters(params, 'path'), ...parameters(query, 'query')],
    ...(body === undefined
      ? {}
      : { requestBody: { required: false, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: {
      [status]: { description: 'Done.', content: { 'application/json': { schema: schemaOf(answer, 'output') } } },
      ...Object.fromEntries(
        Object.entries(failures).map(([code, description]) => [
          code,
          { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
        ]),
      ),
    },
  };
}

function parameters(shape: z.ZodObject | undefined, where: 'path' | 'query'): readonly Json[] {
  return Object.entries(shape?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: where,
    required: where === 'path',
    schema: schemaOf(schema as z.ZodType, 'input'),
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const {
    $schema: _,
    '~standard': _standard,
    ...json
  } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' }) as Record<string, unknown>;
  return json;
}
