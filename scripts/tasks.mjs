/** The tasks that package.json's scripts name. */
import process from 'node:process';
import { build, ensureBuilt } from './build.mjs';
import { check } from './check.mjs';
import { ensureInstalled } from './install.mjs';
import { runLive } from './live.mjs';
import { endLike, run, tool } from './process.mjs';
import { reportNoTests, runTests } from './tests.mjs';
import { runViews } from './views.mjs';

/** @type {Record<string, (args: string[]) => Promise<import('./process.mjs').Ending>>} */
const TASKS = {
  build: () => build(),
  check: (args) => check(args),
  test: (args) => afterBuild(() => runTests(args), reportNoTests),
  // Not by tsx's own program: it kills a child that is busy when Ctrl-C comes, and the demo has to clean up.
  demo: (args) => afterBuild(() => run(process.execPath, ['--import', 'tsx', 'demo/main.ts', ...args])),
  // The soak of single runs, or what the first argument names: `serve` (the daemon), `backfill`, `api` (requests), `helm` (Helm's lint of the chart),
  // `views` (fault tests with the view in each warehouse).
  'test:long': (args) => afterBuild(() => runLong(args)),
  'test:live': (args) => runLive(args),
  bench: (args) => afterBuild(() => run(...tool('tsx', 'bench/main.ts', ...args))),
};

const LONG = ['serve', 'backfill', 'api', 'helm'];

function runLong(args) {
  if (args[0] === 'views') return runViews(args.slice(1));
  return run(...tool('tsx', `test/long/${LONG.includes(args[0]) ? args[0] : 'soak'}.ts`, ...args));
}

/** Runs one task, and ends this process with its exit code or signal. */
export async function runTask(name, args) {
  const task = Object.hasOwn(TASKS, name ?? '') ? TASKS[name] : undefined;
  if (task === undefined) {
    console.error(`Unknown task ${name ?? '(none)'}. Usage: node scripts/bootstrap.mjs <${Object.keys(TASKS).join('|')}> [arguments]`);
    process.exitCode = 2;
    return;
  }
  const installed = await ensureInstalled();
  endLike(installed.code === 0 ? await task(args) : installed);
}

async function afterBuild(task, notStarted) {
  const built = await ensureBuilt();
  if (built.code === 0) return task();
  console.error('The build failed, so the task was not started.');
  notStarted?.();
  return built;
}
