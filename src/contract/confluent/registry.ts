import type { RegistryConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { SchemaDocument } from '../codec.ts';
import type { RegistryVerdict, SchemaRegistry } from '../registry.ts';
import { type Answer, send, unreachable } from './http.ts';

/** Confluent's codes for "no such subject", "no such version" and "no such schema". */
const NOT_THERE: ReadonlySet<number> = new Set([40401, 40402, 40403]);

/** The API of Confluent's Schema Registry, as Apicurio, Karapace and Redpanda have it, too: the three calls that publishing needs. */
export class ConfluentRegistry implements SchemaRegistry {
  readonly url: string;
  readonly #config: RegistryConfig;

  constructor(config: RegistryConfig) {
    this.url = config.url;
    this.#config = config;
  }

  async register(subject: string, schema: SchemaDocument, signal: AbortSignal): Promise<number> {
    const answer = await this.#post(`/subjects/${encodeURIComponent(subject)}/versions`, subject, schema, signal);
    return this.#idOf(answer);
  }

  async lookUp(subject: string, schema: SchemaDocument, signal: AbortSignal): Promise<number | undefined> {
    const answer = await this.#post(`/subjects/${encodeURIComponent(subject)}`, subject, schema, signal);
    return answer.status === 404 ? undefined : this.#idOf(answer);
  }

  async checkWithRegistry(subject: string, schema: SchemaDocument, signal: AbortSignal): Promise<RegistryVerdict> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`;
    const answer = await this.#post(path, subject, schema, signal);
    // Nothing there that it could break.
    if (answer.status === 404) return { isCompatible: true, reasons: [] };
    const isCompatible = memberOf(answer.json, 'is_compatible');
    if (typeof isCompatible !== 'boolean') throw this.#notARegistry(answer);
    const messages = memberOf(answer.json, 'messages');
    return { isCompatible, reasons: Array.isArray(messages) ? messages.map(String) : [] };
  }

  /** An answer of status 200, or 404 where the registry itself says that something is not there. */
  async #post(path: string, subject: string, schema: SchemaDocument, signal: AbortSignal): Promise<Answer> {
    // Avro is what a registry takes a schema for that names no type; older ones know no other.
    const body = schema.type === 'AVRO' ? { schema: schema.text } : { schema: schema.text, schemaType: schema.type };
    const answer = await send(this.#config, path, body, signal);
    const code = memberOf(answer.json, 'error_code');
    if (answer.status === 200 || (answer.status === 404 && typeof code === 'number' && NOT_THERE.has(code))) return answer;
    throw this.#errorOf(answer, subject);
  }

  #idOf(answer: Answer): number {
    const id = memberOf(answer.json, 'id');
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > 0xffff_ffff) throw this.#notARegistry(answer);
    return id as number;
  }

  #errorOf(answer: Answer, subject: string): HeadraceError {
    const { status } = answer;
    const said = wordsOf(answer);
    const at = `The schema registry ${this.url}`;
    if (status === 401 || status === 403)
      return new HeadraceError('REGISTRY_DENIED', `${at} denies access to subject ${subject} (${status}${said}).`, {
        suggestion: "Check registry.auth in headrace.yml, and this user's right to read and write the subject. Nothing was published.",
      });
    if (status === 409)
      return new HeadraceError(
        'SCHEMA_INCOMPATIBLE',
        `${at} refuses the schema for subject ${subject} as incompatible with those before it (409${said}).`,
        {
          suggestion:
            'Take the change to the fields back, or publish a new major version to a new topic; or change the compatibility of the subject in the registry. Nothing was published.',
        },
      );
    if (status === 422 && memberOf(answer.json, 'error_code') !== undefined)
      return new HeadraceError('SCHEMA_REFUSED', `${at} does not accept the schema for subject ${subject} (422${said}).`, {
        suggestion: 'See which part it names: `headrace contracts export` writes the schema to a file. Nothing was published.',
      });
    return this.#notARegistry(answer);
  }

  #notARegistry(answer: Answer): HeadraceError {
    const form = answer.json === undefined ? `with ${answer.contentType.split(';')[0] || 'no content'}` : 'with something unexpected';
    return unreachable(this.#config, `answers ${answer.status} ${form}, which is no answer of a schema registry${wordsOf(answer)}`);
  }
}

function memberOf(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, name)
    ? (json as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function wordsOf({ json }: Answer): string {
  const message = memberOf(json, 'message');
  if (typeof message !== 'string' || message.trim() === '') return '';
  const line = message.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');
  return `: ${line.length <= 300 ? line : `${line.slice(0, 297)}…`}`;
}
