import { z } from 'zod';
import { PLANNED_OPERATIONS, RISKS } from '../config/project.ts';
import { instant, text } from './api-shapes.ts';

/** The shapes of plans: the files that `--out` writes and `headrace approve` signs. */

const planId = z.string().regex(/^[0-9a-f]{12}$/);
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const anything = z.record(z.string(), z.unknown());

export const planParams = z.strictObject({ plan: planId });

/** An Ed25519 signature by one of the project's identities. */
export const signatureShape = z.strictObject({
  identity: text(100),
  at: instant,
  signature: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
});

const planShape = z.strictObject({
  format: z.literal(1),
  operation: z.enum(PLANNED_OPERATIONS),
  project: text(100),
  environment: text(100),
  id: planId,
  createdAt: instant,
  planner: text(200),
  reason: z.string().max(2000).nullable(),
  risk: z.enum(RISKS),
  risks: z.array(z.string()),
  order: anything.meta({ description: 'What is to be done: the arguments of the operation.' }),
  basis: anything.meta({ description: 'What it was planned on.' }),
  effect: anything.meta({ description: 'Sizes, for the person who approves.' }),
  size: z.number().int().min(0),
});

export const signedPlanShape = z.strictObject({
  plan: planShape,
  digest,
  planned: signatureShape.nullable(),
  approvals: z.array(signatureShape).max(20),
});

const handedInShape = z.object({
  id: planId,
  digest,
  operation: z.enum(PLANNED_OPERATIONS),
  risk: z.enum(RISKS),
  size: z.number().int(),
  planner: z.string(),
  reason: z.string().nullable(),
  createdAt: instant,
  endsAt: instant.meta({ description: 'From then on it is refused.' }),
  approvedBy: z.array(z.string()),
  state: z.enum(['waiting', 'ready']).meta({ description: 'ready: it may be applied, if nothing has changed since and it was not used.' }),
});

export const handedInPlansShape = z.object({ plans: z.array(handedInShape) });

/** As `headrace plans --json` has them. */
export const usedPlansShape = z.object({
  plans: z.array(
    z.object({
      state: z.enum(['claimed', 'applied', 'failed', 'refused']),
      operation: z.enum(PLANNED_OPERATIONS),
      id: z.string(),
      digest: z.string(),
      at: instant,
      user: z.string(),
      host: z.string(),
      pid: z.number().int().optional(),
      planner: z.string(),
      approvedBy: z.array(z.string()),
      risk: z.string(),
      code: z.string().optional(),
      message: z.string().optional(),
    }),
  ),
});

export type HandedInView = z.input<typeof handedInShape>;
