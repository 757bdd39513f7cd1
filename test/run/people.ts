import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** Somebody with a key: what headrace.yml says of them, and what they keep to themselves. */
export interface Person {
  readonly name: string;
  readonly publicPem: string;
  readonly privatePem: string;
}

export function person(name: string): Person {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    name,
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** `approvals` of headrace.yml. */
export function approvalsOf(people: readonly Person[], rest = ''): string {
  const identities = people.map(({ name, publicPem }) => `    ${name}:\n      key: |\n${publicPem.trim().replaceAll(/^/gm, '        ')}\n`);
  return `approvals:\n${rest}  identities:\n${identities.join('')}`;
}

/** Options that sign as this person. */
export function signing(root: string, { name, privatePem }: Person): string[] {
  const file = path.join(root, `${name}.key`);
  writeFileSync(file, privatePem, { mode: 0o600 });
  return ['--as', name, '--key', file];
}
