/** What the compiler does not do: data files, the executable bit, and outputs whose source is gone. */
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ROOT } from './process.mjs';

/** Written last: its time is the time of the last complete build. */
export const BUILT_MARK = 'dist/.built';

function afterBuild() {
  const dist = join(ROOT, 'dist');
  removeStale(dist);
  if (existsSync(join(ROOT, 'schemas'))) cpSync(join(ROOT, 'schemas'), join(dist, 'schemas'), { recursive: true });
  if (existsSync(join(dist, 'main.js'))) chmodSync(join(dist, 'main.js'), 0o755);
  writeFileSync(join(ROOT, BUILT_MARK), '');
}

/** A module that was renamed or removed must not stay importable. */
function removeStale(dist) {
  for (const output of readdirSync(dist, { recursive: true })) {
    const stem = /^(.*)\.(?:js|js\.map|d\.ts)$/.exec(output)?.[1];
    if (stem !== undefined && !existsSync(join(ROOT, 'src', `${stem}.ts`))) rmSync(join(dist, output));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) afterBuild();
