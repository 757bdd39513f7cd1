import { createPublicKey } from 'node:crypto';
import type { z } from 'zod';
import type { Problem } from '../core/problem.ts';
import type { SourceDocument } from './document.ts';
import type { ApprovalPolicy, Identity } from './project.ts';
import type { projectSchemaWritten } from './project-schema.ts';

type Written = NonNullable<z.output<typeof projectSchemaWritten>['approvals']>;

const DAY_MS = 86_400_000;
const ALL_ROLES: Identity['roles'] = ['planner', 'approver'];

export function compileApprovals(written: Written, document: SourceDocument, report: (problem: Problem) => void): ApprovalPolicy {
  const identities = new Map<string, Identity>();
  for (const [name, { key, roles = ALL_ROLES }] of Object.entries(written.identities ?? {})) {
    const path = ['approvals', 'identities', name];
    if (!/^[a-z0-9][a-z0-9._@-]{0,62}$/.test(name))
      report(document.problem(path, 'An identity is named with lower-case letters, digits, `.`, `_`, `@` and `-`.'));
    const publicKey = ed25519Key(key);
    if (publicKey === undefined)
      report(
        document.problem(
          [...path, 'key'],
          'The key is no Ed25519 public key.',
          'Make one: openssl pkey -in dana.key -pubout -out keys/dana.pem.',
        ),
      );
    else if ([...identities.values()].some((other) => other.publicKey === publicKey))
      report(document.problem([...path, 'key'], 'Another identity has the same key: one person would be two.'));
    else identities.set(name, { publicKey, roles });
  }
  const { replay = 'high', backfill = 'high', undo = 'high', rollback = 'high', adopt = 'never', guards = 'never' } = written.require ?? {};
  return { maxAgeMs: written.max_age ?? DAY_MS, identities, require: { replay, backfill, undo, rollback, adopt, guards } };
}

/** In one form, so that equal keys are equal texts. A private key is none: it has no place in this file. */
function ed25519Key(pem: string): string | undefined {
  if (pem.includes('PRIVATE KEY')) return undefined;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key.export({ type: 'spki', format: 'pem' }).toString() : undefined;
  } catch {
    return undefined;
  }
}
