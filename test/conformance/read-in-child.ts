import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WarehouseConfig } from '../../src/config/project.ts';
import type { ReadRow } from './warehouse-read.ts';

const CHILD = fileURLToPath(new URL('warehouse-child.ts', import.meta.url));

/** Reads a query in another process that lives in another time zone. */
export async function readInChild(
  config: WarehouseConfig,
  sql: string,
  columns: readonly string[],
  keyLength: number,
  timeZone: string,
): Promise<readonly ReadRow[]> {
  const argument = JSON.stringify({ config, sql, columns, keyLength });
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', CHILD, argument], {
    env: { ...process.env, TZ: timeZone, PGTZ: timeZone },
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as readonly ReadRow[];
}
