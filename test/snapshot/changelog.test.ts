import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/core/entry.ts';
import { CONTROL_KEY, decodeEntry, decodeRecord, encodeEntry, entryKey, OWNER_KEY } from '../../src/snapshot/changelog.ts';

const hash = fc.uint8Array({ minLength: 16, maxLength: 16 });
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const position = fc.oneof(fc.constant({ partition: -1, offset: -1 }), fc.record({ partition: fc.nat(10_000), offset: fc.maxSafeNat() }));
const entry: fc.Arbitrary<Entry> = fc
  .record({
    state: fc.constantFrom('live', 'deleted', 'quarantined', 'held', 'erased'),
    version: fc.maxSafeNat(),
    fingerprint: orNull(hash),
    rowHash: orNull(hash),
    fieldDigests: fc.uint8Array({ maxLength: 400 }).map((bytes) => bytes.subarray(0, bytes.length & ~3)),
    identity: orNull(fc.string({ unit: 'binary', maxLength: 300 })),
    key: orNull(fc.string({ unit: 'binary', maxLength: 300 })),
    refused: orNull(hash),
    cursor: orNull(fc.double({ noNaN: true })),
    current: orNull(fc.uint8Array({ maxLength: 1000 })),
    previous: orNull(fc.uint8Array({ maxLength: 1000 })),
  })
  .chain((fields) => position.map((at) => ({ ...fields, ...at })) as fc.Arbitrary<Entry>);

const plain = (e: Entry) =>
  Object.fromEntries(
    Object.entries(e).map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value]),
  );

describe('entries', () => {
  test('come back as they went in', () => {
    fc.assert(
      fc.property(entry, (e) => {
        expect(plain(decodeEntry(encodeEntry(e), 'test'))).toEqual(plain(e));
      }),
    );
  });

  test('cut short anywhere, or with bytes behind, are refused', () => {
    fc.assert(
      fc.property(entry, fc.nat(), (e, n) => {
        const bytes = encodeEntry(e);
        expect(() => decodeEntry(bytes.subarray(0, n % bytes.length), 'test')).toThrow(
          expect.objectContaining({ code: 'SNAPSHOT_CORRUPT' }),
        );
        expect(() => decodeEntry(Buffer.concat([bytes, Buffer.of(0)]), 'test')).toThrow(
          expect.objectContaining({ code: 'SNAPSHOT_CORRUPT' }),
        );
      }),
    );
  });

  test('do not share memory with the buffer they were read from', () => {
    const bytes = encodeEntry({ ...fc.sample(entry, 1)[0]!, fingerprint: new Uint8Array(16).fill(7) });
    const decoded = decodeEntry(bytes, 'test');
    bytes.fill(0);
    expect(Buffer.from(decoded.fingerprint ?? []).toString('hex')).toBe('07'.repeat(16));
  });
});

describe('records', () => {
  test('no entry has a reserved key', () => {
    fc.assert(
      fc.property(hash, (slot) => {
        expect(entryKey(slot)[0]).not.toBe(CONTROL_KEY[0]);
      }),
    );
    expect(CONTROL_KEY[0]).toBe(OWNER_KEY[0]);
  });

  test('unknown keys, formats and texts are refused by name of the place', () => {
    const refuse = (key: Buffer | null, value: Buffer | null) =>
      expect(() => decodeRecord(key, value, 'topic t at offset 3')).toThrow(
        expect.objectContaining({ code: 'SNAPSHOT_CORRUPT', message: expect.stringContaining('topic t at offset 3') }),
      );
    refuse(null, Buffer.from('x'));
    refuse(Buffer.from('some key'), Buffer.from('x'));
    refuse(Buffer.from(CONTROL_KEY), Buffer.from('{'));
    refuse(Buffer.from(CONTROL_KEY), Buffer.from('{"format":2}'));
    refuse(entryKey(new Uint8Array(16)), Buffer.of(9, 0, 0));
  });
});
