// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { z } from 'zod';
import { leaf, pattern, secretText, text, VARIABLE_PATTERN } from './leaf.ts';
import { choice, parseSize } from './scalars.ts';
import { warehouseTimeouts } from './warehouse-timeouts.ts';

/** A project's id, as `analytics-prod` or, of a domain, `example.com:analytics`. */
const projectId = () =>
  pattern(
    /^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
    "a project's id: 6 to 30 lower-case letters, digits and hyphens (not its name, nor its number)",
  );

/** A key or a value of a label. https://cloud.google.com/bigquery/docs/labels-intro#requirements */
const LABEL_KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;

const labels = () =>
  leaf<Readonly<Record<string, string>>>(
    (written) => {
      if (typeof written !== 'object' || written === null || Array.isArray(written))
        return { refused: 'is no list of labels', suggestion: 'Write key: value.' };
      const entries = Object.entries(written as Record<string, unknown>);
      const bad = entries.find(([key, value]) => !LABEL_KEY.test(key) || typeof value !== 'string' || !LABEL_VALUE.test(value));
      const suggestion = 'Keys and values have at most 63 lower-case letters, digits, `_` and `-`; a key begins with a letter.';
      if (bad !== undefined) return { refused: `holds a label that BigQuery does not take (\`${bad[0]}\`)`, suggestion, show: false };
      if (entries.some(([key]) => key.startsWith('headrace_')))
        return {
          refused: 'holds a label that Headrace sets itself',
          suggestion: 'Labels that begin with `headrace_` are its own.',
          show: false,
        };
      if (entries.length > 60) return { refused: 'holds more than 60 labels', show: false };
      return { value: Object.fromEntries(entries) as Record<string, string> };
    },
    { type: 'object', additionalProperties: { type: 'string' } },
  );

const bytes = () =>
  leaf<number>(
    (written) => {
      const size = typeof written === 'string' ? parseSize(written) : undefined;
      return size === undefined || size <= 0
        ? { refused: 'is not a size', suggestion: 'Write a whole number with a unit: 500 MB, 10 GB, 1 TB.' }
        : { value: size };
    },
    { type: 'string', pattern: `^\\d+\\s*([kKMGT]?i?B)$|${VARIABLE_PATTERN}` },
  );

/** Plain HTTP reaches no further than this machine: a token may go by it nowhere. */
const endpoint = () =>
  leaf<string>(
    (written) => {
      const url = typeof written === 'string' && URL.canParse(written) ? new URL(written) : undefined;
      const suggestion = 'Write https://host, for example that of a Private Service Connect endpoint.';
      if (url === undefined || !/^https?:$/.test(url.protocol))
        return { refused: 'is not an address of the form https://host', suggestion };
      if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '' || url.pathname !== '/')
        return { refused: 'must be an address without a path and without credentials', suggestion, show: false };
      if (url.protocol === 'http:' && !isThisMachine(url.hostname))
        return { refused: 'must begin with https://', suggestion: 'http:// is for an emulator on this machine (127.0.0.1) alone.' };
      return { value: url.origin };
    },
    { type: 'string' },
  );

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

export const bigquerySchema = z.strictObject({
  type: z.literal('bigquery').meta({ description: 'Google BigQuery.' }),
  ...warehouseTimeouts,
  project: projectId().meta({ description: 'Id of the project that queries run in, and that pays for them.' }),
  dataset: pattern(/^(?:(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]*\.)?[\p{L}\p{N}_]+$/u, 'a dataset, or project.dataset', 1100)
    .optional()
    .meta({ description: 'The dataset of tables that are named without one: dataset, or project.dataset.' }),
  location: pattern(/^[A-Za-z0-9-]+$/, 'a location, as EU, US or europe-west4', 60)
    .optional()
    .meta({ description: 'Where the datasets lie: EU, US, europe-west4 …' }),
  key_file: text().optional().meta({
    description:
      "The JSON file with a service account's key, relative to the project's folder. By default: application default credentials.",
  }),
  credentials: secretText().optional().meta({ description: 'In its place the JSON text itself: ${VAR} or ${file:...} only.' }),
  impersonate: pattern(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, "a service account's address")
    .optional()
    .meta({ description: 'The service account to act as: name@project.iam.gserviceaccount.com.' }),
  maximum_bytes_billed: bytes().optional().meta({ description: 'BigQuery refuses a query that would bill more: 10 GB.' }),
  labels: labels().optional().meta({ description: 'Labels of every job, for the bill; project, mapping, model and run are added.' }),
  priority: choice(['interactive', 'batch'])
    .optional()
    .meta({ description: 'Whether queries run at once, or when there is room.', default: 'interactive' }),
  api_endpoint: endpoint().optional().meta({ description: 'Another address of the API, without a path: https://host.' }),
});
