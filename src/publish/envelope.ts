import type { Mapping } from '../config/project.ts';
import type { Change } from '../core/change.ts';
import { eventId } from './event-id.ts';
import type { HeaderTemplate } from './headers.ts';
import type { OutgoingRecord } from './publisher.ts';

/** What of a change the envelope reads. Identity and key are there for everything that is published. */
export type PublishedChange = Pick<Change, 'kind' | 'identity' | 'key' | 'value' | 'occurredAt' | 'changed' | 'reason' | 'undoes'>;

/** What all events of a run have in common. */
export interface EnvelopeRun {
  readonly runId: string;
  /** The media type of the encoded facts: `application/json`. */
  readonly contentType: string;
  /** From the text of a key to what is sent; the text itself unless given. */
  readonly encodeKey?: ((key: string) => string | Uint8Array) | undefined;
  /** Absent: a live run. */
  readonly origin?: 'backfill' | 'replay' | 'undo' | undefined;
  readonly approval?: string | undefined;
  /** Every event takes one back, and names it. */
  readonly namesUndone?: boolean | undefined;
  /** W3C Trace Context. */
  readonly traceparent?: string | undefined;
}

/**
 * Wraps changes as CloudEvents 1.0 in Kafka's binary mode (Kafka Protocol Binding 1.0.2, section 3.2: attributes are `ce_` headers in plain UTF-8, without
 * percent-encoding; the data's media type is the header `content-type`; a null value is a tombstone and has no data). Pure: the same change gives the same record.
 */
export interface Envelope {
  /** A created or updated fact. */
  fact(change: PublishedChange, version: number): OutgoingRecord;
  /** The last state of a fact (`change.value`), marked as deleted: where the mapping says `on_delete: fact`. */
  deletedFact(change: PublishedChange, version: number): OutgoingRecord;
  tombstone(change: PublishedChange, version: number): OutgoingRecord;
}

const VARIABLE = ['ce_id', 'ce_time', 'ce_factversion'] as const;

/** Names the contract of a value: a URI, as CloudEvents 1.0 demands of `dataschema`. */
export function dataSchemaOf(project: string, { fact, version }: Pick<Mapping, 'fact' | 'version'>): string {
  return `urn:headrace:${project}:${fact}:${version.major}.${version.minor}`;
}

/** Templates are made here and never again, so that whoever encodes headers can remember them by identity. */
export function compileEnvelope(project: string, mapping: Mapping, run: EnvelopeRun): Envelope {
  const withSubject = mapping.identity.length !== mapping.key.length || mapping.identity.some((name, i) => name !== mapping.key[i]);

  const template = (operation: 'created' | 'updated' | 'deleted', hasValue: boolean, extra?: string): HeaderTemplate => ({
    constant: [
      ['ce_specversion', '1.0'],
      ...(hasValue ? [['content-type', run.contentType] as const] : []),
      ['ce_source', `/headrace/${project}/${mapping.name}`],
      ['ce_type', `${mapping.fact}.v${mapping.version.major}.${operation}`],
      ['ce_runid', run.runId],
      ...(hasValue ? [['ce_dataschema', dataSchemaOf(project, mapping)] as const] : []),
      ...optional('ce_origin', run.origin),
      ...optional('ce_approval', run.approval),
      ...optional('traceparent', run.traceparent),
    ],
    variable: [
      ...VARIABLE,
      ...(withSubject ? ['ce_subject'] : []),
      ...(run.namesUndone ? ['ce_undoes'] : []),
      ...(extra === undefined ? [] : [extra]),
    ],
  });
  const created = template('created', true);
  const updated = template('updated', true);
  const updatedFields = template('updated', true, 'ce_changed');
  const deletedFact = template('deleted', true);
  const deletedFactWithReason = template('deleted', true, 'ce_deletereason');
  const tombstone = template('deleted', false);
  const tombstoneWithReason = template('deleted', false, 'ce_deletereason');

  const record = (
    change: PublishedChange,
    factVersion: number,
    headers: HeaderTemplate,
    value: OutgoingRecord['value'],
    extra?: string | null,
  ): OutgoingRecord => {
    const { identity, key, occurredAt } = change;
    if (identity === null || key === null) throw new Error('a change without identity and key cannot be published');
    const headerValues = [eventId(project, mapping.name, identity, factVersion), occurredAt, String(factVersion)];
    if (withSubject) headerValues.push(identity);
    if (run.namesUndone) headerValues.push(change.undoes ?? '');
    if (extra !== undefined && extra !== null) headerValues.push(extra);
    return { key: run.encodeKey?.(key) ?? key, value, headers, headerValues };
  };
  return {
    fact: (change, factVersion) => {
      if (change.value === null) throw new Error('a fact without a value cannot be published');
      if (change.kind === 'created') return record(change, factVersion, created, change.value);
      if (change.changed.length === 0) return record(change, factVersion, updated, change.value);
      return record(change, factVersion, updatedFields, change.value, change.changed.join(','));
    },
    deletedFact: (change, factVersion) => {
      // A null value here would be a second tombstone, and the consumers that want the last state would never get it.
      if (change.value === null) throw new Error('a deleted fact is published with the last value of the fact');
      return record(change, factVersion, change.reason === null ? deletedFact : deletedFactWithReason, change.value, change.reason);
    },
    tombstone: (change, factVersion) =>
      record(change, factVersion, change.reason === null ? tombstone : tombstoneWithReason, null, change.reason),
  };
}

function optional(name: string, value: string | undefined): readonly (readonly [string, string])[] {
  return value === undefined ? [] : [[name, value]];
}
