import type { KafkaConfig } from '../../config/project.ts';
import { type ErrorCode, HeadraceError } from '../../core/errors.ts';
import { denial } from '../denial.ts';
import { type Grant, grantsThatAllow, type Operation } from '../grants.ts';

/** What was being done when an error came, to name it and the grant that it needs. */
export interface KafkaContext {
  readonly config: KafkaConfig;
  /** What failed, as the start of a sentence: `Opening a producer`. */
  readonly action: string;
  readonly topic?: string | undefined;
  /** The operation on the topic. */
  readonly operation?: Operation | undefined;
  readonly transactionalId?: string | undefined;
  /** What the names of the groups begin with. */
  readonly group?: string | undefined;
  /** What the principal ought to have: a refusal is told as what of this is missing. */
  readonly grants?: readonly Grant[] | undefined;
}

interface Rule {
  readonly code: ErrorCode;
  readonly suggestion?: (context: KafkaContext) => string;
}

/** Refusals for want of a grant, and which one would have been enough. */
const REFUSED: Readonly<Record<string, (context: KafkaContext) => Grant>> = {
  TOPIC_AUTHORIZATION_FAILED: ({ topic = '<topic>', operation = 'Write' }) => ({
    resource: 'topic',
    name: topic,
    pattern: 'literal',
    operation,
  }),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: ({ transactionalId = '<transactional id>' }) => ({
    resource: 'transactional-id',
    name: transactionalId,
    pattern: 'literal',
    operation: 'Write',
  }),
  GROUP_AUTHORIZATION_FAILED: ({ group = '<group>' }) => ({ resource: 'group', name: group, pattern: 'prefixed', operation: 'Read' }),
  CLUSTER_AUTHORIZATION_FAILED: ({ operation = 'Create' }) => ({
    resource: 'cluster',
    name: 'kafka-cluster',
    pattern: 'literal',
    operation,
  }),
};

const recover = (): string => 'Close the producer, recover, and go on from the control record.';

/**
 * Broker errors by kafkajs's type name (https://kafka.apache.org/protocol.html#protocol_error_codes). What is not listed here, and whatever is no
 * answer of a broker, is KAFKA_UNREACHABLE (retries are over by then); a publisher makes OUTCOME_UNKNOWN of it once it has sent something.
 */
const RULES: Readonly<Record<string, Rule>> = {
  SASL_AUTHENTICATION_FAILED: { code: 'KAFKA_DENIED', suggestion: () => 'Check kafka.sasl: mechanism, username and password.' },
  UNSUPPORTED_SASL_MECHANISM: { code: 'KAFKA_DENIED', suggestion: () => 'Set kafka.sasl.mechanism to one that the listener offers.' },
  ILLEGAL_SASL_STATE: { code: 'KAFKA_DENIED', suggestion: () => 'The listener does not expect this login: check its port and kafka.sasl.' },
  UNKNOWN_TOPIC_OR_PARTITION: { code: 'TOPIC_MISSING', suggestion: () => 'Create it with `headrace topics apply`.' },
  INVALID_TOPIC_EXCEPTION: {
    code: 'CONFIG_INVALID',
    suggestion: () => 'A topic name has at most 249 letters, digits, dots, dashes and underscores.',
  },
  INVALID_PARTITIONS: { code: 'CONFIG_INVALID' },
  INVALID_CONFIG: { code: 'CONFIG_INVALID', suggestion: () => 'Check the names and values of the topic settings.' },
  INVALID_REPLICATION_FACTOR: { code: 'TOPIC_UNFIT', suggestion: () => 'The replication factor cannot exceed the number of brokers.' },
  POLICY_VIOLATION: { code: 'TOPIC_UNFIT', suggestion: () => 'The cluster has a policy for topics: ask who runs it.' },
  MESSAGE_TOO_LARGE: { code: 'RECORD_TOO_LARGE', suggestion: () => 'Raise max.message.bytes of the topic, or make the fact smaller.' },
  RECORD_LIST_TOO_LARGE: { code: 'RECORD_TOO_LARGE', suggestion: () => 'Raise segment.bytes of the topic, or make the fact smaller.' },
  INVALID_TRANSACTION_TIMEOUT: {
    code: 'CONFIG_INVALID',
    suggestion: () => "Set kafka.transaction_timeout to at most the broker's transaction.max.timeout.ms (15 minutes unless changed).",
  },
  OFFSET_OUT_OF_RANGE: {
    code: 'TOPIC_UNFIT',
    suggestion: () => 'Records were removed by retention or by hand: check the topic’s settings.',
  },
  PRODUCER_FENCED: { code: 'FENCED', suggestion: recover },
  INVALID_PRODUCER_EPOCH: { code: 'FENCED', suggestion: recover },
  // The rest is met by a producer only; nothing is committed, and a new producer starts afresh.
  INVALID_PRODUCER_ID_MAPPING: { code: 'OUTCOME_UNKNOWN', suggestion: recover },
  UNKNOWN_PRODUCER_ID: { code: 'OUTCOME_UNKNOWN', suggestion: recover },
  OUT_OF_ORDER_SEQUENCE_NUMBER: { code: 'OUTCOME_UNKNOWN', suggestion: recover },
  DUPLICATE_SEQUENCE_NUMBER: { code: 'OUTCOME_UNKNOWN', suggestion: recover },
  INVALID_TXN_STATE: { code: 'OUTCOME_UNKNOWN', suggestion: recover },
  TRANSACTION_ABORTABLE: { code: 'OUTCOME_UNKNOWN', suggestion: recover },
};

/** Error numbers that kafkajs 2.2.4 has no name for; it puts them into a message (protocol/error.js). */
const NUMBERS: Readonly<Record<number, string>> = { 90: 'PRODUCER_FENCED', 120: 'TRANSACTION_ABORTABLE' };

