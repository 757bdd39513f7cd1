/** A row of the table `marts.customers`. */
export interface CustomerRow {
  readonly id: string;
  readonly name: string;
  /** `HH:MM:SS` of 1 March 2026, UTC. */
  readonly updated_at: string;
}

export const DAY = '2026-03-01';

/** A warehouse that answers as its vendor documents it, and holds one table with a change feed. */
export interface RecordedTable {
  /** As a warehouse of headrace.yml, on one line. */
  readonly settings: string;
  rows: readonly CustomerRow[];
  /** The rows that the change feed says; undefined where it is off. */
  feed: readonly CustomerRow[] | undefined;
  /** The warehouse's clock, `HH:MM:SS` of that day. */
  now: string;
  /** The texts of the scans that were run, in their order. */
  scans(): readonly string[];
  stop(): Promise<void>;
}
