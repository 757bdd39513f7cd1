import type { Problem } from '../core/problem.ts';
import type { SourceDocument } from './document.ts';
import type { WrittenModel } from './model-schema.ts';
import type { ChangeFeed, Relation, SnapshotConfig, WarehouseConfig } from './project.ts';

/** Warehouses that keep a record of changes, and what it can be asked for. */
const CHANGE_FEEDS: Partial<Record<WarehouseConfig['type'], readonly ChangeFeed[]>> = {
  snowflake: ['changes'],
  bigquery: ['changes', 'appends'],
};

/** Reports where a model asks for a change feed that cannot be. */
export function checkChangeFeed(
  written: Partial<WrittenModel>,
  relation: Relation | undefined,
  { type, view }: { readonly type: WarehouseConfig['type'] | undefined; readonly view: SnapshotConfig['view'] | undefined },
  document: SourceDocument,
  report: (problem: Problem) => void,
): void {
  const { change_feed: feed, append_only: appendOnly, cursor } = written;
  if (feed === undefined) return;
  const complain = (message: string, suggestion: string): void => report(document.problem(['change_feed'], message, suggestion));
  const feeds = type && (CHANGE_FEEDS[type] ?? []);
  if (feeds?.length === 0)
    complain(`A warehouse of the type ${type} has no change feed.`, `It is there for: ${Object.keys(CHANGE_FEEDS).join(', ')}.`);
  else if (feeds?.includes(feed) === false)
    complain(`A warehouse of the type ${type} has no change feed \`${feed}\`.`, `Write \`change_feed: ${feeds.join('` or `')}\`.`);
  if (cursor === undefined)
    complain(
      'A change feed needs `cursor`: where the feed cannot be read, it decides.',
      'Name a timestamp column that grows with every change.',
    );
  if (relation !== undefined && !('table' in relation))
    complain('A query has no change feed: only a table has.', 'Name the table, or leave out `change_feed`.');
  if (view === 'warehouse')
    report(
      document.problem(
        ['change_feed'],
        'With `snapshot.view: warehouse` the change feed is not read: rows are found by their cursor.',
        'Leave out `change_feed`, or write `view: local`.',
        'warning',
      ),
    );
  if (feed === 'appends' && appendOnly !== true)
    complain(
      'The change feed `appends` shows rows that were added, never one that was changed: it is for append_only models.',
      'Write `change_feed: changes`, or `append_only: true` where rows are never changed.',
    );
}
