/** Keeps node_modules at what package-lock.json says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT, run, SUCCESS } from './process.mjs';

/** Runs `npm ci` unless what is installed is what the lock file asks for. */
export async function ensureInstalled() {
  if (isInstalled()) return SUCCESS;
  console.error('Installing dependencies (npm ci) …');
  return run(...npm('ci', '--no-audit', '--no-fund'));
}

/**
 * Compares package-lock.json with npm's own record of what it installed, node_modules/.package-lock.json, which npm writes last. So an interrupted install,
 * a production install and a lock file changed by a pull are seen, and an `npm install` by hand counts as installed.
 */
function isInstalled() {
  const wanted = readPackages('package-lock.json');
  const found = readPackages('node_modules/.package-lock.json');
  if (wanted === undefined || found === undefined) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const installed = found[path];
    // Optional packages are binaries of other platforms.
    if (installed === undefined) return optional === true;
    return installed.version === version && installed.integrity === integrity;
  });
}

function readPackages(file) {
  let text;
  try {
    text = readFileSync(join(ROOT, file), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text).packages;
}

/** npm as it was called, or the one in PATH where this script was called without it. */
function npm(...args) {
  const called = process.env.npm_execpath;
  return called !== undefined && /npm-cli\.c?js$/.test(called) ? [process.execPath, [called, ...args]] : ['npm', args];
}
