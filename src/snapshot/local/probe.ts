import { spawnSync } from 'node:child_process';

/** Opens the file and touches every record of it. Plain JavaScript, because it runs in a process of its own. */
const SCRIPT = `
const [lmdb, file, ...names] = process.argv.slice(1);
const { open } = await import(lmdb);
const root = open({ path: file, maxDbs: 4, readOnly: true, encoding: 'binary', keyEncoding: 'binary' });
for (const name of names) for (const { key, value } of root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' }).getRange()) key.length + value.length;
process.exit(0);
`;

/**
 * Whether an LMDB file can be read from end to end. LMDB maps the file and trusts it: on a damaged one the process may die of a signal, so another process
 * goes first. Costs some tenths of a second and a pass over the file; asked only of a copy whose process died without closing it.
 */
export function isReadable(file: string, databases: readonly string[]): boolean {
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', SCRIPT, import.meta.resolve('lmdb'), file, ...databases], {
    stdio: 'ignore',
    // Loaders and inspectors of this process are not for that one.
    env: { PATH: process.env.PATH ?? '' },
  });
  return status === 0;
}
