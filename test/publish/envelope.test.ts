import { Kafka } from 'cloudevents';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileEnvelope, type PublishedChange } from '../../src/publish/envelope.ts';
import { eventId } from '../../src/publish/event-id.ts';
import type { OutgoingRecord } from '../../src/publish/publisher.ts';
import { ENTITLEMENT } from '../contract/example.ts';

const RUN = { runId: 'run-1', contentType: 'application/json' };
const CHANGE: PublishedChange = {
  kind: 'created',
  identity: '["c-1","core"]',
  key: '["c-1","core"]',
  value: '{"customerId":"c-1"}',
  occurredAt: '2026-01-31T12:00:00.123456Z',
  changed: [],
  reason: null,
};
const envelope = compileEnvelope('activation', ENTITLEMENT, RUN);

function headersOf(record: OutgoingRecord): Record<string, string> {
  expect(record.headerValues).toHaveLength(record.headers.variable.length);
  const headers = [...record.headers.constant, ...record.headers.variable.map((name, i) => [name, record.headerValues[i] ?? ''] as const)];
  expect(new Set(headers.map(([name]) => name)).size).toBe(headers.length);
  return Object.fromEntries(headers);
}

/** Reads a record as a consumer with the CloudEvents SDK would. */
function eventOf(record: OutgoingRecord): Record<string, unknown> {
  const message = { headers: headersOf(record), body: record.value, value: record.value, key: record.key };
  return Kafka.toEvent(message as Parameters<typeof Kafka.toEvent>[0]) as unknown as Record<string, unknown>;
}

describe('compileEnvelope', () => {
  it('gives headers that a CloudEvents SDK reads as a valid event', () => {
    const event = eventOf(envelope.fact(CHANGE, 1));
    expect(event).toMatchObject({
      specversion: '1.0',
      id: eventId('activation', 'customer-entitlement', '["c-1","core"]', 1),
      source: '/headrace/activation/customer-entitlement',
      type: 'customer.entitlement.v1.created',
      datacontenttype: 'application/json',
      dataschema: 'urn:headrace:activation:customer.entitlement:1.0',
      runid: 'run-1',
      factversion: '1',
    });
    expect((event.validate as () => boolean).call(event)).toBe(true);
  });

  it('keeps the microseconds of ce_time, and says nothing that has nothing to say', () => {
    expect(headersOf(envelope.fact(CHANGE, 1))).toEqual({
      ce_specversion: '1.0',
      'content-type': 'application/json',
      ce_source: '/headrace/activation/customer-entitlement',
      ce_type: 'customer.entitlement.v1.created',
      ce_runid: 'run-1',
      ce_dataschema: 'urn:headrace:activation:customer.entitlement:1.0',
      ce_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      ce_time: '2026-01-31T12:00:00.123456Z',
      ce_factversion: '1',
    });
  });

  it('names the fields of an update', () => {
    const record = envelope.fact({ ...CHANGE, kind: 'updated', changed: ['mrr', 'tier'] }, 2);
    expect(headersOf(record)).toMatchObject({ ce_type: 'customer.entitlement.v1.updated', ce_changed: 'mrr,tier', ce_factversion: '2' });
  });

  it('composes a deletion of the last fact and a tombstone without content type and schema', () => {
    const deletion: PublishedChange = { ...CHANGE, kind: 'deleted', reason: 'vanished' };
    const fact = envelope.deletedFact(deletion, 3);
    const tombstone = envelope.tombstone(deletion, 4);
    expect(fact.value).toBe(CHANGE.value);
    expect(headersOf(fact)).toMatchObject({ ce_type: 'customer.entitlement.v1.deleted', ce_deletereason: 'vanished' });
    expect(tombstone.value).toBeNull();
    const headers = headersOf(tombstone);
    expect(headers).toMatchObject({ ce_type: 'customer.entitlement.v1.deleted', ce_deletereason: 'vanished', ce_factversion: '4' });
    expect(headers).not.toHaveProperty('content-type');
    expect(headers).not.toHaveProperty('ce_dataschema');
    expect(headers.ce_id).not.toBe(headersOf(fact).ce_id);
    expect(() => envelope.deletedFact({ ...deletion, value: null }, 3)).toThrow('last value');
  });

  it('carries the identity where it is not the key, and where a run comes from', () => {
    const behavior = { ...ENTITLEMENT, key: ['customerId'], identity: ['eventId'] };
    const replay = compileEnvelope('p', behavior, { ...RUN, origin: 'backfill', approval: 'a-7', traceparent: '00-1-2-01' });
    const record = replay.fact({ ...CHANGE, identity: 'e-😀', key: 'c-1' }, 1);
    expect(headersOf(record)).toMatchObject({ ce_subject: 'e-😀', ce_origin: 'backfill', ce_approval: 'a-7', traceparent: '00-1-2-01' });
    expect(eventOf(record)).toMatchObject({ subject: 'e-😀', origin: 'backfill', approval: 'a-7' });
  });

  it('makes each template once', () => {
    const templates = new Set<unknown>();
    for (let version = 1; version <= 50; version++) {
      templates.add(envelope.fact(CHANGE, version).headers);
      templates.add(envelope.fact({ ...CHANGE, kind: 'updated', changed: ['mrr'] }, version).headers);
      templates.add(envelope.deletedFact({ ...CHANGE, kind: 'deleted', reason: 'erased' }, version).headers);
      templates.add(envelope.tombstone({ ...CHANGE, kind: 'deleted', reason: 'erased' }, version).headers);
    }
    expect(templates.size).toBe(4);
  });
});

describe('eventId', () => {
  const name = fc.stringMatching(/^[a-z0-9-]{1,8}$/);
  const parts = fc.tuple(name, name, fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 200 }));

  it('is the same for the same change, and differs for any other', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(eventId(...a) === eventId(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it('does not run names, versions and identities into each other', () => {
    expect(eventId('a', 'b', '2/c', 1)).not.toBe(eventId('a', 'b', 'c', 12));
    expect(eventId('a', 'b', 'c', 12)).not.toBe(eventId('a', 'b', '2/c', 1));
  });
});
