import type { ErrorCode } from '../../core/errors.ts';

/** Where an error happened, for its message; never holds a secret. */
export interface ErrorContext {
  readonly address: string;
  /** That pays for jobs. */
  readonly project: string;
  readonly location: string | undefined;
  /** The account that asks, where it is known. */
  readonly account: string | undefined;
  readonly statementTimeoutMs: number;
  readonly maximumBytesBilled: number | undefined;
  /** Analysing a query reads no row, so that what BigQuery says of it cannot quote one. */
  readonly isAnalysis?: boolean | undefined;
  /** How many lines of our own stand before the model's query in the text that was sent. */
  readonly linesBefore?: number | undefined;
}

export const RAISE_TIMEOUT = 'Raise `statement_timeout` of the warehouse, or make the query faster: a partition filter, a smaller model.';

/** What a reason of BigQuery means for a person. https://cloud.google.com/bigquery/docs/error-messages */
export interface Report {
  readonly reasons: readonly string[];
  readonly statuses?: readonly number[];
  readonly code: ErrorCode;
  says(context: ErrorContext): string;
  /** BigQuery's own words name objects and limits, never a value of a row. */
  readonly hasSafeMessage: boolean;
  suggestion(context: ErrorContext, message: string): string;
}

export const TRANSIENT: Report = {
  reasons: ['backendError', 'internalError', 'jobBackendError', 'jobInternalError'],
  code: 'WAREHOUSE_UNREACHABLE',
  says: ({ address }) => `BigQuery at ${address} could not answer`,
  hasSafeMessage: false,
  suggestion: () => 'Nothing was changed, and nothing that was read is taken for the whole. The next run reads again.',
};

export const REPORTS: readonly Report[] = [
  TRANSIENT,
  {
    reasons: ['accessDenied', 'forbidden', 'insufficientPermissions'],
    code: 'WAREHOUSE_DENIED',
    says: ({ account }) => `BigQuery denies ${account ?? 'the account'} what it asks for`,
    hasSafeMessage: true,
    suggestion: missingGrant,
  },
  {
    reasons: ['accessNotConfigured', 'SERVICE_DISABLED'],
    code: 'WAREHOUSE_DENIED',
    says: ({ project }) => `BigQuery is not enabled in project ${project}`,
    hasSafeMessage: false,
    suggestion: ({ project }) => `Enable it: gcloud services enable bigquery.googleapis.com --project=${project}`,
  },
  {
    reasons: ['billingNotEnabled', 'billingTierLimitExceeded'],
    code: 'WAREHOUSE_DENIED',
    says: ({ project }) => `Project ${project} cannot pay for the query`,
    hasSafeMessage: true,
    suggestion: () => 'Link a billing account to `project`, or name another one.',
  },
  {
    reasons: ['vpcServiceControls', 'policyViolation'],
    code: 'WAREHOUSE_DENIED',
    says: () => 'A perimeter of VPC Service Controls shuts this machine out',
    hasSafeMessage: false,
    suggestion: () => 'Run inside the perimeter, or ask its owner for an ingress rule for the account and bigquery.googleapis.com.',
  },
  {
    reasons: ['bytesBilledLimitExceeded'],
    code: 'QUERY_INVALID',
    says: () => 'BigQuery did not run the query, because it would bill more than `maximum_bytes_billed` allows',
    hasSafeMessage: true,
    suggestion: () =>
      'Nothing was billed. `headrace plan` shows what a scan reads. Read less (fewer columns, a cursor on the partitioning column), or raise `maximum_bytes_billed`.',
  },
  {
    reasons: ['quotaExceeded', 'rateLimitExceeded', 'jobRateLimitExceeded', 'userRateLimitExceeded'],
    statuses: [429],
    code: 'WAREHOUSE_UNREACHABLE',
    says: ({ project }) => `BigQuery takes no more work of project ${project} now`,
    hasSafeMessage: true,
    suggestion: () =>
      'Nothing was changed. Wait, or raise the quota that the message names (IAM & Admin, Quotas). The next run reads again.',
  },
  {
    reasons: ['responseTooLarge'],
    code: 'QUERY_INVALID',
    says: () => 'The result is larger than BigQuery returns (10 GB, compressed)',
    hasSafeMessage: false,
    suggestion: () => 'Read fewer columns, or divide the model: one per range of keys.',
  },
  {
    reasons: ['resourcesExceeded'],
    code: 'WAREHOUSE_FAILED',
    says: () => 'The query needs more memory than BigQuery gives it',
    hasSafeMessage: false,
    suggestion: () =>
      "Build the model as a table, so that Headrace only reads it; a behavior mapping's order by (occurred_at, identity) also needs memory.",
  },
  {
    reasons: ['timeout'],
    code: 'WAREHOUSE_TIMEOUT',
    says: ({ statementTimeoutMs }) => `BigQuery stopped the query after the statement timeout of ${statementTimeoutMs} ms`,
    hasSafeMessage: false,
    suggestion: () => RAISE_TIMEOUT,
  },
  {
    reasons: ['stopped'],
    code: 'WAREHOUSE_FAILED',
    says: () => 'The job was cancelled in BigQuery, or reached its timeout there',
    hasSafeMessage: false,
    suggestion: () => 'Nothing was changed. The next run reads again; the job list of the project says who cancelled it.',
  },
  {
    reasons: ['duplicate'],
    code: 'WAREHOUSE_FAILED',
    says: () => 'BigQuery has a job of that id already',
    hasSafeMessage: false,
    suggestion: () => 'Run again.',
  },
  {
    reasons: ['tableUnavailable', 'resourceInUse'],
    code: 'WAREHOUSE_FAILED',
    says: () => 'A table of the query cannot be read now',
    hasSafeMessage: true,
    suggestion: () => 'Run again later.',
  },
];

