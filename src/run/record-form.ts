import type { Encoding } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import type { Job } from './job.ts';
import { knownOffsets, topicOfControl } from './publication.ts';

/** What the bytes of a fact topic's records are: consumers know one form, and a key in other bytes is another key. */
export interface RecordForm {
  readonly encoding: Encoding;
  readonly keys: 'plain' | 'encoded';
}

export function recordFormOf({ mapping, project }: Pick<Job, 'mapping' | 'project'>): RecordForm {
  return { encoding: mapping.encoding, keys: project.registry?.keys === 'encoded' ? 'encoded' : 'plain' };
}

/**
 * Throws CONTRACT_INCOMPATIBLE where a live topic would get records of another form. Control records of earlier releases do not say in which form they wrote: the
 * next one of this mapping does.
 */
export function checkRecordForm(job: Job, control: ControlRecord): void {
  const { form: was } = control;
  if (was === undefined) return;
  const is = recordFormOf(job);
  const { mapping, topics } = job;
  // A new topic begins in any encoding; those of further contracts are frozen.
  if (was.encoding !== is.encoding && topicOfControl(job, control) === mapping.topic)
    throw new HeadraceError(
      'CONTRACT_INCOMPATIBLE',
      `${mapping.name}: the facts in ${topics.facts} are encoded in ${was.encoding}, and the mapping says ${is.encoding}.`,
      {
        path: mapping.location.file,
        suggestion: `Readers know one encoding. Write encoding: ${was.encoding}, or publish a new major version to a new topic. Nothing was changed.`,
      },
    );
  const isLive = [mapping, ...job.also.map((each) => each.mapping)].some(({ topic }) => knownOffsets(job, control, topic) !== undefined);
  if (was.keys !== is.keys && isLive)
    throw new HeadraceError(
      'CONTRACT_INCOMPATIBLE',
      `${mapping.name}: the keys in ${topics.facts} are ${was.keys}, and headrace.yml says registry.keys: ${is.keys}.`,
      {
        suggestion: `Other bytes are another key: compaction would keep both records, perhaps in two partitions. Write registry.keys: ${was.keys}, or publish a new major version to a new topic. Nothing was changed.`,
      },
    );
}
