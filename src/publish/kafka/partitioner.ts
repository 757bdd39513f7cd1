/**
 * Promise 3: Kafka's default partitioning of keyed records: murmur2 over the key's bytes, made non-negative, modulo the partition count. Equal to the Java
 * client's (org.apache.kafka.clients.producer.internals.BuiltInPartitioner, org.apache.kafka.common.utils.Utils.murmur2), so that consumers that
 * join topics by partition may mix our records with theirs. Strings count as UTF-8.
 */
export function partitionOf(key: string | Uint8Array, partitions: number): number {
  const hash = typeof key === 'string' ? murmur2OfText(key) : murmur2(key, key.length);
  return (hash & 0x7fffffff) % partitions;
}

const scratch = Buffer.alloc(3 * 1024);

function murmur2OfText(text: string): number {
  // A string of n UTF-16 units has at most 3 n bytes of UTF-8.
  if (text.length * 3 > scratch.length) {
    const bytes = Buffer.from(text);
    return murmur2(bytes, bytes.length);
  }
  // Keys are short and mostly ASCII: a loop beats the native call.
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return murmur2(scratch, scratch.write(text));
    scratch[i] = unit;
  }
  return murmur2(scratch, text.length);
}

const M = 0x5bd1e995;
const SEED = 0x9747b28c;

/** 32-bit murmur2 of the first `length` bytes, as a signed integer. */
export function murmur2(bytes: Uint8Array, length: number): number {
  let h = SEED ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const tail = length & 3;
  if (tail === 3) h ^= bytes[whole + 2]! << 16;
  if (tail >= 2) h ^= bytes[whole + 1]! << 8;
  if (tail >= 1) h = Math.imul(h ^ bytes[whole]!, M);
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}
