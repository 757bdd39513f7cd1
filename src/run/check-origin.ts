import type { ContractVersion } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import type { PartitionOffsets } from '../publish/publisher.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import { FINGERPRINT_ALGORITHM } from '../snapshot/fingerprints.ts';
import type { Job } from './job.ts';
import { knownOffsets } from './publication.ts';
import { checkRecordForm } from './record-form.ts';

export interface Surroundings {
  readonly clusterId: string;
  /** Of the fact topic. */
  readonly facts: readonly PartitionOffsets[];
  /** Of the topics of further contracts, by name. */
  readonly also?: ReadonlyMap<string, readonly PartitionOffsets[]> | undefined;
}

/** Promise 8: stops where what is in Kafka is not what this project wrote, or no longer all of it. Throws SNAPSHOT_FOREIGN, CONTRACT_INCOMPATIBLE, CONTRACT_OLDER; nothing was changed then. */
export function checkOrigin(job: Job, control: ControlRecord | null, around: Surroundings): void {
  const { mapping, topics, project } = job;
  const adopt = `headrace state adopt ${mapping.name}`;
  const stop = (what: string, suggestion: string): never => {
    throw new HeadraceError('SNAPSHOT_FOREIGN', `${mapping.name}: ${what}`, { suggestion: `${suggestion} Nothing was changed.` });
  };
  const checkEach = () => {
    for (const [topic, offsets] of [[topics.facts, around.facts] as const, ...(around.also ?? [])])
      checkFacts(stop, topic, offsets, knownOffsets(job, control, topic), topics.snapshot, adopt);
  };
  if (control === null) {
    checkEach();
    return;
  }
  if (control.adoption !== undefined) stop('an adoption of this snapshot did not come to its end.', `Go on with it: \`${adopt}\`.`);
  if (control.clusterId !== around.clusterId) {
    stop(
      `the snapshot was written on cluster ${control.clusterId}, and this is ${around.clusterId}.`,
      `A mirrored topic is not the original: its offsets differ. Check the brokers; if the mapping has moved for good: \`${adopt}\` (docs/operations/moving-to-another-cluster.md).`,
    );
  }
  if (control.environment !== project.environment) {
    stop(
      `the snapshot belongs to environment ${control.environment}, and this run is in ${project.environment}.`,
      `Check \`environment\` in headrace.yml (HEADRACE_ENV) and the brokers. If it got another name: \`${adopt} --environment-from ${control.environment}\`.`,
    );
  }
  checkRecordForm(job, control);
  if (job.rollback === undefined && isOlder(mapping.version, control.contractVersion)) {
    throw new HeadraceError(
      'CONTRACT_OLDER',
      `${mapping.name}: version ${control.contractVersion} of the contract was published, and this is the earlier ${mapping.version.major}.${mapping.version.minor}.`,
      {
        suggestion:
          `Deploy the newest files. To go back on purpose: headrace contracts rollback ${mapping.name} --to ${mapping.version.major}.${mapping.version.minor}, ` +
          'which plans what changes for consumers first. Nothing was changed.',
      },
    );
  }
  if (control.fingerprint.algorithm !== FINGERPRINT_ALGORITHM) {
    stop(
      `the snapshot's fingerprints are ${control.fingerprint.algorithm}; this version makes ${FINGERPRINT_ALGORITHM}.`,
      'Use the version that wrote them.',
    );
  }
  checkEach();
}

function checkFacts(
  stop: (what: string, suggestion: string) => never,
  topic: string,
  offsets: readonly PartitionOffsets[],
  known: readonly number[] | undefined,
  snapshot: string,
  adopt: string,
): void {
  if (known === undefined) {
    const records = offsets.reduce((sum, p) => sum + (p.end - p.start), 0);
    if (records > 0) {
      stop(
        `${topic} already holds records, but ${snapshot} says nothing about them.`,
        `Was the snapshot topic deleted, or does another program write to the fact topic? Versions that began again at 1 would be taken for old ones. If the facts are this mapping's: \`${adopt}\` (docs/operations/lost-state.md).`,
      );
    }
    return;
  }
  if (offsets.length !== known.length) {
    stop(
      `${topic} has ${offsets.length} partitions, and had ${known.length} when it was written last.`,
      `With another number of partitions keys move, and the order of one key is lost. Recreate the topic as it was, publish to a new one, or accept that: \`${adopt}\` (docs/operations/README.md, "The number of partitions changed").`,
    );
  }
  for (const { partition, end } of offsets) {
    const expected = known[partition] ?? 0;
    if (end < expected) {
      stop(
        `partition ${partition} of ${topic} ends at offset ${end}, but facts were published up to ${expected}.`,
        `The topic was recreated or lost records. To publish again what is missing: \`${adopt}\` (docs/operations/README.md, "The fact topic is gone").`,
      );
    }
  }
}

/** An earlier deployment that starts beside a later one would take its facts back without anybody's decision. */
function isOlder({ major, minor }: ContractVersion, published: string): boolean {
  const [publishedMajor = 0, publishedMinor = 0] = published.split('.').map(Number);
  return major < publishedMajor || (major === publishedMajor && minor < publishedMinor);
}
