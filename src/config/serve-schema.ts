// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { z } from 'zod';
import { integer, secretText, text } from './leaf.ts';
import { choice, duration, listenAddress, pem } from './scalars.ts';

export const API_ROLES = ['viewer', 'operator', 'approver'] as const;

/** The written form of headrace.yml's `serve`. */
export const serveSchema = z.strictObject({
  concurrency: integer(1, 1000).optional().meta({ description: 'Runs at a time, of all warehouses.', default: 8 }),
  jitter: duration('0ms', '1h')
    .optional()
    .meta({ description: 'Each mapping starts later than its schedule says by a part of this, always the same one.', default: '0s' }),
  grace: duration('1s', '1h').optional().meta({
    description: 'How long runs may take to come to an end after SIGTERM. Less than terminationGracePeriodSeconds of the pod.',
    default: '25s',
  }),
  retry: z
    .strictObject({
      attempts: integer(0, 100).optional().meta({ description: 'Attempts after the first one. 0: the next turn comes first.', default: 5 }),
      first: duration('100ms', '1h')
        .optional()
        .meta({ description: 'Wait before the first of them; each further one doubles it.', default: '5s' }),
      longest: duration('100ms', '1d').optional().meta({ description: 'The longest wait.', default: '5m' }),
    })
    .optional()
    .meta({
      description: 'What follows on a run that could not reach the warehouse, Kafka or the registry (exit code 3), and on no other.',
    }),
  alerts: z
    .strictObject({
      webhook: z
        .strictObject({
          url: secretText().meta({ description: 'Where changes of state are posted to, as JSON: ${VAR} or ${file:...} only.' }),
          headers: z
            .record(z.string(), secretText())
            .optional()
            .meta({ description: 'Further headers, as `Authorization`: ${VAR} or ${file:...} only.' }),
        })
        .optional()
        .meta({ description: 'Is told when a mapping fails, is blocked, is stale, and recovers.' }),
      failures: integer(1, 100).optional().meta({ description: 'Failed runs in a row from which on a mapping is failing.', default: 2 }),
      stale_after: duration('1s', '30d')
        .optional()
        .meta({ description: 'How long a mapping may be due without a run that is done, before it is stale.', default: '1h' }),
    })
    .optional()
    .meta({ description: 'When a mapping is failing or stale, for metrics and the webhook.' }),
  listen: listenAddress().optional().meta({
    description: 'Address of the HTTP API. One that is not of this machine alone needs tls and tokens.',
    default: '127.0.0.1:7420',
  }),
  probes: listenAddress().optional().meta({ description: 'A second address that has /healthz, /readyz and /metrics, and nothing else.' }),
  tls: z
    .strictObject({
      cert: pem(false).meta({ description: 'PEM text of the certificate: ${file:/run/secrets/tls.crt}.' }),
      key: pem(true).meta({ description: 'PEM text of its key: ${VAR} or ${file:...} only.' }),
    })
    .optional()
    .meta({ description: 'HTTPS in place of HTTP.' }),
  tokens: z
    .array(
      z.strictObject({
        name: text().meta({ description: 'Who holds it, for the log.' }),
        role: choice(API_ROLES).meta({
          description: 'viewer reads; operator also triggers, pauses and resumes; approver reads and approves.',
        }),
        token: secretText().meta({ description: '${VAR} or ${file:...} only; at least 16 characters.' }),
      }),
    )
    .optional()
    .meta({ description: 'Who may use the API. Without any only health and metrics can be asked for.' }),
  rate_limit: integer(1, 1_000_000).optional().meta({ description: 'Requests per minute and client.', default: 120 }),
});
