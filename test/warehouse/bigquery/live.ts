import { randomBytes } from 'node:crypto';
import { BigQuery } from '@google-cloud/bigquery';
import type { BigQueryConfig } from '../../../src/config/project.ts';

export interface LiveDataset {
  readonly config: BigQueryConfig;
  execute(sql: string): Promise<void>;
  /** Drops it. */
  stop(): Promise<void>;
}

/** A dataset in a project of Google's, made for these tests (scripts/live.mjs names the variables). */
export async function openLiveDataset(): Promise<LiveDataset> {
  const config = liveConfig(process.env);
  const { BIGQUERY_KEY_FILE: keyFilename } = process.env;
  const owner = new BigQuery({ projectId: config.project, ...(keyFilename === undefined ? {} : { keyFilename }) });
  const datasetId = config.dataset?.datasetId ?? '';
  const run = async (sql: string, inDataset: boolean): Promise<void> => {
    const [job] = await owner.createQueryJob({
      query: sql,
      ...(config.dataLocation === undefined ? {} : { location: config.dataLocation }),
      ...(inDataset ? { defaultDataset: { projectId: config.project, datasetId } } : {}),
    });
    await job.getQueryResults();
  };
  const place = config.dataLocation === undefined ? '' : ` options (location = '${config.dataLocation}')`;
  await run(`create schema ${datasetId}${place}`, false);
  return { config, execute: (sql) => run(sql, true), stop: () => run(`drop schema ${datasetId} cascade`, false) };
}

function liveConfig(env: NodeJS.ProcessEnv): BigQueryConfig {
  const project = env.BIGQUERY_PROJECT ?? '';
  const { BIGQUERY_KEY_FILE: path } = env;
  return {
    type: 'bigquery',
    name: 'live',
    location: { file: 'environment' },
    project,
    dataset: { projectId: project, datasetId: `headrace_live_${randomBytes(6).toString('hex')}` },
    dataLocation: env.BIGQUERY_LOCATION,
    credentials: path === undefined ? { kind: 'default' } : { kind: 'key_file', path },
    impersonate: env.BIGQUERY_IMPERSONATE,
    maximumBytesBilled: 1_000_000_000,
    labels: { purpose: 'headrace-live-test' },
    priority: 'interactive',
    statementTimeoutMs: 120_000,
    connectTimeoutMs: 30_000,
  };
}
