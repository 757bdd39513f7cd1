import type { ControlRecord } from '../snapshot/changelog.ts';
import type { Contract } from './contract.ts';
import type { Job } from './job.ts';
import type { Reading } from './read-model.ts';
import { scanRequest } from './scan-request.ts';

/** What the warehouse reckons that it bills for reading the model, where it bills by what it reads. */
export interface ReadingCost {
  /** Bytes, of a run that reads the whole model. */
  readonly fullBytes: number;
  /** Bytes, of the next run that reads from the watermark on; null without a cursor, or before there is a watermark. */
  readonly incrementalBytes: number | null;
}

/** Asks the warehouse, which runs nothing for it. The next run begins where this reading ends. */
export async function readingCost(
  job: Job,
  contract: Contract,
  { reached: watermark, changeFeed }: Pick<Reading, 'reached' | 'changeFeed'>,
  control: ControlRecord | null,
): Promise<ReadingCost | null> {
  const { warehouse, model, signal } = job;
  if (warehouse.estimate === undefined) return null;
  const whole = scanRequest(job, contract, { kind: 'full comparison', reason: '', watermark: null }, control ?? {});
  const { bytes: fullBytes } = await warehouse.estimate(whole, signal);
  if (model.cursor === undefined || watermark === null) return { fullBytes, incrementalBytes: null };
  const part = scanRequest(
    job,
    contract,
    { kind: 'incremental', reason: '', watermark },
    { horizon: control?.horizon ?? null, changeFeed },
  );
  return { fullBytes, incrementalBytes: (await warehouse.estimate(part, signal)).bytes };
}
