import { X509Certificate } from 'node:crypto';
import type { KafkaConfig, Project, TlsConfig } from '../config/project.ts';
import { type Finding, failed, suspicion } from './finding.ts';

const DAY_MS = 86_400_000;
/** So long before its end a certificate is spoken of. */
const WARN_DAYS = 30;

/** What the files themselves say about logins: certificates that have expired or soon will, and passwords that others could read on their way. Asks nobody. */
export function checkLogins(project: Project, nowMs: number): readonly Finding[] {
  const findings = [...tlsFindings('kafka', project.kafka.tls, nowMs), ...passwordFindings(project.kafka)];
  for (const warehouse of project.warehouses.values())
    if (warehouse.type === 'postgres') findings.push(...tlsFindings(`warehouse ${warehouse.name}`, warehouse.tls, nowMs));
  return findings;
}

function passwordFindings({ tls, sasl }: KafkaConfig): Finding[] {
  if (tls !== undefined || sasl === undefined || /^scram/.test(sasl.mechanism)) return [];
  const what = sasl.mechanism === 'plain' ? 'the password' : 'the token';
  const message = `${what} crosses the network as it is: kafka.sasl.mechanism is ${sasl.mechanism}, and there is no kafka.tls`;
  return [suspicion('login', 'kafka', message, 'Use a TLS listener (`kafka.tls: true`), or at least scram-sha-512.')];
}

function tlsFindings(subject: string, tls: TlsConfig | true | undefined, nowMs: number): Finding[] {
  if (tls === undefined || tls === true) return [];
  const findings: Finding[] = [];
  if (tls.rejectUnauthorized === false) {
    const message = 'any certificate is trusted: whoever stands between may read the login and everything else';
    findings.push(suspicion('login', subject, message, 'Remove `reject_unauthorized: false`, and give the authority in `tls.ca`.'));
  }
  for (const name of ['cert', 'ca'] as const) {
    for (const certificate of certificatesOf(tls[name] ?? '')) findings.push(...ageFindings(subject, name, certificate, nowMs));
  }
  return findings;
}

function ageFindings(subject: string, name: 'cert' | 'ca', certificate: X509Certificate, nowMs: number): Finding[] {
  const ends = Date.parse(certificate.validTo);
  const begins = Date.parse(certificate.validFrom);
  const what = `tls.${name} (${certificate.subject.replaceAll('\n', ', ')})`;
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const renew = `Renew it, and put it where \`tls.${name}\` is read from.`;
  if (begins > nowMs) {
    const message = `${what} is valid only from ${day(begins)} on`;
    return [suspicion('login', subject, message, "Is this machine's clock behind? `timedatectl set-ntp true`")];
  }
  if (ends > nowMs + WARN_DAYS * DAY_MS) return [];
  if (ends > nowMs) {
    const days = Math.floor((ends - nowMs) / DAY_MS);
    return [suspicion('login', subject, `${what} ends on ${day(ends)}, in ${days} days`, renew)];
  }
  const message = `${what} has expired on ${day(ends)}`;
  // Of several authorities another one may vouch.
  if (name === 'ca') return [suspicion('login', subject, message, renew)];
  return [failed(subject === 'kafka' ? 'KAFKA_UNREACHABLE' : 'WAREHOUSE_UNREACHABLE', 'login', subject, message, renew)];
}

/** Of a PEM text, which may hold several. What cannot be read shows where it is used. */
function certificatesOf(pem: string): X509Certificate[] {
  const texts = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return texts.flatMap((text) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      return [];
    }
  });
}
