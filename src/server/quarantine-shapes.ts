import { z } from 'zod';
import { instant, text } from './api-shapes.ts';

/** The shapes of refused rows: as `headrace quarantine --json` has them, times as the API writes them. */

/** The first digits of a row's hashed key. */
const hash = z.string().regex(/^[0-9a-f]{4,32}$/);
const field = text(200).optional().meta({ description: 'Rows that this field refuses.' });
const cause = text(100).optional().meta({ description: 'Rows that are refused for this cause.' });

export const rowsQuery = z.strictObject({
  row: hash.optional().meta({ description: 'The first digits (four or more) of a hashed key.' }),
  field,
  cause,
  limit: z.coerce.number().int().min(1).max(1000).default(50).meta({ description: 'At most so many.' }),
});

export const repairBody = z.strictObject({
  rows: z.array(hash).min(1).max(200).optional().meta({ description: 'Rows by the first digits of their hashed keys.' }),
  field,
  cause,
  all: z.literal(true).optional().meta({ description: 'Every refused row. One of rows, field, cause and all is needed.' }),
  reason: text(500).optional().meta({ description: 'Why; kept in the ledger.' }),
});

const causeShape = z.object({ field: z.string(), columns: z.array(z.string()), reason: z.string(), message: z.string() });

const groupShape = z.object({
  cause: causeShape.nullable().meta({ description: "Null where the report is past the topic's retention." }),
  rows: z.number().int(),
  discarded: z.number().int(),
  retry: z.number().int(),
  firstSeenAt: instant.nullable(),
  lastSeenAt: instant.nullable(),
  samples: z.array(z.string()),
});

export const quarantineShape = z.object({ mapping: z.string(), rows: z.number().int(), causes: z.array(groupShape) });

const refusedRowShape = z.object({
  row: z.string(),
  state: z.enum(['quarantined', 'retry', 'discarded']),
  cause: causeShape.nullable(),
  firstSeenAt: instant.nullable(),
  lastSeenAt: instant.nullable(),
  run: z.string().nullable(),
  contractVersion: z.string().nullable(),
});

export const refusedRowsShape = z.object({ mapping: z.string(), count: z.number().int(), rows: z.array(refusedRowShape) });

export const repairedShape = z.object({
  action: z.enum(['retry', 'discard']),
  mapping: z.string(),
  selected: z.number().int().meta({ description: 'Refused rows that are meant, changed or not.' }),
  entries: z.number().int().meta({ description: 'Those that were changed.' }),
  run: z.string(),
  chunks: z.number().int(),
  published: z.number().int(),
});

export type RepairBody = z.output<typeof repairBody>;
export type RowsQuery = z.output<typeof rowsQuery>;
