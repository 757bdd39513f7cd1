import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What the demo can use, and may do, on this machine. */
export interface Machine {
  /** Major version of `java`; undefined where there is none. */
  readonly java: number | undefined;
  readonly maven: boolean;
  /** Kafka was fetched before. */
  readonly kafkaFetched: boolean;
  /** A Docker engine answers. */
  readonly docker: boolean;
  /** Root on Debian or Ubuntu: packages can be installed. */
  readonly apt: boolean;
}

export async function lookAtMachine(): Promise<Machine> {
  const [java, maven, docker] = await Promise.all([
    run('java', ['-version']).then(
      ({ stdout, stderr }) => javaMajor(`${stdout}${stderr}`),
      () => undefined,
    ),
    succeeds('mvn', ['-v']),
    succeeds('docker', ['info']),
  ]);
  return { java, maven, kafkaFetched: isKafkaFetched(), docker, apt: process.getuid?.() === 0 && isDebian() };
}

/** `openjdk version "17.0.9" …` → 17, `java version "1.8.0_402"` → 8 */
export function javaMajor(output: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? [];
  if (first === undefined) return undefined;
  return first === '1' && second !== undefined ? Number(second) : Number(first);
}

/** Installs Debian packages, saying so: the output goes to this terminal. */
export async function installPackages(packages: readonly string[], say: (text: string) => void): Promise<void> {
  say(`Installing ${packages.join(' and ')} with apt-get …`);
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 64 << 20 };
  await run('apt-get', ['update', '-q'], options);
  await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], options);
}

/** The newest Java of this Debian or Ubuntu that Kafka runs on. */
export async function javaPackage(): Promise<string> {
  const known = await run('apt-cache', ['show', 'openjdk-17-jre-headless']).then(
    ({ stdout }) => stdout !== '',
    () => false,
  );
  return known ? 'openjdk-17-jre-headless' : 'default-jre-headless';
}

/** The last lines of what a program printed before it failed. */
export function outputOf(error: unknown): string {
  const { stdout = '', stderr = '', message = '' } = error as { stdout?: string; stderr?: string; message?: string };
  return `${stdout}${stderr}`.trim().split('\n').slice(-15).join('\n') || message;
}

function isKafkaFetched(): boolean {
  const cache = join(ROOT, '.cache');
  return existsSync(cache) && readdirSync(cache).some((name) => name.startsWith('kafka-') && existsSync(join(cache, name, 'libs')));
}

function isDebian(): boolean {
  try {
    return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

function succeeds(program: string, args: string[]): Promise<boolean> {
  return run(program, args, { timeout: 20_000 }).then(
    () => true,
    () => false,
  );
}
