import { randomBytes } from 'node:crypto';
import type { BigQueryConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { ViewPlace } from '../../core/view-tables.ts';
import { droppedTables, type Presence, type ViewDialect, type ViewEngine, type ViewSession } from '../view-engine.ts';
import { viewNames } from '../view-names.ts';
import type { BigQueryConnection } from './connection.ts';
import { isNotFound } from './errors.ts';
import { ANSWER_MS, type JobQuery } from './jobs.ts';
import { QueryResult, runStatement } from './results.ts';
import type { ApiRow } from './rows.ts';
import { grantTexts, viewDialect } from './view-ddl.ts';
import { BigQueryViewSession, type ViewJobs } from './view-session.ts';

/** Of a table that is there. https://cloud.google.com/bigquery/docs/access-control#bq-permissions */
const NEEDED = ['bigquery.tables.getData', 'bigquery.tables.updateData'];

/** A view's tables in BigQuery. Nothing is open between calls. */
export class BigQueryViewEngine implements ViewEngine {
  readonly dialect: ViewDialect;
  readonly #connection: BigQueryConnection;
  readonly #config: BigQueryConfig;
  readonly #place: ViewPlace;
  /** Tables that rows were brought in, which nobody else knows. */
  readonly #staged = new Set<string>();
  #located: Promise<BigQueryConfig> | undefined;

  constructor(connection: BigQueryConnection, config: BigQueryConfig, place: ViewPlace) {
    this.#connection = connection;
    this.#config = config;
    this.#place = place;
    const { state } = viewNames(place);
    const own = randomBytes(6).toString('hex');
    this.dialect = viewDialect(config, (name) => {
      const { quoteName } = this.dialect;
      return `${this.dialect.names(place).schema}.${quoteName(`${state.replace(/_state$/, '')}_${name}_${own}`)}`;
    });
  }

  get address(): string {
    return viewAddress(this.#connection, this.#place);
  }

  async use<T>(work: (session: ViewSession) => Promise<T>): Promise<T> {
    try {
      const config = await this.#locate();
      const session = new BigQueryViewSession(this.#jobs(config), (name) => {
        const table = this.dialect.staged(name);
        this.#staged.add(table);
        return table;
      });
      return await work(session);
    } catch (error) {
      throw this.#deniedError(viewError(error, this.#connection, this.#place));
    }
  }

  async presence(): Promise<Presence> {
    const { state, entries, rows } = viewNames(this.#place);
    const [hasState, hasEntries, hasRows] = await Promise.all([state, entries, rows].map((table) => this.#hasTable(table)));
    return { views: hasState === true, entries: hasEntries === true, rows: hasRows === true };
  }

  /** What is there stays there; BigQuery would put a dataset of which nobody says where into the United States. */
  async creating(_: ViewSession, work: () => Promise<void>): Promise<void> {
    if ((await this.#locate()).dataLocation === undefined) throw this.#nowhere();
    await work();
  }

  async checkRights(): Promise<void> {
    const { schema, entries } = viewNames(this.#place);
    const uri = `/datasets/${schema}/tables/${entries}:testIamPermissions`;
    const answer = await unlessNotFound(
      this.#connection.call({ method: 'POST', uri, json: { permissions: NEEDED } }, { limitMs: ANSWER_MS }),
    );
    if (answer === undefined) return;
    const given = Array.isArray(answer.body.permissions) ? (answer.body.permissions as readonly unknown[]) : [];
    const missing = NEEDED.filter((permission) => !given.includes(permission));
    if (missing.length > 0) throw this.#denied(`it lacks ${missing.join(' and ')} on ${entries}.`);
  }

  async close(): Promise<void> {
    const drops = [...this.#staged].map((table) => `drop table if exists ${table};`);
    this.#staged.clear();
    if (drops.length === 0) return;
    // They go by themselves a day later.
    await this.use((session) => session.change(drops.join('\n'))).catch(() => undefined);
  }

  #jobs(config: BigQueryConfig): ViewJobs {
    const { project, mapping } = this.#place;
    const { signal } = new AbortController();
    const request = (query: JobQuery) => ({ connection: this.#connection, config, signal, purpose: { project, mapping }, query });
    return {
      rows: async (query) => {
        const rows: ApiRow[] = [];
        for await (const page of new QueryResult(request(query)).pages()) rows.push(...page);
        return rows;
      },
      run: (text, parameters) => runStatement(request({ text, parameters })),
    };
  }

  /** The configuration of the jobs: they run where the dataset lies, or where it will, name every table in full, and never wait as queries of the priority `batch` do. */
  #locate(): Promise<BigQueryConfig> {
    this.#located ??= this.#findLocation().then((dataLocation) => ({
      ...this.#config,
      dataLocation,
      dataset: undefined,
      priority: 'interactive',
    }));
    this.#located.catch(() => {
      this.#located = undefined;
    });
    return this.#located;
  }

  async #findLocation(): Promise<string | undefined> {
    const { dataLocation, dataset, project } = this.#config;
    const { schema } = this.#place;
    const own = await unlessNotFound(this.#locationOf(project, schema));
    if (own === undefined)
      return dataLocation ?? (dataset && (await unlessNotFound(this.#locationOf(dataset.projectId, dataset.datasetId))));
    if (dataLocation === undefined || dataLocation.toLowerCase() === own.toLowerCase()) return own;
    throw new HeadraceError(
      'CONFIG_INVALID',
      `The dataset ${schema} of project ${project} lies in ${own}, and \`location\` is ${dataLocation}.`,
      {
        suggestion: `A query reads what lies in one place: correct \`location\`, or name another dataset by \`snapshot.schema\`. Nothing was changed.`,
      },
    );
  }

  async #locationOf(projectId: string, datasetId: string): Promise<string | undefined> {
    const uri = `/datasets/${encodeURIComponent(datasetId)}`;
    const { body } = await this.#connection.call({ method: 'GET', uri, projectId }, { limitMs: ANSWER_MS });
    return typeof body.location === 'string' ? body.location : undefined;
  }

  async #hasTable(table: string): Promise<boolean> {
    const uri = `/datasets/${this.#place.schema}/tables/${table}`;
    const found = await unlessNotFound(this.#connection.call({ method: 'GET', uri, qs: { fields: 'id' } }, { limitMs: ANSWER_MS }));
    return found !== undefined;
  }

  #nowhere(): HeadraceError {
    return new HeadraceError('CONFIG_INVALID', `Nothing says where the dataset ${this.#place.schema} is to lie.`, {
      suggestion: 'Set `location` of the warehouse to where the datasets of the models lie: EU, US, europe-west4 … Nothing was changed.',
    });
  }

  #deniedError(error: unknown): unknown {
    return error instanceof HeadraceError && error.code === 'WAREHOUSE_DENIED' ? this.#denied(error.message, error) : error;
  }

  #denied(why: string, cause?: HeadraceError): HeadraceError {
    const { account = 'the account' } = this.#connection.context;
    const grants = grantTexts(this.#config, [this.#place], account.includes('@') ? account : 'serviceAccount:ACCOUNT');
    return new HeadraceError('WAREHOUSE_DENIED', `The view in ${this.address} cannot be created or written to as ${account}: ${why}`, {
      suggestion: `Run what \`headrace state ddl\` prints as somebody who may create the dataset; or grant: ${grants.join('; ')}. Or set \`snapshot.view: local\`.`,
      cause,
    });
  }
}

export function viewAddress({ context }: BigQueryConnection, { schema }: ViewPlace): string {
  return `dataset ${schema} of BigQuery at ${context.address}, project ${context.project}`;
}

/** What a statement on a view's tables fails with, where they are not there any more, or elsewhere; any other error as it is. */
export function viewError(error: unknown, connection: BigQueryConnection, place: ViewPlace): unknown {
  if (!isNotFound(error)) return error;
  const { message } = error as HeadraceError;
  const withPoints = (text: string) => text.replaceAll(/(?<=\S):(?=\S)/g, '.');
  const named = withPoints(message);
  const dataset = withPoints(`${connection.context.project}:${place.schema}`);
  if (named.includes(`Table ${dataset}.`)) return droppedTables(viewAddress(connection, place), error);
  if (!named.includes(`Dataset ${dataset} `)) return error;
  return new HeadraceError('QUERY_INVALID', `The dataset of the view was dropped, or lies elsewhere than the model's: ${message}`, {
    suggestion: 'A query reads what lies in one place: name a dataset where the models lie by `snapshot.schema`. Nothing was changed.',
    cause: error,
  });
}

async function unlessNotFound<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
