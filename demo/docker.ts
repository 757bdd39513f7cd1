import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { freePort } from '../test/systems/free-port.ts';
import { outputOf } from './programs.ts';

const run = promisify(execFile);

/** A container that is gone when it is stopped. */
export interface Container {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Runs an image with one of its ports on a free port of 127.0.0.1. `settings` are its environment variables, which may need the port.
 * Throws an Error with the end of docker's output.
 */
export async function startContainer(
  image: string,
  containerPort: number,
  settings: (port: number) => Readonly<Record<string, string>>,
): Promise<Container> {
  const port = await freePort();
  const name = `headrace-demo-${randomBytes(4).toString('hex')}`;
  const environment = Object.entries(settings(port)).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
  try {
    await run('docker', ['run', '--detach', '--rm', '--name', name, '-p', `127.0.0.1:${port}:${containerPort}`, ...environment, image]);
  } catch (error) {
    throw new Error(`docker run ${image} failed:\n${outputOf(error)}`);
  }
  return {
    port,
    stop: async () => {
      await run('docker', ['rm', '--force', '--volumes', name]);
    },
  };
}

/** Asks twice a second until it answers. Throws an Error after a minute. */
export async function untilReady(what: string, answers: () => Promise<unknown>): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; ) {
    try {
      await answers();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${what} did not answer within a minute: ${outputOf(error)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
