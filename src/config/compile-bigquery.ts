// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { resolve } from 'node:path';
import type { z } from 'zod';
import type { Problem } from '../core/problem.ts';
import type { bigquerySchema } from './bigquery-schema.ts';
import type { SourceDocument } from './document.ts';
import type { BigQueryConfig } from './project.ts';

/** What headrace.yml says of a BigQuery warehouse; undefined where it is reported as a problem. */
export function compileBigQuery(
  common: Pick<BigQueryConfig, 'name' | 'location' | 'statementTimeoutMs' | 'connectTimeoutMs'>,
  written: z.output<typeof bigquerySchema>,
  document: SourceDocument,
  root: string,
  report: (problem: Problem) => void,
): BigQueryConfig | undefined {
  const complain = (key: string, message: string, suggestion?: string): undefined =>
    report(document.problem(['warehouses', common.name, key], message, suggestion)) as undefined;
  const { project, key_file: keyFile, credentials: text, impersonate, api_endpoint: apiEndpoint } = written;
  if (keyFile !== undefined && text !== undefined)
    return complain(
      'credentials',
      '`credentials` and `key_file` exclude each other.',
      'Write one of them, or neither for application default credentials.',
    );
  const isEmulator = apiEndpoint?.startsWith('http://') === true;
  if (isEmulator && (keyFile ?? text ?? impersonate) !== undefined)
    return complain(
      'api_endpoint',
      'Credentials are not sent by plain HTTP.',
      'Write https://, or leave the credentials out: an emulator needs none.',
    );
  const key = text === undefined ? undefined : parsedKey(text);
  if (text !== undefined && key === undefined)
    return complain(
      'credentials',
      '`credentials` is not the JSON text of a key.',
      'Write ${file:/run/secrets/key.json}, or `key_file` with its path.',
    );
  return {
    ...common,
    type: 'bigquery',
    project,
    dataset: written.dataset === undefined ? undefined : datasetOf(written.dataset, project),
    dataLocation: written.location,
    credentials: credentialsOf(keyFile === undefined ? undefined : resolve(root, keyFile), key, isEmulator),
    impersonate,
    maximumBytesBilled: written.maximum_bytes_billed,
    labels: written.labels ?? {},
    priority: written.priority ?? 'interactive',
    apiEndpoint,
  };
}

function credentialsOf(
  path: string | undefined,
  key: Readonly<Record<string, unknown>> | undefined,
  isEmulator: boolean,
): BigQueryConfig['credentials'] {
  if (path !== undefined) return { kind: 'key_file', path };
  if (key !== undefined) return { kind: 'key', key };
  return { kind: isEmulator ? 'none' : 'default' };
}

function parsedKey(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    // The parser's message would quote the key.
    return undefined;
  }
}

/** A domain's project holds points itself: the dataset stands behind the last one. */
function datasetOf(written: string, project: string): NonNullable<BigQueryConfig['dataset']> {
  const point = written.lastIndexOf('.');
  return point < 0
    ? { projectId: project, datasetId: written }
    : { projectId: written.slice(0, point), datasetId: written.slice(point + 1) };
}
