import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fieldDigester, halfSipHash } from '../../src/snapshot/field-digest.ts';

const KEY = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);

// vectors_hsip32 of the reference implementation (https://github.com/veorq/SipHash), for the inputs 0, 1, 2 … of these lengths in bytes.
test.each([
  { text: '', vector: [0xa9, 0x35, 0x9f, 0x5b] },
  { text: '\u0100', vector: [0xfa, 0x62, 0xa6, 0x03] },
])('is HalfSipHash-2-4: $text.length code units', ({ text, vector }) => {
  const digest = Buffer.alloc(4);
  digest.writeInt32LE(halfSipHash(KEY, text));
  expect([...digest]).toEqual(vector);
});

test("a field's digest is the hash of its name, padded to whole words, and its text", () => {
  const digest = Buffer.from(fieldDigester(KEY, ['ab', 'abc'])(['"x"', 'true']));
  expect(digest.readInt32LE(0)).toBe(halfSipHash(KEY, 'ab\0\0"x"'));
  expect(digest.readInt32LE(4)).toBe(halfSipHash(KEY, 'abc\0true'));
});

test('another key, name or text: another digest', () => {
  const of = (name: string, text: string, key = KEY) => Buffer.from(fieldDigester(key, [name])([text])).toString('hex');
  expect(of('a', '"x"')).not.toBe(of('b', '"x"'));
  expect(of('a', '"x"')).not.toBe(of('a', '"x"', Uint8Array.of(9, 1, 2, 3, 4, 5, 6, 7)));
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (left, right) => {
      fc.pre(left !== right);
      // Four bytes collide once in four billion: not in these few.
      expect(of('a', left)).not.toBe(of('a', right));
    }),
  );
});
