import type { SchemaDocument } from './codec.ts';

/**
 * A registry of schemas by subject and version. It stands outside of the transactions: a schema is registered before the first record that names it is sent, and a
 * registered schema without records harms nobody.
 *
 * All calls are idempotent, and none is retried here. All throw REGISTRY_UNREACHABLE (no connection, no answer in time, an answer that is none of a registry's) and
 * REGISTRY_DENIED (401, 403); an abort throws the signal's reason.
 */
export interface SchemaRegistry {
  /** For messages and for keys of caches: without credentials. */
  readonly url: string;
  /**
   * The id of the schema, registered under the subject as its newest version unless it stands there already. Throws SCHEMA_INCOMPATIBLE where the subject's rule
   * forbids it, SCHEMA_REFUSED where the registry does not take it for a schema.
   */
  register(subject: string, schema: SchemaDocument, signal: AbortSignal): Promise<number>;
  /** The id of a schema that stands under the subject; undefined where it does not. Changes nothing. Throws SCHEMA_REFUSED. */
  lookUp(subject: string, schema: SchemaDocument, signal: AbortSignal): Promise<number | undefined>;
  /** What the registry would say to the schema, by the rule that the subject has there. Changes nothing. Throws SCHEMA_REFUSED. */
  checkWithRegistry(subject: string, schema: SchemaDocument, signal: AbortSignal): Promise<RegistryVerdict>;
}

export interface RegistryVerdict {
  readonly isCompatible: boolean;
  /** The registry's own words; may be none even where it says no. */
  readonly reasons: readonly string[];
}
