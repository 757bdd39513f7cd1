import type { Horizon } from '../snapshot/changelog.ts';
import type { Contract } from './contract.ts';
import type { Job } from './job.ts';
import { scanRequest } from './read-model.ts';

/** What the warehouse reckons that it bills for reading the model, where it bills by what it reads. */
export interface ReadingCost {
  /** Bytes, of a run that reads the whole model. */
  readonly fullBytes: number;
  /** Bytes, of the next run that reads from the watermark on; null without a cursor, or before there is a watermark. */
  readonly incrementalBytes: number | null;
}

/** Asks the warehouse, which runs nothing for it. `watermark` is the one that the next run begins at. */
export async function readingCost(
  job: Job,
  contract: Contract,
  watermark: string | null,
  horizon: Horizon | null,
): Promise<ReadingCost | null> {
  const { warehouse, model, signal } = job;
  if (warehouse.estimate === undefined) return null;
  const whole = scanRequest(job, contract, { kind: 'full comparison', reason: '', watermark: null }, horizon);
  const { bytes: fullBytes } = await warehouse.estimate(whole, signal);
  if (model.cursor === undefined || watermark === null) return { fullBytes, incrementalBytes: null };
  const part = scanRequest(job, contract, { kind: 'incremental', reason: '', watermark }, horizon);
  return { fullBytes, incrementalBytes: (await warehouse.estimate(part, signal)).bytes };
}
