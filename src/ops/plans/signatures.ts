import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Project } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Signature, SignedPlan } from './plan-file.ts';

/** What a signature says of a plan. An approval cannot be made of a planner's signature. */
export type Statement = 'planned' | 'approved';

/** Somebody who has shown to be one of the project's identities. */
export interface Signer {
  readonly identity: string;
  sign(statement: Statement, digest: string, at: string): Signature;
}

/** Throws CONFIG_INVALID where there is no such identity, the file holds no Ed25519 key, or the key is somebody else's. */
export function openSigner(project: Project, identity: string, keyFile: string): Signer {
  const known = project.approvals?.identities.get(identity);
  if (known === undefined)
    throw new HeadraceError('CONFIG_INVALID', `headrace.yml names no identity ${identity} under approvals.`, {
      suggestion: `Known: ${[...(project.approvals?.identities.keys() ?? [])].join(', ') || 'none'}.`,
    });
  const key = privateKey(keyFile);
  if (createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString() !== known.publicKey)
    throw new HeadraceError('CONFIG_INVALID', `The key in ${keyFile} is not the one of ${identity} in headrace.yml.`, {
      suggestion: 'Each identity signs with its own private key. Nothing was changed.',
    });
  return {
    identity,
    sign: (statement, digest, at) => ({
      identity,
      at,
      signature: sign(null, messageOf(statement, digest, identity, at), key).toString('base64'),
    }),
  };
}

function privateKey(file: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(file));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Told below, without what the file holds.
  }
  throw new HeadraceError('CONFIG_INVALID', `${file} holds no Ed25519 private key that can be read.`, {
    suggestion: 'Make one: openssl genpkey -algorithm ed25519 -out dana.key; openssl pkey -in dana.key -pubout -out keys/dana.pem.',
  });
}

/** Whether the identity, as headrace.yml knows it now, has given it. */
export function isGenuine(project: Project, statement: Statement, { digest }: SignedPlan, given: Signature): boolean {
  const known = project.approvals?.identities.get(given.identity);
  if (known === undefined) return false;
  const { identity, at, signature } = given;
  return verify(null, messageOf(statement, digest, identity, at), known.publicKey, Buffer.from(String(signature), 'base64'));
}

function messageOf(statement: Statement, digest: string, identity: string, at: string): Buffer {
  return Buffer.from(['headrace', statement, digest, identity, at].join('\n'));
}
