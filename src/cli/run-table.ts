import type { RunResult } from '../run/capture.ts';
import { formatCount, formatDuration } from './numbers.ts';
import type { Output } from './output.ts';
import { formatTable, type TableColumn } from './table.ts';

/** What the mappings of a run came to, and what a person should know beside the numbers. */
export function runTable(results: readonly RunResult[], { bold, yellow, dim }: Output['colors']): string {
  const count = (title: string, value: (result: RunResult) => number): TableColumn<RunResult> => ({
    title: dim(title),
    value: (result) => formatCount(value(result)),
    align: 'right',
  });
  const columns: TableColumn<RunResult>[] = [
    { title: dim('mapping'), value: (r) => bold(r.mapping) },
    {
      title: dim('comparison'),
      value: (r) => (r.scope === 'full comparison' ? 'full' : r.scope === 'initial load' ? 'initial' : 'incremental'),
    },
    count('rows', (r) => r.counts.rows),
    count('created', (r) => r.counts.created),
    count('updated', (r) => r.counts.updated),
    count('deleted', (r) => r.counts.deleted),
    count('quarantined', (r) => r.counts.quarantined),
    count('published', (r) => r.published),
    { title: dim('took'), value: (r) => formatDuration(r.tookMs), align: 'right' },
  ];
  const notes = results.flatMap(notesOf).map((note) => `${yellow('!')} ${note}`);
  return [formatTable(columns, results), ...notes].join('\n');
}

function notesOf({ mapping, counts, guards }: RunResult): string[] {
  const notes = guards
    .filter((guard) => guard.allowed)
    .map((guard) => `${mapping}: guard ${guard.guard} was exceeded and allowed: ${guard.message}`);
  if (counts.recorded > 0) notes.push(`${mapping}: ${formatCount(counts.recorded)} entries were recorded without publishing anything`);
  if (counts.expired > 0) notes.push(`${mapping}: ${formatCount(counts.expired)} entries of old events left the snapshot`);
  if (counts.late > 0)
    notes.push(`${mapping}: ${formatCount(counts.late)} rows lie below the horizon and were not published (see append_only)`);
  const known = counts.rejected - counts.quarantined;
  if (known > 0) notes.push(`${mapping}: ${formatCount(known)} more rows do not fit the contract; they were reported by an earlier run`);
  return notes;
}
