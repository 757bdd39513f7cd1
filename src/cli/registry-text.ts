import type { ConfirmedCheck, SubjectVerdict } from '../ops/confirm-contracts.ts';

/** `The registry confirms subject customer.tier.v1-value.`: what stands below each contract. None where the registry was not asked. */
export function registryLines({ registry }: Pick<ConfirmedCheck, 'registry'>): readonly { readonly ok: boolean; readonly text: string }[] {
  return (registry ?? []).map((verdict) => ({ ok: verdict.confirmed, text: verdictText(verdict) }));
}

function verdictText({ subject, confirmed, reasons }: SubjectVerdict): string {
  if (confirmed) return `The registry confirms subject ${subject}.`;
  const why = reasons.length === 0 ? 'it gives no reason' : reasons.map((reason) => reason.replaceAll(/\s+/g, ' ').trim()).join('; ');
  return `The registry refuses the schema for subject ${subject}: ${why}`;
}

/** What to do where it refuses. */
export const REGISTRY_ADVICE =
  'Take the change back, publish a new major version to a new topic, or change the compatibility of the subject in the registry (docs/contracts.md, "Where a registry says otherwise").';
