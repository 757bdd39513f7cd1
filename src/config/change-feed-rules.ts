import type { Problem } from '../core/problem.ts';
import type { SourceDocument } from './document.ts';
import type { WrittenModel } from './model-schema.ts';
import type { Relation, WarehouseConfig } from './project.ts';

/** Warehouses that keep a record of changes. */
const CHANGE_FEEDS: readonly WarehouseConfig['type'][] = ['snowflake'];

/** Reports where a model asks for a change feed that cannot be. */
export function checkChangeFeed(
  written: Partial<WrittenModel>,
  relation: Relation | undefined,
  type: WarehouseConfig['type'] | undefined,
  document: SourceDocument,
  report: (problem: Problem) => void,
): void {
  const complain = (message: string, suggestion: string): void => report(document.problem(['change_feed'], message, suggestion));
  if (type !== undefined && !CHANGE_FEEDS.includes(type))
    complain(`A warehouse of the type ${type} has no change feed.`, `It is there for: ${CHANGE_FEEDS.join(', ')}.`);
  if (written.cursor === undefined)
    complain('A change feed needs `cursor`: it tells since when to ask.', 'Name a timestamp column that grows with every change.');
  if (relation !== undefined && !('table' in relation))
    complain('A query has no change feed: only a table has.', 'Name the table, or leave out `change_feed`.');
}
