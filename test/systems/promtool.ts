import { execFile } from 'node:child_process';

/** Runs Prometheus' own checker, and returns what it says; `input` is its standard input. Throws with what it says where it is not content, or not installed. */
export function promtool(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('promtool', args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr);
      else if (error.code === 'ENOENT') reject(new Error('promtool is needed for this test: CONTRIBUTING.md; .ci/run installs it.'));
      else reject(new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`));
    });
    child.stdin?.end(input);
  });
}
