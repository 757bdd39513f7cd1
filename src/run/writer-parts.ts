import type { Mapping } from '../config/project.ts';
import { PLAIN_KEYS } from '../contract/record-key.ts';
import { compileEnvelope } from '../publish/envelope.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import type { FactTopics } from './check-topics.ts';
import type { WriterParts } from './chunk.ts';
import type { RunEncoding, RunEncodings } from './encoding.ts';
import type { Job } from './job.ts';
import type { Origin } from './origin.ts';
import { publishedAfter } from './publication.ts';
import { rollbackEntry, rollbackHeaders, rollbackStates } from './rollback.ts';
import type { Scope } from './scope.ts';

/** What all chunks of a run have in common, of what was committed last and of what the run is about to do. */
export function writerParts(
  job: Job,
  before: ControlRecord | null,
  { encodings, facts, origin, scope }: { encodings: RunEncodings; facts: FactTopics; origin: Origin; scope: Scope },
): WriterParts {
  const rollback = rollbackStates(job, before);
  const envelope = (mapping: Mapping, { values, keys }: RunEncoding) =>
    compileEnvelope(job.project.name, mapping, {
      runId: job.runId,
      contentType: values.contentType,
      encodeKey: keys === PLAIN_KEYS ? undefined : keys.encode,
      traceparent: job.spans.traceparent(),
      ...rollbackHeaders(job),
    });
  return {
    envelope: envelope(job.mapping, encodings.own),
    origin: origin.record,
    partitions: facts.partitions,
    further: job.also.map(({ mapping, version }, i) => ({
      topic: mapping.topic,
      version,
      partitions: facts.also[i]?.partitions ?? 0,
      envelope: envelope(mapping, encodings.also[i] ?? encodings.own),
    })),
    published: publishedAfter(job, before),
    rollback,
    ledger: {
      kind: scope.kind,
      reason: scope.reason,
      allowed: [...job.options.allow],
      ...approvalEntry(job),
      ...rollbackEntry(job, rollback),
    },
  };
}

function approvalEntry({ options, rollback }: Job): Pick<WriterParts['ledger'], 'approval'> {
  const approval = rollback?.approval ?? options.approval;
  return approval === undefined ? {} : { approval };
}
