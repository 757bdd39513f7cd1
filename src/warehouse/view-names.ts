import { createHash } from 'node:crypto';
import type { ViewPlace } from '../core/view-tables.ts';

/** Of the tables' form: those of an earlier one are made anew, and those of a later one refused. */
export const VIEW_LAYOUT = 1;

export interface ViewNames {
  readonly schema: string;
  /** One row per view: where it stands. */
  readonly views: string;
  readonly entries: string;
  readonly rows: string;
  /** In place of `views`, where an engine locks whole tables: of one mapping. */
  readonly state: string;
}

/** Names without quotes. Two mappings never share one: what is left of their names when hyphens go is told apart by a digest. At most 63 bytes, PostgreSQL's limit. */
export function viewNames({ schema, project, mapping }: ViewPlace): ViewNames {
  const digest = createHash('sha256').update(`${project}/${mapping}`).digest('hex').slice(0, 8);
  const stem = `${mapping.replaceAll('-', '_').slice(0, 40)}_${digest}`;
  return { schema, views: 'views', entries: `${stem}_entries`, rows: `${stem}_rows`, state: `${stem}_state` };
}
