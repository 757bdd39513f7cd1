import type { Child } from '../run/child.ts';
import type { WorldFiles } from '../run/world-files.ts';

/** A line of the daemon's log. */
export interface LogLine {
  readonly time: number;
  readonly msg: string;
  readonly mapping?: string;
  readonly run?: string;
  readonly cause?: string;
  readonly full?: boolean;
  readonly published?: number;
  readonly code?: string;
  readonly address?: string;
}

/** The log of a daemon so far: what else stands on stderr is left out. */
export function logOf(child: Pick<Child, 'stderr'>): LogLine[] {
  return child.stderr.split('\n').flatMap((line) => {
    if (!line.startsWith('{') || !line.endsWith('}')) return [];
    return [JSON.parse(line) as LogLine];
  });
}

/** Waits until the log says it; throws with the log where it does not. */
export async function until(child: Child, what: string, isThere: (lines: readonly LogLine[]) => boolean, withinMs = 60_000): Promise<void> {
  const endsAt = Date.now() + withinMs;
  while (!isThere(logOf(child))) {
    if (Date.now() > endsAt) throw new Error(`the daemon did not come to: ${what}\n${child.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function endsOf(lines: readonly LogLine[], mapping: string): readonly LogLine[] {
  return lines.filter((line) => line.mapping === mapping && line.msg === 'run ended');
}

/** Where a run of a mapping begins while another one of it is under way. */
export function overlapsIn(lines: readonly LogLine[]): readonly string[] {
  const running = new Map<string, string>();
  const overlaps: string[] = [];
  for (const { msg, mapping = '', run = '' } of lines) {
    if (msg === 'run starts') {
      const other = running.get(mapping);
      if (other !== undefined) overlaps.push(`${mapping}: ${run} during ${other}`);
      running.set(mapping, run);
    } else if (running.get(mapping) === run) running.delete(mapping);
  }
  return overlaps;
}

const model = (name: string, source: string, schedule: string) => `
model: ${name}
warehouse: main
${source}
key: [id]
cursor: { column: updated_at, lookback: 1h, nulls: always }
deletes: { missing_rows: true }
full_comparison: "0 3 * * *"
schedule: ${schedule}
`;

const mapping = (name: string, of: string, more = 'class: profile') => `
mapping: ${name}
fact: ${name}
version: "1.0"
${more}
model: ${of}
topic: PREFIX.${name}
owner: team@example.com
semantics: An account.
encoding: json
key: [id]
data_subject: id
occurred_at: { from: updated_at }
fields:
  id: { from: id, type: string }
  plan: { from: plan, type: { enum: [GOLD, SILVER] }, values: { gold: GOLD, silver: SILVER } }
  number: { from: number, type: int64 }
on_delete: tombstone
guards: { updated: { share: 100%, at_least: 1000 }, deleted: { share: 100%, at_least: 1000 } }
`;

/** Five mappings that are due every second or two; the query of one of them takes two seconds, and one has no schedule. */
export const SERVED: WorldFiles = {
  models: {
    accounts: model('accounts', 'table: accounts', '1s'),
    lazy: model('lazy', 'sql: select a.* from accounts a, (select pg_sleep(2)) as slow', '1s'),
    rights: model('rights', 'table: accounts', '2s'),
  },
  mappings: {
    account: mapping('account', 'accounts'),
    twin: mapping('twin', 'accounts', 'class: profile\ntags: [crm]'),
    slow: mapping('slow', 'lazy'),
    right: mapping('right', 'rights', 'class: governance\ncompatibility: backward'),
    called: mapping('called', 'accounts', 'class: profile\nschedule: none'),
  },
  kafka: 'transaction_timeout: 8s',
  project: 'serve: { retry: { first: 200ms, longest: 1s }, listen: "127.0.0.1:0" }\n',
};

export const SERVED_NAMES = Object.keys(SERVED.mappings);