export const BY_STATUS: readonly Report[] = [
  {
    reasons: [],
    statuses: [401],
    code: 'WAREHOUSE_UNREACHABLE',
    says: ({ address, account }) => `BigQuery at ${address} refuses the credentials of ${account ?? 'the account'}`,
    hasSafeMessage: false,
    suggestion: () =>
      'They are expired, revoked, or of another universe: make new ones, or log in again (gcloud auth application-default login).',
  },
  ...REPORTS.filter(({ statuses }) => statuses !== undefined),
  { ...(REPORTS[1] as Report), statuses: [403] },
];

/** The command that gives the missing right, as far as BigQuery's message names it. https://cloud.google.com/bigquery/docs/access-control */
function missingGrant({ project, account }: ErrorContext, message: string): string {
  const [, permission] = /(?:does not have|Permission|permission) (bigquery\.[A-Za-z.]+)/.exec(message) ?? [];
  const [, table] = /Table ([^\s:]+(?::[^\s:]+)+)/.exec(message) ?? [];
  const member = `serviceAccount:${account ?? 'ACCOUNT'}`;
  if (permission === 'bigquery.jobs.create')
    return `Grant it the right to run jobs: gcloud projects add-iam-policy-binding ${project} --member=${member} --role=roles/bigquery.jobUser`;
  if (table !== undefined || permission?.startsWith('bigquery.tables.') === true || permission?.startsWith('bigquery.datasets.') === true) {
    const what = permission ?? 'bigquery.tables.getData';
    return `Grant it ${what}${table === undefined ? '' : ` on ${table.replace(':', '.')}`}: the role BigQuery Data Viewer (roles/bigquery.dataViewer) of the dataset has it. A table that does not exist gives the same answer.`;
  }
  if (/Drive/.test(message)) return 'The table lies in Google Drive: share the file with the account.';
  if (/row.level|policy tag|column/i.test(message))
    return 'Columns with policy tags need the role Fine-Grained Reader (roles/datacatalog.categoryFineGrainedReader).';
  return `Grant it ${permission ?? 'the right that the message names'}.`;
}
