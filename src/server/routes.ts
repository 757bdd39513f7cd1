import { BACKFILL_ROUTES } from './backfill-routes.ts';
import { MAPPING_ROUTES } from './mapping-routes.ts';
import { PLAN_ROUTES } from './plan-routes.ts';
import { QUARANTINE_ROUTES } from './quarantine-routes.ts';
import type { Route } from './route.ts';

/** Everything that the API can do; the OpenAPI document has the same order. */
export const ROUTES: readonly Route[] = [...MAPPING_ROUTES, ...BACKFILL_ROUTES, ...QUARANTINE_ROUTES, ...PLAN_ROUTES];
