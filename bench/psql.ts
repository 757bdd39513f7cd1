import { existsSync } from 'node:fs';
import path from 'node:path';
import { findPostgresBinaries } from '../test/systems/postgres-binaries.ts';

/** That of the server, or, where it comes without one (the npm package), any. */
export async function findPsql(): Promise<string> {
  const psql = path.join(await findPostgresBinaries(), 'psql');
  return existsSync(psql) ? psql : 'psql';
}
