import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SchemaDocument } from '../contract/codec.ts';
import type { SchemaRegistry } from '../contract/registry.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Job } from './job.ts';

/**
 * Ids that the registry gave before, beside the local copy: with them a run does without a registry that is down. A cache: it may be lost. The registry is asked first
 * whenever it answers, so that one that was set up anew, with other ids, is noticed.
 */
const FILE = 'schema-ids.json';

type KnownIds = Readonly<Record<string, number>>;

/** Registers the schema, or (`register: false`) looks it up. Throws what the registry throws; SCHEMA_MISSING. */
export async function schemaId(job: Job, registry: SchemaRegistry, subject: string, schema: SchemaDocument): Promise<number> {
  const known = new KnownId(job, registry, subject, schema);
  return known.unlessUnreachable(async () => {
    const id = mayRegister(job) ? await registry.register(subject, schema, job.signal) : await lookedUp(job, registry, subject, schema);
    await known.remember(id);
    return id;
  });
}

/** Promise 7: for a plan, which registers and remembers nothing. A schema that a run would register has no id yet: 0 takes as many bytes. */
export async function plannedSchemaId(job: Job, registry: SchemaRegistry, subject: string, schema: SchemaDocument): Promise<number> {
  return new KnownId(job, registry, subject, schema).unlessUnreachable(async () =>
    mayRegister(job) ? ((await registry.lookUp(subject, schema, job.signal)) ?? 0) : lookedUp(job, registry, subject, schema),
  );
}

function mayRegister(job: Job): boolean {
  return job.project.registry?.register !== false;
}

async function lookedUp(job: Job, registry: SchemaRegistry, subject: string, schema: SchemaDocument): Promise<number> {
  const id = await registry.lookUp(subject, schema, job.signal);
  if (id !== undefined) return id;
  throw new HeadraceError(
    'SCHEMA_MISSING',
    `The schema of ${job.mapping.name} is not registered at ${registry.url} under subject ${subject}.`,
    {
      suggestion: `Register it (\`headrace contracts export ${job.mapping.name}\` writes it), or set registry.register to true. Nothing was published.`,
    },
  );
}

/** The id of one schema, as it was given before. */
class KnownId {
  readonly #job: Job;
  readonly #subject: string;
  readonly #file: string;
  readonly #key: string;

  constructor(job: Job, registry: SchemaRegistry, subject: string, schema: SchemaDocument) {
    this.#job = job;
    this.#subject = subject;
    this.#file = path.join(job.folder, FILE);
    this.#key = createHash('sha256')
      .update(JSON.stringify([registry.url, subject, schema.type, schema.text]))
      .digest('hex');
  }

  async unlessUnreachable(ask: () => Promise<number>): Promise<number> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'REGISTRY_UNREACHABLE') throw error;
      const id = (await readIds(this.#file))[this.#key];
      if (id === undefined) throw error;
      this.#job.progress.warn(
        `${this.#job.mapping.name}: ${error.message} The schema of ${this.#subject} was registered before, with id ${id}: going on with it`,
      );
      return id;
    }
  }

  async remember(id: number): Promise<void> {
    const known = await readIds(this.#file);
    if (known[this.#key] === id) return;
    const draft = `${this.#file}.${process.pid}`;
    await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    await writeFile(draft, `${JSON.stringify({ ...known, [this.#key]: id })}\n`, { mode: 0o600 });
    await rename(draft, this.#file);
  }
}

async function readIds(file: string): Promise<KnownIds> {
  try {
    const known: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof known === 'object' && known !== null ? (known as KnownIds) : {};
  } catch (error) {
    // Not there yet, or damaged: what is lost is asked for again.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
