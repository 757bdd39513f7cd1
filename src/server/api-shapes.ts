import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../core/errors.ts';

/** The shapes of the HTTP API: requests are checked with them, and the OpenAPI document is made of them. Times are ISO texts in UTC. */

export const instant = z.iso.datetime();
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it refuses; \p{Cc} is unknown to most readers of JSON Schemas
const PRINTABLE = /^[^\u0000-\u001f\u007f-\u009f]*$/;
export const text = (longest: number) => z.string().min(1).max(longest).regex(PRINTABLE);

const mappingName = z.string().regex(/^[a-z0-9-]{1,63}$/);

export const mappingParams = z.strictObject({ mapping: mappingName });

export const runsQuery = z.strictObject({
  mapping: mappingName.optional().meta({ description: 'Of this mapping alone.' }),
  limit: z.coerce.number().int().min(1).max(500).default(50).meta({ description: 'At most so many, the newest first.' }),
});

export const triggerBody = z.strictObject({
  full: z.boolean().default(false).meta({ description: 'Read the whole model, whatever is due.' }),
});

export const pauseBody = z.strictObject({
  reason: text(500).optional().meta({ description: 'Why, for whoever finds it paused.' }),
});

export const emptyBody = z.strictObject({});

export const errorShape = z.object({
  error: z.object({
    code: z.enum([
      'BUG',
      'BAD_REQUEST',
      'UNAUTHENTICATED',
      'FORBIDDEN',
      'NOT_FOUND',
      'TOO_MANY_REQUESTS',
      ...(Object.keys(ERROR_CODES) as ErrorCode[]),
    ]),
    message: z.string(),
    path: z.string().nullable(),
    suggestion: z.string().nullable(),
  }),
});

const cause = z.enum(['schedule', 'missed', 'trigger', 'retry']);

export const runShape = z.object({
  mapping: z.string(),
  run: z.string().nullable(),
  cause,
  dueAt: instant,
  startedAt: instant,
  endedAt: instant,
  ending: z.enum(['done', 'unreachable', 'owned', 'failed', 'interrupted']),
  scope: z.string().nullable(),
  published: z.number().int().nullable(),
  counts: z.record(z.string(), z.number()).nullable(),
  watermark: z.string().nullable(),
  error: errorShape.shape.error.nullable(),
});

export const pauseShape = z.object({ by: z.string(), reason: z.string().nullable(), at: instant.nullable() });

const problemShape = z.object({ code: z.string(), message: z.string() });

export const mappingShape = z.object({
  mapping: z.string(),
  class: z.string(),
  model: z.string(),
  tags: z.array(z.string()),
  schedule: z.string().nullable(),
  state: z.enum(['running', 'paused', 'due', 'retrying', 'idle']),
  nextTurn: instant.nullable(),
  runningSince: instant.nullable(),
  due: z.object({ cause, since: instant }).nullable().meta({ description: 'The turn that waits: for the present run, or for room.' }),
  retryAt: instant.nullable(),
  pause: pauseShape.nullable(),
  blocked: problemShape.nullable().meta({ description: 'What stopped the last run until somebody does something.' }),
  lastRun: runShape.nullable(),
  lastSuccess: instant.nullable(),
});

const workShape = z.object({ run: z.string(), kind: z.string(), startedAt: instant.nullable(), endedAt: instant });

export const statusQuery = z.strictObject({
  rows: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'Whether the warehouse counts the rows above the watermark: it reads them for it.' }),
});

/** As `headrace status --json` has it. */
export const statusShape = z.object({
  mapping: z.string(),
  class: z.string(),
  lastRun: z.object({ run: z.string(), startedAt: instant.nullable(), host: z.string() }).nullable(),
  lastPublication: z.object({ run: z.string(), startedAt: instant.nullable() }).nullable(),
  lastSuccess: workShape.nullable(),
  lastFailure: workShape.extend({ failure: problemShape.nullable() }).nullable(),
  failures: z.number().int().meta({ description: 'Failed in a row, the newest first.' }),
  overdueMs: z.number(),
  blocked: problemShape.nullable().meta({ description: 'What would stop the next run.' }),
  paused: pauseShape.nullable(),
  lease: z.object({ run: z.string(), host: z.string(), pid: z.number().int(), endsAt: instant }).nullable(),
  watermark: z.string().nullable(),
  lagMs: z.number().nullable(),
  rowsBehind: z.number().int().nullable(),
  facts: z.number().int().nullable(),
  quarantined: z.number().int().nullable(),
  recordsBehind: z.number().int(),
  lastFullComparison: instant.nullable(),
  nextRun: instant.nullable(),
  nextFullComparison: instant.nullable(),
  backfill: z
    .object({ run: z.string(), what: z.string(), slices: z.number().int(), rows: z.number().int(), total: z.number().int() })
    .nullable()
    .meta({ description: 'One that is under way: how many of its rows are read.' }),
});

export const mappingsShape = z.object({ project: z.string(), environment: z.string(), mappings: z.array(mappingShape) });
export const runsShape = z.object({ runs: z.array(runShape) });
export const triggeredShape = z.object({ mapping: z.string(), start: z.enum(['now', 'after the present run', 'when there is room']) });
export const pausedShape = z.object({ mapping: z.string(), pause: pauseShape });
export const resumedShape = z.object({ mapping: z.string(), wasPaused: z.boolean() });

export type RunView = z.input<typeof runShape>;
export type StatusView = z.input<typeof statusShape>;
export type MappingView = z.input<typeof mappingShape>;
