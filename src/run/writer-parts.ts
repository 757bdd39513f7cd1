import type { Mapping } from '../config/project.ts';
import { PLAIN_KEYS } from '../contract/record-key.ts';
import { compileEnvelope } from '../publish/envelope.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import type { FactTopics } from './check-topics.ts';
import type { WriterParts } from './chunk.ts';
import type { LedgerRecord } from './chunk-records.ts';
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
  {
    encodings,
    facts,
    origin,
    scope,
    backfill,
  }: {
    encodings: RunEncodings;
    facts: FactTopics;
    origin: Origin;
    scope: Pick<Scope, 'reason'> & { readonly kind: string };
    backfill?: BackfillRun;
  },
): WriterParts {
  const rollback = rollbackStates(job, before);
  const envelope = (mapping: Mapping, { values, keys }: RunEncoding) =>
    compileEnvelope(job.project.name, mapping, {
      runId: backfill?.id ?? job.runId,
      contentType: values.contentType,
      encodeKey: keys === PLAIN_KEYS ? undefined : keys.encode,
      traceparent: job.spans.traceparent(),
      ...(backfill === undefined ? rollbackHeaders(job) : { origin: 'backfill' as const, approval: backfill.approval }),
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
      ...(backfill === undefined ? rollbackEntry(job, rollback) : backfillEntry(backfill)),
    },
  };
}

/** A backfill, as its events and the ledger name it: all its slices are one run. */
export interface BackfillRun {
  readonly id: string;
  readonly by: NonNullable<LedgerRecord['repair']>;
  readonly approval: string | undefined;
}

function backfillEntry({ id, by, approval }: BackfillRun): Partial<WriterParts['ledger']> {
  return { run: id, origin: 'backfill', repair: by, ...(approval === undefined ? {} : { approval }) };
}

function approvalEntry({ options, rollback }: Job): Pick<WriterParts['ledger'], 'approval'> {
  const approval = rollback?.approval ?? options.approval;
  return approval === undefined ? {} : { approval };
}
