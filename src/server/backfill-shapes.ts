import { z } from 'zod';
import { errorShape, instant, text } from './api-shapes.ts';

/** The shapes of backfills: as `headrace backfill --json` has them, times as the API writes them. */

const rowsShape = z.union([
  z.strictObject({ all: z.literal(true) }),
  z
    .strictObject({ from: text(100).nullable().default(null), to: text(100).nullable().default(null) })
    .meta({ description: 'By the cursor.' }),
  z.strictObject({ where: z.string().min(1).max(10_000).meta({ description: "SQL over the model's columns." }) }),
  z.strictObject({
    keys: z.array(z.string().min(1).max(4_000)).min(1).meta({ description: 'Model keys; JSON arrays where they have several columns.' }),
  }),
]);

export const backfillBody = z.strictObject({
  rows: rowsShape,
  force: z.boolean().default(false).meta({ description: 'Publish unchanged facts as new versions, too.' }),
  id: text(100).optional().meta({ description: 'Once it is complete, the same order under this name does nothing.' }),
  slice: z.number().int().min(1).max(1_000_000).optional().meta({ description: 'Rows of a slice, at most.' }),
  rate: z.number().int().min(1).optional().meta({ description: 'Facts per second, on average.' }),
  pauseMs: z.number().int().min(0).default(0).meta({ description: 'Between two slices.' }),
  allow: z.array(text(50)).default([]).meta({ description: 'Guards that it may exceed.' }),
  reason: text(500).optional().meta({ description: 'Why; kept in the ledger.' }),
});

export const cancelBody = z.strictObject({ reason: text(500).optional().meta({ description: 'Why; kept in the ledger.' }) });

const count = z.number().int();
const stateShape = z.object({
  id: z.string(),
  name: z.string().nullable(),
  what: z.string(),
  force: z.boolean(),
  slices: count,
  total: count,
  counts: z.object({
    rows: count,
    unchanged: count,
    absent: count,
    rejected: count,
    late: count,
    created: count,
    updated: count,
    deleted: count,
    repeated: count,
    left: z.object({ deleted: count, held: count, erased: count }),
  }),
  end: z.enum(['done', 'cancelled']).nullable(),
});

export const handedShape = z.object({
  mapping: z.string(),
  state: z
    .enum(['waiting', 'slice', 'failed', 'done', 'cancelled'])
    .nullable()
    .meta({ description: 'Null where none was handed to this process.' }),
  what: z.string().nullable(),
  by: z.string().nullable(),
  at: instant.nullable(),
  progress: stateShape.nullable().meta({ description: 'After the last slice of this process.' }),
  error: errorShape.shape.error.nullable().meta({ description: 'Why it stopped, or waits.' }),
});

export const cancelledShape = z.object({
  mapping: z.string(),
  backfill: stateShape.nullable().meta({ description: 'Null where it had not begun.' }),
});

export type BackfillBody = z.output<typeof backfillBody>;
export type CancelBody = z.output<typeof cancelBody>;
export type StateView = z.input<typeof stateShape>;
export type HandedView = z.input<typeof handedShape>;