/** Names that Node gives to what is wrong with a TLS connection. */
const TLS_CODES = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

/**
 * Anything that kafkajs rejected with, as a HeadraceError: KAFKA_UNREACHABLE, KAFKA_DENIED (with the missing grant), TOPIC_MISSING,
 * RECORD_TOO_LARGE, FENCED, OUTCOME_UNKNOWN, CONFIG_INVALID or TOPIC_UNFIT. A HeadraceError in the chain of causes is handed through.
 */
export function kafkaError(error: unknown, context: KafkaContext): HeadraceError {
  const chain = causes(error);
  const own = chain.find((e) => e instanceof HeadraceError);
  if (own instanceof HeadraceError) return own;
  const type = errorType(error);
  const rule = type === undefined ? undefined : RULES[type];
  const detail = chain.map((e) => e.message).find((m) => m !== '') ?? String(error);
  const subject = context.topic ?? context.transactionalId ?? context.group;
  const where = subject === undefined ? '' : ` (${subject})`;
  const refused = type === undefined ? undefined : REFUSED[type];
  if (refused !== undefined) return denial(context.config, context.action, grantsThatAllow(refused(context), context.grants ?? []), error);
  if (rule !== undefined) {
    return new HeadraceError(rule.code, `${context.action} failed${where}: ${detail} [${type}]`, {
      path: subject,
      suggestion: rule.suggestion?.(context),
      cause: error,
    });
  }
  if (chain.some((e) => e.name === 'KafkaJSSASLAuthenticationError')) {
    return new HeadraceError('KAFKA_DENIED', `${context.action} failed: ${address(context)} refused the login: ${detail}`, {
      suggestion: 'Check kafka.sasl: mechanism, username and password.',
      cause: error,
    });
  }
  return new HeadraceError('KAFKA_UNREACHABLE', `${context.action} failed${where}: Kafka at ${address(context)} ${reason(chain, detail)}`, {
    path: address(context),
    suggestion: reachSuggestion(chain, context),
    cause: error,
  });
}

/** Kafka's name of the error that the broker answered with, if it answered: `TOPIC_AUTHORIZATION_FAILED`. */
export function errorType(error: unknown): string | undefined {
  for (const e of causes(error)) {
    const unnamed = /^Unknown error code (\d+)/.exec(e.message)?.[1];
    if (unnamed !== undefined) return NUMBERS[Number(unnamed)] ?? `error ${unnamed}`;
    if (typeof e.type === 'string') return e.type;
  }
  return undefined;
}

interface KafkaJsError extends Error {
  readonly type?: unknown;
  readonly code?: unknown;
  readonly retriable?: unknown;
  readonly errors?: unknown;
}

/** The error, the members of an aggregate, and what caused it, outermost first. */
function causes(error: unknown): KafkaJsError[] {
  const chain: KafkaJsError[] = [];
  const visit = (e: unknown): void => {
    if (!(e instanceof Error) || chain.includes(e)) return;
    chain.push(e);
    const { errors } = e as KafkaJsError;
    if (Array.isArray(errors)) for (const member of errors) visit(member);
    visit(e.cause);
  };
  visit(error);
  return chain;
}

function address(context: KafkaContext): string {
  return context.config.brokers.join(', ');
}

function reason(chain: readonly KafkaJsError[], detail: string): string {
  // kafkajs answers "nobody is there" with a TypeError of its own in some calls.
  return chain.some((e) => e.name === 'TypeError') ? 'gave no answer' : `gave no usable answer: ${detail}`;
}

/** Whether the network said that the two sides cannot agree on TLS, or one does not trust the other: no matter of time. */
export function isTlsError(error: unknown): boolean {
  return causes(error).some((e) => typeof e.code === 'string' && TLS_CODES.test(e.code));
}

/** What to do about a TLS error of Node (https://nodejs.org/api/tls.html#x509-certificate-error-codes, and OpenSSL's own). */
function tlsAdvice(code: string): string {
  if (code === 'CERT_HAS_EXPIRED')
    return "the broker's certificate, or its authority's, has expired. Renew it (`ssl.keystore` of the broker; kafka.tls.ca), or set this machine's clock.";
  if (code === 'CERT_NOT_YET_VALID') return "the broker's certificate is not valid yet: is this machine's clock behind?";
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'the certificate bears another name. Use that name in kafka.brokers, or set kafka.tls.servername to it.';
  if (/^(SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_)/.test(code))
    return 'no trusted authority vouches for the certificate. Give its authority in kafka.tls.ca.';
  if (/ALERT|CERTIFICATE_REQUIRED/.test(code))
    return "the broker refused it: does it want a client's certificate (kafka.tls.cert and kafka.tls.key), or does that one not fit?";
  return 'check kafka.tls (ca, servername), and that the port is a TLS listener.';
}

function reachSuggestion(chain: readonly KafkaJsError[], context: KafkaContext): string {
  const code = chain.map((e) => e.code).find((c): c is string => typeof c === 'string');
  if (isTlsError(chain[0]) || (context.config.tls !== undefined && code === 'ECONNRESET')) {
    return `The TLS handshake failed (${code}): ${tlsAdvice(code ?? '')}`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'The host name is unknown: check kafka.brokers.';
  const closed = chain.some((e) => e.name === 'KafkaJSConnectionClosedError' || /closed by the server|closed connection/i.test(e.message));
  if (closed && context.config.tls === undefined)
    return 'The broker closed the connection: does its listener expect TLS (kafka.tls) or a login (kafka.sasl)?';
  return 'Check kafka.brokers, that the brokers run, and the network between; then run the command again.';
}
