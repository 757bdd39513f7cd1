import { HeadraceError } from '../../core/errors.ts';
import type { ErrorContext } from './reports.ts';

const LOG_IN =
  'On a machine of Google Cloud attach a service account; elsewhere set GOOGLE_APPLICATION_CREDENTIALS, run `gcloud auth application-default login`, or give the warehouse `key_file`.';

/**
 * What google-auth-library says before any request of ours is sent; undefined for anything else. Its errors carry requests with tokens, and parts of key files: nothing
 * of them is passed on but words of our own.
 */
export function credentialsError(error: unknown, { account, address }: ErrorContext): HeadraceError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { message } = error;
  const refused = (says: string, suggestion: string, word: string) =>
    new HeadraceError('WAREHOUSE_UNREACHABLE', says, { suggestion, cause: new Error(word) });
  if (/Could not load the default credentials/.test(message))
    return refused(`There are no credentials for BigQuery at ${address}.`, LOG_IN, 'no default credentials');
  if (/unable to impersonate/.test(message)) {
    const isDenied = /PERMISSION_DENIED|403|iam\.serviceAccounts\.getAccessToken/.test(message);
    return new HeadraceError(
      isDenied ? 'WAREHOUSE_DENIED' : 'WAREHOUSE_UNREACHABLE',
      `Google refuses to let this account act as ${account}.`,
      {
        suggestion: `Grant it the role Service Account Token Creator there: gcloud iam service-accounts add-iam-policy-binding ${account} --member=MEMBER --role=roles/iam.serviceAccountTokenCreator. Check \`impersonate\`, too.`,
        cause: new Error('impersonation refused'),
      },
    );
  }
  if (/ENOENT|EACCES|does not exist/.test(message))
    return refused(
      "The credentials' file cannot be read.",
      'Check `key_file`, or GOOGLE_APPLICATION_CREDENTIALS, and the permissions of the file.',
      'unreadable file',
    );
  if (error instanceof SyntaxError || /client_email|private_key|JSON|unsupported|DECODER|asn1|PEM/i.test(message))
    return refused(
      "The credentials are no service account's key in JSON.",
      'Check `key_file` or `credentials`: the JSON file that Google gives for a key.',
      'unreadable key',
    );
  const grant = grantError(error);
  if (grant !== undefined) {
    return refused(
      `Google refuses the credentials of ${account ?? 'the account'} (${grant}).`,
      "The key is revoked or expired, the account disabled, or this machine's clock is wrong: make a new key, or log in again (gcloud auth application-default login).",
      grant,
    );
  }
  return undefined;
}

/** `invalid_grant` and its like: the answer of the token endpoint (RFC 6749, section 5.2). */
function grantError(error: Error): string | undefined {
  const data =
    'response' in error && typeof error.response === 'object' && error.response !== null
      ? (error.response as { data?: unknown }).data
      : undefined;
  const word = typeof data === 'object' && data !== null && 'error' in data ? data.error : undefined;
  if (typeof word === 'string' && /^[a-z_]{3,40}$/.test(word)) return word;
  return /\b(invalid_grant|invalid_client|unauthorized_client|invalid_rapt|invalid_scope)\b/.exec(error.message)?.[1];
}
