/**
 * Runs a task of this repository on a fresh clone or an old one: installs what package-lock.json asks for if it is not there yet, builds
 * dist/ if a source is newer, then runs the task with this terminal and ends as the task ended.
 *
 *     node scripts/bootstrap.mjs <build|check|test|test:long|test:live|demo|bench> [arguments of the task]
 *
 * Plain JavaScript with old syntax and no dependencies, so that an old Node gets the message below rather than a syntax error.
 */
import process from 'node:process';

const OLDEST_NODE = [20, 19];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  console.error(`Headrace needs Node ${OLDEST_NODE.join('.')} or newer; this is Node ${process.versions.node} (${process.execPath}).`);
  console.error('Install a newer Node, or put it first in PATH, and run the command again.');
  process.exit(1);
}

// Imported only now: these files may use what an old Node does not know.
const { runTask } = await import('./tasks.mjs');
await runTask(process.argv[2], process.argv.slice(3));
