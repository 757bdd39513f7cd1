import type { KafkaConfig } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Grant } from './grants.ts';

/**
 * KAFKA_DENIED for grants that are missing, in the words of `headrace topics acl`: which they are, and the command that adds them.
 * `action` is what failed, as the start of a sentence.
 */
export function denial(kafka: KafkaConfig, action: string, missing: readonly Grant[], cause?: unknown): HeadraceError {
  const principal = principalOf(kafka) ?? 'User:<principal>';
  const commands = aclCommands(kafka, principal, missing).join(' && ');
  return new HeadraceError('KAFKA_DENIED', `${action} failed: ${principal} lacks ${missing.map(grantText).join(' and ')}`, {
    path: missing[0]?.name,
    suggestion: `Missing grant: ${commands} (\`headrace topics acl\` prints every grant that is needed)`,
    cause,
  });
}

/** A grant in words: `Write on topic facts`, `Read on groups headrace.activation.customer.*`. */
export function grantText({ resource, name, pattern, operation }: Grant): string {
  const what = resource === 'transactional-id' ? 'transactional id' : resource;
  return pattern === 'prefixed' ? `${operation} on ${what}s ${name}*` : `${operation} on ${what} ${name}`;
}

/** Who logs in, as Kafka's ACLs name it; undefined where only the broker knows: a token or a certificate says it. */
export function principalOf({ sasl }: KafkaConfig): string | undefined {
  return sasl !== undefined && 'username' in sasl ? `User:${sasl.username}` : undefined;
}

/** `kafka-acls.sh` commands that add the grants, one for each resource. */
export function aclCommands(kafka: KafkaConfig, principal: string, grants: readonly Grant[], tool = 'kafka-acls.sh'): readonly string[] {
  const byResource = new Map<string, Grant[]>();
  for (const grant of grants) {
    const resource = resourceOption(grant);
    byResource.set(resource, [...(byResource.get(resource) ?? []), grant]);
  }
  const server = `--bootstrap-server ${quote(kafka.brokers.join(','))}`;
  return [...byResource].map(([resource, of]) => {
    const operations = of.map(({ operation }) => `--operation ${operation}`).join(' ');
    return `${tool} ${server} --add --allow-principal ${quote(principal)} ${operations} ${resource}`;
  });
}

function resourceOption({ resource, name, pattern }: Grant): string {
  if (resource === 'cluster') return '--cluster';
  return `--${resource} ${quote(name)}${pattern === 'prefixed' ? ' --resource-pattern-type prefixed' : ''}`;
}

/** For a shell of the Bourne kind. */
function quote(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
