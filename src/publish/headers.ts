/**
 * Which headers a record has: constant ones, encoded once, then variable ones, whose values come with each record.
 * A mapping needs a handful of templates (created, updated, deleted …) for any number of records.
 */
export interface HeaderTemplate {
  readonly constant: readonly (readonly [name: string, value: string])[];
  readonly variable: readonly string[];
}

export const NO_HEADERS: HeaderTemplate = { constant: [], variable: [] };
