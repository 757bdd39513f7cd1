/** What became of the rows of one scan. */
export interface Counts {
  rows: number;
  /** Rows whose fact is as published. */
  unchanged: number;
  /** Rows without a fact: outside `where`, or soft-deleted. */
  absent: number;
  /** Rows that do not fit the contract, whether reported now or before. */
  rejected: number;
  created: number;
  updated: number;
  deleted: number;
  /** Facts whose current version a new topic gets. */
  filled: number;
  /** Entries that changed without anything being published. */
  recorded: number;
  /** Rows that are reported now. */
  quarantined: number;
  /** Entries of an append-only model that leave the snapshot. */
  expired: number;
  /** Rows below the horizon without an entry: published and expired, or too late. They are not published. */
  late: number;
}

export function noCounts(): Counts {
  return {
    rows: 0,
    unchanged: 0,
    absent: 0,
    rejected: 0,
    created: 0,
    updated: 0,
    deleted: 0,
    filled: 0,
    recorded: 0,
    quarantined: 0,
    expired: 0,
    late: 0,
  };
}
