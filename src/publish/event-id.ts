import { hash } from 'node:crypto';

/**
 * `ce_id`: 128 bits of SHA-256 over project, mapping, version and identity, as hex. The same change has the same id however often it is sent,
 * and consumers deduplicate by it. Injective before hashing: names are `[a-z0-9-]`, the version is digits, and the identity comes last.
 */
export function eventId(project: string, mapping: string, identity: string, version: number): string {
  return hash('sha256', `${project}/${mapping}/${version}/${identity}`, 'hex').slice(0, 32);
}
