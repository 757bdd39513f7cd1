/** Bytes as a text of as many characters, to look them up in a Map. Not by way of `bytes.buffer`, which moves a small array out of the heap. */
export function textOf(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}

const { latin1Slice } = Buffer.prototype as unknown as { latin1Slice(this: Uint8Array, start: number, end: number): string };
