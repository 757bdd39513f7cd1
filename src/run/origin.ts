import { randomUUID } from 'node:crypto';
import { HeadraceError } from '../core/errors.ts';
import { FINGERPRINT_ALGORITHM, Fingerprints, fingerprintKeyOf, newFingerprintKey } from '../snapshot/fingerprints.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import { checkOrigin } from './check-origin.ts';
import type { WriterParts } from './chunk.ts';
import type { Job } from './job.ts';
import { knownOffsets } from './publication.ts';
import { recordFormOf } from './record-form.ts';
import { factEnds } from './undecided.ts';

export interface Origin {
  /** What every control record of this run says of where it comes from. */
  readonly record: WriterParts['origin'];
  readonly fingerprints: Fingerprints;
}

/** Makes sure that the snapshot is this project's, on this cluster; at the very first start lays down key and origin. Throws SNAPSHOT_FOREIGN. */
export async function establishOrigin(job: Job, view: SnapshotView): Promise<Origin> {
  const { project, mapping } = job;
  const { control } = view.state;
  const further = job.also.map((each) => each.mapping.topic);
  const [clusterId, facts, ...others] = await Promise.all([
    job.admin.clusterId(),
    ...[job.topics.facts, ...further].map((topic) => factEnds(job, topic, knownOffsets(job, control, topic))),
  ]);
  if (control === null && view.state.entries > 0) throw withoutControl(job);
  checkOrigin(job, control, { clusterId, facts: facts ?? [], also: new Map(further.map((topic, i) => [topic, others[i] ?? []])) });
  const { key, fingerprint } = await fingerprintKey(job, control?.fingerprint);
  return {
    record: {
      contractVersion: `${mapping.version.major}.${mapping.version.minor}`,
      form: recordFormOf(job),
      environment: project.environment,
      clusterId,
      fingerprint,
      versionFloor: control?.versionFloor ?? 0,
      epoch: control === null ? randomUUID() : control.epoch,
    },
    fingerprints: await Fingerprints.create(key),
  };
}

export type KeyRecord = WriterParts['origin']['fingerprint'];

/** From the control record; from outside, if `snapshot.key` is given; new at the very first start. */
export async function fingerprintKey(job: Job, known: KeyRecord | undefined): Promise<{ key: Buffer; fingerprint: KeyRecord }> {
  const { key: secret } = job.project.snapshot;
  const algorithm = FINGERPRINT_ALGORITHM;
  if (secret !== undefined) {
    const key = await fingerprintKeyOf(secret);
    const keyId = Buffer.from((await Fingerprints.create(key)).identity('key id'))
      .toString('hex')
      .slice(0, 16);
    if (known !== undefined && (!('keyId' in known) || known.keyId !== keyId)) throw otherKey(job, 'snapshot.key is not the one');
    return { key, fingerprint: { algorithm, keyId } };
  }
  if (known === undefined) {
    const key = newFingerprintKey();
    return { key, fingerprint: { algorithm, key: key.toString('base64') } };
  }
  if (!('key' in known)) throw otherKey(job, 'snapshot.key is missing');
  return { key: Buffer.from(known.key, 'base64'), fingerprint: known };
}

function withoutControl({ mapping, topics }: Job): HeadraceError {
  return new HeadraceError('SNAPSHOT_CORRUPT', `${mapping.name}: ${topics.snapshot} has entries, but no control record.`, {
    suggestion: `Records are missing from the snapshot topic. Do not delete anything; see docs/operations/README.md, "The snapshot topic is damaged". Then: \`headrace state adopt ${mapping.name}\`.`,
  });
}

function otherKey(job: Job, what: string): HeadraceError {
  return new HeadraceError('SNAPSHOT_FOREIGN', `${job.mapping.name}: ${what} under which the snapshot's fingerprints were made.`, {
    suggestion: `Give the same secret as before in \`snapshot.key\` (headrace.yml). With another one every fact would look changed. If it is lost: \`headrace state adopt ${job.mapping.name}\`. Nothing was changed.`,
  });
}
