/** Builds dist/ from src/, when it must. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT, run, SUCCESS } from './process.mjs';

/** Its time is the time of the last complete build. */
const BUILT_MARK = 'dist/.built';
const INPUTS = ['src', 'schemas', 'package.json', 'package-lock.json', 'tsconfig.json', 'scripts/bundle.mjs'];

/** In a process of its own: what it is made with may just have been installed. */
export function build() {
  return run(process.execPath, ['scripts/bundle.mjs', BUILT_MARK]);
}

export async function ensureBuilt() {
  const builtMs = modifiedMs(join(ROOT, BUILT_MARK));
  if (INPUTS.every((input) => newestMs(join(ROOT, input)) <= builtMs)) return SUCCESS;
  console.error('Building dist/ …');
  return build();
}

/** When a file, or anything under a folder, last changed. Folders count too: their time changes when a file is removed. */
function newestMs(path) {
  const own = statSync(path, { throwIfNoEntry: false });
  if (own === undefined) return 0;
  if (!own.isDirectory()) return own.mtimeMs;
  return Math.max(own.mtimeMs, ...readdirSync(path, { recursive: true }).map((entry) => modifiedMs(join(path, entry))));
}

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
