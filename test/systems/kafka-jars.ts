import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const cache = join(here, '..', '..', '.cache', 'kafka-4.3.1');

/** The folder of this system's own files: pom.xml with the pinned versions, and the log settings. */
export const kafkaFiles = join(here, 'kafka');

/**
 * The class path (`…/libs/*`) of Apache Kafka 4.3.1 and its command line tools, fetched by Maven at first use (17 s, 55 MB) and kept in `.cache/`.
 * Two processes may ask at once: each builds in a folder of its own, the first to finish puts it in place.
 * @throws Error that says what to install where java or mvn is missing.
 */
export async function kafkaClassPath(): Promise<string> {
  await requireProgram('java', ['-version'], 'Java 17 or later (Debian: apt-get install openjdk-17-jre-headless)');
  const libs = join(cache, 'libs');
  if (await exists(libs)) return join(libs, '*');
  await requireProgram('mvn', ['-v'], 'Maven (Debian: apt-get install maven)');
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(join(cache, 'fetching-'));
  try {
    const args = ['-q', '-B', '-f', join(kafkaFiles, 'pom.xml'), 'dependency:copy-dependencies', '-DincludeScope=runtime'];
    await run('mvn', [...args, `-DoutputDirectory=${join(temporary, 'libs')}`], { maxBuffer: 16 << 20 }).catch((error: unknown) => {
      const output = error as { stdout?: string; stderr?: string };
      throw new Error(`Maven could not fetch Apache Kafka (${join(kafkaFiles, 'pom.xml')}):\n${output.stdout ?? ''}${output.stderr ?? ''}`);
    });
    await rename(join(temporary, 'libs'), libs).catch(async (error: unknown) => {
      if (!(await exists(libs))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return join(libs, '*');
}

async function requireProgram(program: string, args: string[], what: string): Promise<void> {
  await run(program, args).catch((error: unknown) => {
    throw new Error(
      `The test broker needs ${what}; running "${program}" failed: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
