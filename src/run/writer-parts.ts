import { compileEnvelope } from '../publish/envelope.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import type { FactTopics } from './check-topics.ts';
import type { Job } from './job.ts';
import type { Origin } from './origin.ts';
import { publishedAfter } from './publication.ts';
import type { PublishedContract } from './published-contract.ts';
import { rollbackEntry, rollbackHeaders, rollbackStates } from './rollback.ts';
import type { Scope } from './scope.ts';
import type { WriterParts } from './writer.ts';

/** What all chunks of a run have in common, of what was committed last and of what the run is about to do. */
export function writerParts(
  job: Job,
  before: ControlRecord | null,
  { contract, facts, origin, scope }: { contract: PublishedContract; facts: FactTopics; origin: Origin; scope: Scope },
): WriterParts {
  const rollback = rollbackStates(job, before);
  const run = { runId: job.runId, contentType: contract.codec.contentType, ...rollbackHeaders(job) };
  return {
    envelope: compileEnvelope(job.project.name, job.mapping, run),
    origin: origin.record,
    partitions: facts.partitions,
    further: job.also.map(({ mapping, version }, i) => ({
      topic: mapping.topic,
      version,
      partitions: facts.also[i]?.partitions ?? 0,
      envelope: compileEnvelope(job.project.name, mapping, run),
    })),
    published: publishedAfter(job, before),
    rollback,
    ledger: { kind: scope.kind, allowed: [...job.options.allow], ...rollbackEntry(job, rollback) },
  };
}
