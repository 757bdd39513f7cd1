import type { TestProject } from 'vitest/node';
import { startKafka } from './kafka.ts';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** host:port of the broker that all service tests share; a test keeps to topics of its own. */
    kafkaBrokers: string;
    /** postgres:// URL of a superuser; a test makes a database or schema of its own. */
    postgresUrl: string;
  }
}

/** Starts the real services once for all service tests, and ends them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [kafka, postgres] = await Promise.all([startKafka(), startPostgres()]);
  project.provide('kafkaBrokers', kafka.brokers);
  project.provide('postgresUrl', postgres.url);
  return async () => {
    await Promise.all([kafka.stop(), postgres.stop()]);
  };
}
