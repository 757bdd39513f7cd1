import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { approvalsOf, person } from '../run/people.ts';
import { pythonPrograms } from '../systems/python-programs.ts';

/** What schemathesis looks for (https://schemathesis.readthedocs.io/en/stable/reference/checks/). */
const CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection';

export const PROPERTY_TOKENS = { API_OPERATOR: 'operator-of-the-property-test', API_APPROVER: 'approver-of-the-property-test' } as const;

/** headrace.yml of what is asked. */
export const PROPERTY_PROJECT = `serve:
  listen: 127.0.0.1:0
  rate_limit: 1000000
  tokens:
    - { name: operator, role: operator, token: "\${API_OPERATOR}" }
    - { name: approver, role: approver, token: "\${API_APPROVER}" }
${approvalsOf([person('erin'), person('dana')])}`;

/** Of its own accord it names mappings that are not there. Each of these requests asks Kafka. */
const OF_ACCOUNT = `
[[operations]]
include-path-regex = "/v1/mappings/{mapping}/(quarantine|status).*"
parameters = { "path.mapping" = "account" }
`;

const CONFIG = `
[[operations]]
include-operation-id = "approvePlan"
headers = { Authorization = "Bearer ${PROPERTY_TOKENS.API_APPROVER}" }
`;

/**
 * Requests that are made of the OpenAPI document: what was found, as schemathesis tells it; null for nothing. `folder` gets its configuration. With `seconds` it goes on until
 * they have passed, and also names a mapping that is there.
 */
export async function findFaults(
  address: string,
  folder: string,
  { examples, seed, seconds }: { readonly examples: number; readonly seed: number; readonly seconds?: number },
): Promise<string | null> {
  const schemathesis = path.join(await pythonPrograms('schemathesis'), 'schemathesis');
  const config = path.join(folder, 'schemathesis.toml');
  writeFileSync(config, seconds === undefined ? CONFIG : CONFIG + OF_ACCOUNT);
  const args = [
    '--config-file',
    config,
    'run',
    `${address}/v1/openapi.json`,
    '-H',
    `Authorization: Bearer ${PROPERTY_TOKENS.API_OPERATOR}`,
  ];
  const bounds = ['--checks', CHECKS, '--max-examples', String(examples), '--seed', String(seed), '--generation-database', 'none'];
  const time = seconds === undefined ? [] : ['--max-time', String(seconds)];
  const phases = ['--no-color', '--phases', 'examples,coverage,fuzzing'];
  const { stdout, code } = await promisify(execFile)(schemathesis, [...args, ...bounds, ...phases, ...time], {
    cwd: folder,
    maxBuffer: 64 << 20,
  }).then(
    (done) => ({ ...done, code: 0 }),
    (error: unknown) => error as { stdout: string; stderr: string; code: number },
  );
  return code === 0 ? null : stdout;
}
