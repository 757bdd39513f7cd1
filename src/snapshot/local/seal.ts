import { closeSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/**
 * Says whether a closed copy is still what was closed. LMDB keeps no checksums: a flipped bit in a key would make a published fact look new, and publish it again
 * as version 1. The seal lies beside the file while nobody writes to it: size, time of the last write, and a CRC of the whole file.
 */
interface Seal {
  readonly size: number;
  readonly modifiedNs: string;
  /** Null for a file that is too large to be read at every start. */
  readonly crc: number | null;
}

/** Above it, size and time have to do: 4 GB/s of CRC would cost more than the run. */
const CRC_UP_TO_BYTES = 512 * 1024 * 1024;
const BLOCK = 4 * 1024 * 1024;

/** absent: no copy yet. intact: as it was closed. open: its process ended without closing it. broken: changed by something else. */
export type SealState = 'absent' | 'intact' | 'open' | 'broken';

export function inspectSeal(file: string): SealState {
  const found = describe(file);
  if (found === undefined) return 'absent';
  let seal: Seal;
  try {
    seal = JSON.parse(readFileSync(sealOf(file), 'utf8')) as Seal;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'open';
    if (error instanceof SyntaxError) return 'broken';
    throw error;
  }
  const isSame = seal.size === found.size && seal.modifiedNs === found.modifiedNs;
  return isSame && (seal.crc === null || seal.crc === crcOf(file)) ? 'intact' : 'broken';
}

/** Once nothing writes to the file any more. */
export function seal(file: string): void {
  const found = describe(file);
  if (found === undefined) return;
  const content: Seal = { ...found, crc: found.size <= CRC_UP_TO_BYTES ? crcOf(file) : null };
  writeFileSync(`${sealOf(file)}.new`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${sealOf(file)}.new`, sealOf(file));
}

/** Before the first write. */
export function breakSeal(file: string): void {
  rmSync(sealOf(file), { force: true });
}

function sealOf(file: string): string {
  return `${file}.seal`;
}

function describe(file: string): { size: number; modifiedNs: string } | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && { size: Number(stat.size), modifiedNs: String(stat.mtimeNs) };
}

function crcOf(file: string): number {
  const descriptor = openSync(file, 'r');
  try {
    const block = Buffer.allocUnsafe(BLOCK);
    let crc = 0;
    for (let read = readSync(descriptor, block); read > 0; read = readSync(descriptor, block)) crc = crc32(block.subarray(0, read), crc);
    return crc;
  } finally {
    closeSync(descriptor);
  }
}
